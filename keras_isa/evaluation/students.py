"""Networks trained from scratch on a small set, several of them in one compiled program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.arrays import to_numpy
from keras_isa.layers.evaluation_augmentation import EvaluationAugmentation
from keras_isa.models.inspection import product_dtype
from keras_isa.models.recorded_network import RecordedNetwork, stack_draws
from keras_isa.ops.arguments import whole_number
from keras_isa.optimizers import Adam
from keras_isa.presets.recipe import Recipe

# Training steps of one compiled call: long enough to hide Python, short enough to show progress.
_STEPS_PER_CALL = 100
# Images that one call of the inference looks at.
_CHUNK = 500


class Students:
    """`repeats` networks of one architecture that train in one program, step by step together.

    The program is compiled once and serves every set of the same shape.

    Args:
        rows: Images of a set, n.
        image_shape: `(height, width, channels)` or `(features,)`.
        num_classes: Number of classes C.
        recipe: How they are trained.
        repeats: Number of networks r.
        network: Function that builds another Keras model than the recipe's, with the outputs
            `[logits, features]`.

    Raises:
        ValueError: If `repeats` is not a positive integer.
    """

    def __init__(
        self,
        rows: int,
        image_shape: tuple[int, int, int],
        num_classes: int,
        recipe: Recipe,
        *,
        repeats: int = 5,
        network: Callable[[], keras.Model] | None = None,
    ) -> None:
        self.repeats = repeats = whole_number("repeats", repeats)
        self.steps = recipe.steps_for(rows)
        self._axes = len(image_shape) + 1
        self._rows, self._batch_size = rows, min(rows, recipe.batch_size)

        def record(vectorized: bool) -> RecordedNetwork:
            build = network or recipe.builder(image_shape, num_classes, vectorized)
            return RecordedNetwork(build, image_shape, num_classes)

        engine = backend.current()
        self._network = self._reader = record(vectorized=False)
        self._for_each: Callable = ops.map
        if engine.side_by_side(self._batch_size * math.prod(image_shape[:2])):
            self._network, self._for_each = record(vectorized=True), ops.vectorized_map
        self._augmentation = None
        if recipe.augmentation:
            self._augmentation = EvaluationAugmentation(recipe.augmentation, seed=0)
        self._rate = _schedule(recipe, self.steps)
        self._build_variables()
        dtype = product_dtype(self._reader.network)
        self._train = engine.looped(self._train_step, self._variables, dtype=dtype)
        self._logits_and_features = engine.compiled(self._infer, dtype=dtype)

    def start(self, images: Any, labels: Any, seed: int = 0) -> None:
        """Gives all networks fresh weights and a set, and trains none.

        Afterwards `accuracies` says what kernel ridge regression makes of random features.

        Args:
            images: As in `train`.
            labels: As in `train`.
            seed: As in `train`.
        """
        self._reset(seed)
        engine = backend.current()
        self._images = engine.to_device(_one_per_network(images, self.repeats, self._axes))
        self._labels = engine.to_device(_one_per_network(labels, self.repeats, 2))

    def train(
        self, images: Any, labels: Any, seed: int = 0, progress: Callable[[int], None] | None = None
    ) -> None:
        """Trains all networks from fresh weights.

        Args:
            images: Model-space images, `(n, H, W, C)` for all or `(r, n, H, W, C)`, one set per
                network.
            labels: Labels `(n, num_classes)` or `(r, n, num_classes)`.
            seed: Seed of weights and augmentation.
            progress: Called with the number of steps done.
        """
        self.start(images, labels, seed)
        done = 0
        while done < self.steps:
            count = min(_STEPS_PER_CALL, self.steps - done)
            self._train(count, self._images, self._labels)
            # Waiting for a small value keeps the progress honest.
            to_numpy(self._step)
            done += count
            if progress is not None:
                progress(done)

    def accuracies(
        self,
        x: np.ndarray,
        y: np.ndarray,
        preprocess: Callable,
        regularization: float,
        flip: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Accuracy of every network, and of kernel ridge regression on its features.

        Args:
            x: Test images `(N, H, W, C)` in pixel units.
            y: Their classes `(N,)`.
            preprocess: Takes pixels to model space.
            regularization: Ridge of the regression, relative to the kernel's mean diagonal.
            flip: Whether the set is joined by its mirror images in the regression.

        Returns:
            Two arrays `(r,)`, fractions: by the networks' logits and by the regression.
        """
        hits = np.zeros((2, self.repeats))
        members = [self._member(index) for index in range(self.repeats)]
        # Solved once per network, as a linear map from features to labels.
        maps = [self._regression_map(i, regularization, flip) for i in range(self.repeats)]
        for start in range(0, len(x), _CHUNK):
            images = preprocess(_padded(x[start : start + _CHUNK]))
            truth = y[start : start + _CHUNK]
            for index, (weights, state) in enumerate(members):
                logits, features = self._logits_and_features(weights, state, images)
                with backend.full_precision():
                    predicted = ops.matmul(features, maps[index])
                for kind, scores in enumerate((logits, predicted)):
                    guesses = np.argmax(to_numpy(scores)[: len(truth)], axis=-1)
                    hits[kind, index] += np.sum(guesses == truth)
        return hits[0] / len(x), hits[1] / len(x)

    # ---------------------------------------------------------------- inside

    def _build_variables(self) -> None:
        weights, state = stack_draws(self._network, self.repeats, keras.random.SeedGenerator(0))
        self._weights = [keras.Variable(value, name="weight") for value in weights]
        self._state = [keras.Variable(value, trainable=False, name="state") for value in state]
        # Adam acts on each number by itself, so on stacked weights it is r separate Adams.
        self._optimizer = Adam(self._rate, epsilon=1e-8)
        self._optimizer.build(self._weights)
        self._seeds = keras.random.SeedGenerator(0)
        self._step = keras.Variable(0, dtype="int32", trainable=False, name="step")
        self._variables = [
            *self._weights,
            *self._state,
            *self._optimizer.variables,
            self._seeds.state,
            self._step,
        ]

    def _reset(self, seed: int) -> None:
        generator = keras.random.SeedGenerator(seed)
        weights, state = stack_draws(self._network, self.repeats, generator)
        for variable, value in zip(self._weights + self._state, weights + state, strict=True):
            variable.assign(value)
        for variable in self._optimizer.variables:
            if variable is not getattr(self._optimizer, "_learning_rate", None):
                variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))
        self._seeds.state.assign(generator.next())
        self._step.assign(0)

    def _train_step(self, images: Any, labels: Any) -> None:
        if self._batch_size < self._rows:
            # The protocol repeats the set without shuffling.
            rows = ops.arange(self._batch_size, dtype="int32")
            rows = rows + ops.convert_to_tensor(self._step) * self._batch_size
            rows = ops.mod(rows, self._rows)
            images, labels = ops.take(images, rows, axis=1), ops.take(labels, rows, axis=1)
        # One seed each: seeds derived from a common one would give neighbours the same numbers.
        keys = ops.stack([self._seeds.next() for _ in range(self.repeats)])
        gradients, state = self._for_each(
            self._gradients,
            (
                [ops.convert_to_tensor(v) for v in self._weights],
                [ops.convert_to_tensor(v) for v in self._state],
                images,
                labels,
                keys,
            ),
        )
        self._optimizer.apply(gradients, self._weights)
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        self._step.assign_add(1)

    def _gradients(self, network: tuple) -> tuple[list, list]:
        """Gradients and new state of one network."""
        (_, state), gradients = backend.current().value_and_grad(self._loss)(*network)
        return gradients, state

    def _loss(self, weights: list, state: list, images: Any, labels: Any, key: Any) -> tuple:
        if self._augmentation is not None:
            images = self._augmentation.augment(images, key)
        logits, _, state = self._network.apply(weights, state, images, training=True)
        return 0.5 * ops.mean(ops.sum(ops.square(logits - labels), axis=-1)), state

    def _infer(self, weights: list, state: list, images: Any) -> tuple:
        logits, features, _ = self._reader.apply(weights, state, images, training=False)
        return logits, features

    def _member(self, index: int) -> tuple[list, list]:
        return [ops.take(v, index, axis=0) for v in self._weights], [
            ops.take(v, index, axis=0) for v in self._state
        ]

    def _regression_map(self, index: int, regularization: float, flip: bool) -> Any:
        images, labels = self._images[index], self._labels[index]
        if flip:
            images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
            labels = ops.concatenate([labels, labels], axis=0)
        _, features = self._logits_and_features(*self._member(index), images)
        return _regression_map(to_numpy(features), to_numpy(labels), regularization)


def _regression_map(features: np.ndarray, labels: np.ndarray, regularization: float) -> np.ndarray:
    """The map `(F, C)` of `ops.fit_kernel_regression`, solved in float64.

    No gradient flows here, so precision is to be had: students of a few steps on smooth images have
    features so alike that float32 finds no solution.
    """
    features = features.astype(np.float64)
    kernel = features @ features.T
    # A dead network, all features zero, predicts zero.
    ridge = regularization * np.mean(np.diagonal(kernel)) if kernel.any() else 1.0
    duals = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), labels)
    return (features.T @ duals).astype(np.float32)


def _schedule(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = min(recipe.warmup_steps, steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )


def _one_per_network(values: Any, repeats: int, ndim: int) -> np.ndarray:
    values = np.asarray(values, dtype="float32")
    if values.ndim == ndim:
        return np.broadcast_to(values, (repeats, *values.shape))
    return values


def _padded(images: np.ndarray) -> np.ndarray:
    """Fills a short last chunk up, so that nothing is compiled for it."""
    missing = _CHUNK - len(images)
    if missing <= 0:
        return images
    return np.concatenate([images, np.repeat(images[:1], missing, axis=0)])
