"""The pieces of a distillation step, each compiled and timed by itself.

What a piece costs alone is not exactly its share of the step, in which the compiler joins
neighbours and keeps results in caches: `unexplained` of the whole tells how far the two differ.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import _measure  # noqa: F401 - finds keras_isa in a checkout
import numpy as np

# Seconds that go into timing a piece, and calls at least.
_SECONDS = 2.0
_LEAST = 5


def measure(settings: Any, shape: tuple, classes: int, gflops: float) -> dict[str, Any]:
    """Times every piece and the whole step.

    Args:
        settings: Settings of the run.
        shape: `(height, width, channels)`.
        classes: Number of classes.
        gflops: What this machine does in a product of matrices of the networks' dtype, GFLOP per
            second.

    Returns:
        By piece `seconds` (the least) and `seconds_median`, counted `gflop` and `megabytes`, and
        `share_of_limit`, the time that its operations take at that rate, relative to `seconds`; and
        the same of the whole step.
    """
    from keras_isa import FRePoTrainer
    from keras_isa.planning.trial import Trial

    rows = classes * settings.images_per_class
    trial = Trial(FRePoTrainer, settings, shape, classes, rows=rows, batch_size=settings.batch_size)
    trial.compile()
    pieces = _Pieces(trial)
    counted = _counted(pieces, settings, shape, classes)
    table = {}
    for name, times in pieces.times().items():
        seconds = min(times)
        gflop, megabytes = counted.get(name, (0.0, 0.0))
        table[name] = {
            "seconds": seconds,
            "seconds_median": statistics.median(times),
            "gflop": gflop,
            "megabytes": megabytes,
            "share_of_limit": gflop / gflops / seconds,
        }
    times = trial.seconds(least=_LEAST, budget=_SECONDS)[1:]
    whole = min(times)
    parts = sum(entry["seconds"] for name, entry in table.items() if name not in _CONTAINED)
    gflop = sum(entry["gflop"] for name, entry in table.items() if name not in _CONTAINED)
    return {
        "pieces": table,
        "whole": {
            "seconds": whole,
            "seconds_median": statistics.median(times),
            "gflop": gflop,
            "share_of_limit": gflop / gflops / whole,
            "unexplained": whole - parts,
        },
    }


# Parts of `set gradient`.
_CONTAINED = ("set forward and backward", "regression and its gradient")


class _Pieces:
    """Functions of arrays for the pieces, and arrays for them."""

    def __init__(self, trial: Any) -> None:
        from keras import ops

        from keras_isa import backend

        self.engine, self.trainer = backend.current(), trial.trainer
        self.variables = self.trainer.variables
        self.values = [variable.value for variable in self.variables]
        trainer, rng = self.trainer, np.random.default_rng(0)
        batch, shape = trial.batch_size, trainer.distilled.image_shape
        pixels = rng.integers(0, 256, (batch, *shape), dtype="uint8")
        class_ids = np.arange(batch, dtype="int32") % trainer.distilled.num_classes
        images = rng.standard_normal((batch, *shape), dtype="float32")
        # On the device, where a step has them: no call sends anything there.
        self.pixels, self.class_ids, self.images = map(
            self.engine.to_device, (pixels, class_ids, images)
        )
        self.member = trainer.pool.read(0)
        self.synthetic = ops.convert_to_tensor(trainer.distilled.images)
        self.labels = ops.convert_to_tensor(trainer.distilled.labels)
        self.target_features = self._run(self._target_features, self.member, self.images)
        self.set_features = self._run(self._set_features, self.member, self.synthetic)

    def times(self) -> dict[str, list[float]]:
        """Seconds of every call of every piece."""
        from keras_isa.methods import Batch
        from keras_isa.methods.frepo import Context

        trainer, member = self.trainer, self.member
        learned = trainer.learned_variables()
        trained = {name: variable.value for name, variable in learned.items()}
        inner = self._run(trainer.inner_rows)
        labels = trainer.distilled.encode(self.class_ids)
        found: dict[str, tuple[Callable, tuple, bool]] = {
            "sampling and preprocessing": (self._sampled, (self.pixels, self.class_ids), True),
            "pool read": (lambda: trainer.pool.read(0), (), False),
            "target forward": (self._target_features, (member, self.images), False),
            "set gradient": (
                self._set_gradient,
                (
                    trained,
                    Batch(self.images, self.class_ids),
                    Context(np.int32(0), member, self.target_features, labels),
                ),
                False,
            ),
            "set forward and backward": (self._set_passes, (self.synthetic, member), False),
            "regression and its gradient": (
                self._regression,
                ([self.set_features, self.labels], self.target_features),
                False,
            ),
            "outer update": (self._outer_update, (list(trained.values()),), True),
            "inner step": (self._inner_step, (member, *inner), False),
            "pool write": (lambda member: trainer.pool.write(0, member), (member,), True),
        }
        with trainer.running():  # as `fit` does
            return {name: self._timed(*piece) for name, piece in found.items()}

    def _sampled(self, pixels: Any, class_ids: Any) -> tuple:
        from keras import ops

        rows = self.trainer.sampler.next_rows()
        return self.trainer.distilled(ops.take(pixels, rows, axis=0)), ops.take(class_ids, rows)

    def _target_features(self, member: Any, images: Any) -> Any:
        return self.trainer.pool.features(member, images)

    def _set_features(self, member: Any, images: Any) -> Any:
        from keras import ops

        if self.trainer.flip:
            images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
        return self.trainer.pool.features(member, images)

    def _set_gradient(self, trained: dict, *rest: Any) -> Any:
        return self.trainer.gradients(trained, *rest)

    def _set_passes(self, images: Any, member: Any) -> Any:
        from keras import ops

        def loss(arrays: list) -> tuple:
            return ops.sum(ops.square(self._set_features(member, arrays[0]))), ()

        return self.engine.value_and_grad(loss)([images])

    def _regression(self, arrays: list, target_features: Any) -> Any:
        from keras import ops

        def loss(arrays: list) -> tuple:
            features, labels = arrays
            if self.trainer.flip:
                labels = ops.concatenate([labels, labels], axis=0)
            predicted = self.trainer.kernel_regression((target_features, features, labels))
            return ops.sum(ops.square(predicted)), ()

        return self.engine.value_and_grad(loss)(arrays)

    def _outer_update(self, gradients: list) -> None:
        trained = self.trainer.distilled.trainable_variables
        self.trainer.optimizer.apply(gradients, trained)

    def _inner_step(self, member: Any, images: Any, labels: Any) -> Any:
        pool = self.trainer.pool
        (_, state), gradients = self.engine.value_and_grad(pool._loss)(
            member.weights, member.state, images, labels
        )
        return pool.step(member, gradients, state)

    def _run(self, function: Callable, *arguments: Any) -> Any:
        return self.engine.stateless(function, self.variables)(self.values, *arguments)[0]

    def _timed(self, function: Callable, arguments: tuple, assigns: bool) -> list[float]:
        import jax.numpy as jnp

        pure = self.engine.stateless(function, self.variables)

        def result(values: list, *arguments: Any) -> Any:
            return pure(values, *arguments)[0]

        # A piece that assigns overwrites, as the step does; others leave the variables out.
        chosen, donate = (pure, (0,)) if assigns else (result, ())
        call, _ = self.engine.compiled_ahead(
            chosen, (self.values, *arguments), donate, dtype=self.trainer.network_dtype
        )
        values = [jnp.array(value, copy=True) for value in self.values]
        times: list[float] = []
        while len(times) <= _LEAST or sum(times) < _SECONDS:
            started = time.perf_counter()
            found = self.engine.wait(call(values, *arguments))
            times.append(time.perf_counter() - started)
            if assigns:
                values = found[1]
        return times[1:]


def regression_flop(rows: int, classes: int, features: int, batch: int) -> float:
    """Counts the matrix products of kernel regression and its gradient.

    `K = Z Z'` with its gradient, a product each; the gradient of the solution `A` to K, two;
    `Z_T (Z' A)` in whichever order is cheaper, with its gradient to Z and A.
    """
    flop = 4 * rows**2 * (features + classes) + 4 * batch * features * min(rows, classes)
    return flop + (6 * rows * features * classes if rows >= classes else 0)


def _counted(
    pieces: _Pieces, settings: Any, shape: tuple, classes: int
) -> dict[str, tuple[float, float]]:
    """GFLOP, two for a multiply-add of a direct convolution, and MB that have to be moved.

    Every result of a layer is written once and read once, in the backward passes once more; every
    number of the pool, the optimizers and the batch is read and written once.
    """
    from keras_isa.models import default_flops
    from keras_isa.models.inspection import activation_bytes
    from keras_isa.planning.memory_estimate import bytes_of

    trainer = pieces.trainer
    image = default_flops(shape, classes, settings.width, settings.depth)
    _, activations = activation_bytes(trainer.pool.network.network)
    rows = trainer.distilled.images.shape[0]
    joined = rows * (2 if trainer.flip else 1)
    inner = min(rows, 1000)
    batch, features = pieces.target_features.shape
    member = bytes_of(trainer.pool.network.weights) * 3  # with both moments
    updated = 2 * bytes_of([*trainer.distilled.trainable_variables, *trainer.optimizer.variables])
    regression = regression_flop(joined, classes, features, batch)
    pixels = pieces.pixels.nbytes + pieces.images.nbytes
    passes = 2 * joined * image, 4 * joined * activations
    solved = regression, 8 * (batch + 2 * joined) * features
    counts = {
        "sampling and preprocessing": (0, pixels),
        "pool read": (0, 2 * member),
        "target forward": (batch * image, 2 * batch * activations),
        "set forward and backward": passes,
        "regression and its gradient": solved,
        "set gradient": (passes[0] + solved[0], passes[1] + solved[1]),
        "outer update": (0, updated),
        "inner step": (3 * inner * image, 4 * inner * activations + 2 * member),
        "pool write": (0, 2 * member),
    }
    return {name: (1e-9 * flop, 1e-6 * size) for name, (flop, size) in counts.items()}
