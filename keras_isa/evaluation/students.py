"""Networks trained from scratch on a small set, several of them in one compiled program."""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_isa import backend
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation import protocols, readings
from keras_isa.evaluation.centring import Centring
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models.ensemble import Ensemble, Member
from keras_isa.models.inspection import product_dtype
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import whole_number
from keras_isa.optimizers import make_adjustable

# Training steps of one compiled call: long enough to hide Python, short enough to show progress.
_STEPS_PER_CALL = 100
# Steps from which the length of a training is forecast.
_MEASURED_STEPS = 5


class Students:
    """`repeats` networks of one architecture that train in one program, step by step together.

    The program is compiled once and serves every set of the same shape.

    Args:
        rows: Images of a set, n.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes C.
        recipe: How they are trained.
        repeats: Number of networks r.
        network: Function that builds another Keras model than the recipe's, with the outputs
            `[logits, features]`.

    Raises:
        ValueError: If `repeats` is not a positive integer, or recipe or network do not fit the
            shape.
    """

    @in_standard_settings
    def __init__(
        self,
        rows: int,
        image_shape: tuple[int, ...],
        num_classes: int,
        recipe: Recipe,
        *,
        repeats: int = 5,
        network: Callable[[], keras.Model] | None = None,
    ) -> None:
        self.repeats = repeats = whole_number("repeats", repeats)
        self.recipe = recipe = recipe.for_shape(image_shape)
        self.steps = recipe.steps_for(rows)
        self._axes = len(image_shape) + 1
        self._own_rows, self._rows = rows, recipe.rows_for(rows)
        self._batch_size = min(self._rows, recipe.batch_size)
        self._shuffle = recipe.shuffle

        def record(vectorized: bool) -> RecordedNetwork:
            build = network or recipe.builder(image_shape, num_classes, vectorized)
            argument = "feature_extractor" if network is None else "network"
            return RecordedNetwork(build, image_shape, num_classes, argument)

        engine = backend.current()
        self._network = self._reader = record(vectorized=False)
        pixels = self._batch_size * math.prod(image_shape[:-1] or image_shape)
        # Convolutions over sequences are the frameworks' own, which vectorise badly.
        known = network is None and recipe.network == "convnet" and len(image_shape) != 2
        in_threads = backend.computes_in_threads()
        at_once = not in_threads and engine.side_by_side(pixels, known=known)
        if at_once:
            self._network = record(vectorized=True)
        self._gradients = self._gradients_one_by_one
        if at_once:
            self._gradients = engine.gradients_of_each(self._loss)
        self._loss_of_logits = protocols.loss_of(recipe)
        self._augmentation = protocols.augmentation_of(recipe)
        self._networks = Ensemble(self._network, size=repeats)
        # The networks of one compiled loop: all, or one, whose loop runs for each of them.
        self._looped = Ensemble(self._network, size=1) if in_threads else self._networks
        # By which factor of the recipe's learning rate the networks of a loop are trained.
        self._rate = keras.Variable(1.0, dtype="float32", trainable=False, name="rate")
        optimizer = protocols.optimizer_of(recipe, self.steps)
        make_adjustable(optimizer, self._rate)
        self._looped.set_optimizer(optimizer, together=True)
        self._seeds = keras.random.SeedGenerator(0)
        self._order = keras.random.SeedGenerator(0)
        self._step = keras.Variable(0, dtype="int32", trainable=False, name="step")
        self._changing = [*self._looped.variables, self._step, self._rate]
        dtype = product_dtype(self._reader.network)
        if in_threads:
            from keras_isa.backend.jax_threads import ThreadedLoop

            self._threads = ThreadedLoop(self._train_step, self._changing, dtype)
            self._train = self._train_in_threads
        else:
            self._loop = engine.looped(self._train_step, self._changing, dtype=dtype, small=at_once)
            self._train = self._train_together
        self._logits_and_features = engine.compiled(self._infer, dtype=dtype)
        self._centring = Centring(recipe, self._read)

    @in_standard_settings
    def start(self, images: Any, labels: Any, seed: int = 0) -> None:
        """Gives all networks fresh weights and a set, and trains none.

        Afterwards `accuracies` gives the accuracy of kernel ridge regression on random features.

        Args:
            images: As in `train`.
            labels: As in `train`.
            seed: As in `train`.
        """
        self._reset(seed)
        self._rates = [1.0]
        self._rate.assign(1.0)
        engine = backend.current()
        images = _one_per_network(images, self.repeats, self._axes)
        labels = _one_per_network(labels, self.repeats, 2)
        if self._rows > self._own_rows:
            images = np.concatenate([images, np.flip(images, axis=3)], axis=1)
            labels = np.concatenate([labels, labels], axis=1)
        networks = map(self._networks.read, range(self.repeats))
        self._targets = engine.to_device(self._centring.start(networks, images, labels))
        self._images, self._labels = engine.to_device(images), labels

    @in_standard_settings
    def seconds_per_step(self, images: Any, labels: Any) -> float:
        """Takes the time of a few steps, when everything is compiled; `train` starts afresh.

        Args:
            images: As in `train`.
            labels: As in `train`.

        Returns:
            Seconds of one step of all networks.
        """
        self.start(images, labels)
        for count in (1, _MEASURED_STEPS):
            began = time.perf_counter()
            list(self._train([count]))
        return (time.perf_counter() - began) / _MEASURED_STEPS

    @in_standard_settings
    def train(
        self,
        images: Any,
        labels: Any,
        seed: int = 0,
        progress: Callable[[int], None] | None = None,
        rates: Sequence[float | None] = (1.0,),
        look: Callable[[], Any] = lambda: None,
        looks: int = 1,
    ) -> None:
        """Trains all networks from fresh weights.

        Args:
            images: Model-space images, `(n, H, W, C)` for all or `(r, n, H, W, C)`, one set per
                network.
            labels: Labels `(n, num_classes)` or `(r, n, num_classes)`.
            seed: Seed of weights and augmentation.
            progress: Called with the number of steps done.
            rates: Factors of the recipe's learning rate, one for all networks, or where each trains
                in a loop of its own (`own_loops`) one for each of the first ones. The others, and
                those with `None`, are not trained then.
            look: Called at the end, and before it as `looks` says.
            looks: How often `look` is called, at equal distances as far as there are steps.
        """
        self.start(images, labels, seed)
        self._rates = list(rates)
        self._rate.assign(self._rates[0] or 1.0)
        ends = {math.ceil(number * self.steps / looks) for number in range(1, looks + 1)}
        for _ in self._train(sorted(ends), progress):
            look()

    @property
    def own_loops(self) -> bool:
        """Whether each network trains in a loop of its own, at a rate of its own if need be."""
        return self._train == self._train_in_threads

    @in_standard_settings
    def accuracies(
        self,
        x: Any,
        y: np.ndarray,
        preprocess: Callable,
        regularization: float,
        flip: bool = False,
        top: int = 1,
    ) -> np.ndarray:
        """Accuracy of every network, and of kernel ridge regression on its features.

        Args:
            x: Test images `(N, H, W, C)` in pixel units.
            y: Their classes `(N,)`.
            preprocess: Takes pixels to model space.
            regularization: Ridge of the regression, relative to the kernel's mean diagonal.
            flip: Whether the set is joined by its mirror images in the regression.
            top: How many of the predicted classes count.

        Returns:
            `(2, r)`, fractions: by the networks' logits and by the regression; NaN where those are
            not finite.

        Raises:
            ValueError: If anything but images is to be mirrored.
        """
        return readings.hit_rates(self, x, y, preprocess, regularization, flip, top)

    @in_standard_settings
    def squared_errors(
        self, x: Any, y: np.ndarray, preprocess: Callable, restore: Callable, **regression: Any
    ) -> np.ndarray:
        """Mean squared error of every network, and of kernel ridge regression on its features.

        Args:
            x: Test rows, as in `accuracies`.
            y: Their targets `(N, K)` in their own units.
            preprocess: As in `accuracies`.
            restore: Takes predictions to the units of the targets.
            **regression: `regularization` and `flip`, as in `accuracies`.

        Returns:
            Errors `(2, r, K)`, float64: by the networks' outputs and by the regression.
        """
        return readings.squared_errors(self, x, y, preprocess, restore, **regression)

    @in_standard_settings
    def logits(self, x: Any, preprocess: Callable) -> np.ndarray:
        """What every network says of images, `(r, N, C)` float32.

        Args:
            x: Images, as in `accuracies`.
            preprocess: As in `accuracies`.
        """
        return readings.logits(self, x, preprocess)

    @property
    def networks(self) -> Ensemble:
        """The networks."""
        return self._networks

    def outputs(self, index: int, images: Any) -> tuple[Any, Any]:
        """Logits `(B, C)` and features `(B, F)` of a network.

        Args:
            index: Number of the network.
            images: Images `(B, ...)` in model space.
        """
        outputs, features = self._read(self._networks.read(index), images)
        return self._centring.predictions(index, images, outputs), features

    def features_and_labels(self, index: int, flip: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Features `(n, F)` of the set that a network was trained on, and its labels `(n, C)`.

        Args:
            index: Number of the network.
            flip: Whether the mirror images of the set follow it.
        """
        own = slice(self._own_rows)  # without the mirror images that a recipe has
        images, labels = self._images[index][own], self._labels[index][own]
        if flip:
            images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
            labels = np.concatenate([labels, labels], axis=0)
        return readings.features_of(self, index, images), np.asarray(labels)

    # ---------------------------------------------------------------- inside

    def _reset(self, seed: int) -> None:
        generator = keras.random.SeedGenerator(seed)
        self._networks.restart(generator)
        self._seeds.state.assign(generator.next())
        self._order.state.assign(generator.next())
        self._step.assign(0)

    def _train_together(
        self, ends: list[int], progress: Callable[[int], None] | None = None
    ) -> Iterator[None]:
        """Trains all networks in one loop, call after call, and stops after so many steps."""
        about = self._images, self._targets, *self._seeds_of_a_training(), np.int32(0)
        done = 0
        for end in ends:
            while done < end:
                count = min(_STEPS_PER_CALL, end - done)
                self._loop(count, *about)
                to_numpy(self._step)  # waiting for a small value keeps the progress honest
                done += count
                if progress is not None:
                    progress(done)
            yield

    def _train_in_threads(
        self, ends: list[int], progress: Callable[[int], None] | None = None
    ) -> Iterator[None]:
        """Trains each network in a loop of its own, as many at a time as there are cores."""
        stacks = {
            id(one): stack
            for one, stack in zip(self._looped.stacked, self._networks.stacked, strict=True)
        }
        seeds = self._seeds_of_a_training()
        states, about = [], []
        given = self._rates if len(self._rates) > 1 else self._rates * self.repeats
        places = [index for index, rate in enumerate(given) if rate is not None]
        for index in places:
            own = slice(index, index + 1)
            self._rate.assign(given[index])
            states.append(
                [
                    ops.convert_to_tensor(stacks[id(one)])[own]
                    if id(one) in stacks
                    else ops.convert_to_tensor(one)
                    for one in self._changing
                ]
            )
            about.append((self._images[own], self._targets[own], *seeds, np.int32(index)))
        for begin, end in itertools.pairwise([0, *ends]):
            report = progress and (lambda done, begin=begin: progress(begin + done))
            states = self._threads(states, about, end - begin, report)
            for place, one in enumerate(self._changing):
                if id(one) in stacks:
                    values = list(ops.split(ops.convert_to_tensor(stacks[id(one)]), self.repeats))
                    for index, state in zip(places, states, strict=True):
                        values[index] = state[place]
                    stacks[id(one)].assign(ops.concatenate(values, axis=0))
            yield

    def _seeds_of_a_training(self) -> tuple[Any, Any]:
        return tuple(ops.convert_to_tensor(one.state) for one in (self._seeds, self._order))

    def _train_step(self, images: Any, labels: Any, seed: Any, order: Any, first: Any) -> None:
        """One step of the networks of a loop, of which `first` is the number of the first one."""
        numbers = [first + place for place in range(self._looped.size)]
        step = ops.convert_to_tensor(self._step)
        # One seed each: seeds derived from a common one would give neighbours the same numbers.
        counts = ops.cast(ops.stack([step * self.repeats + n for n in numbers]), seed.dtype)
        keys = seed + ops.stack([ops.zeros_like(counts), counts], axis=1)
        drawn = self._draw(keys)
        if self._batch_size < self._rows:
            keys = protocols.keys_of(order, self.repeats, numbers) if self._shuffle else None
            size = self._rows, self._batch_size
            images, labels = protocols.batch((images, labels), keys, step, *size)
        gradients, state = self._gradients(
            [ops.convert_to_tensor(v) for v in self._looped.stacked_weights],
            [ops.convert_to_tensor(v) for v in self._looped.stacked_state],
            images,
            labels,
            drawn,
        )
        self._looped.step_all(gradients, state, protocols.apply_gradients)
        self._step.assign_add(1)

    def _draw(self, keys: Any) -> Any:
        """Draws the numbers of each network's augmentation, which a vectorised map cannot do."""
        if self._augmentation is None:
            return keys
        draw = functools.partial(self._augmentation.draw, self._batch_size)
        return backend.current().draw_each(draw, keys)

    def _gradients_one_by_one(self, *networks: Any) -> tuple[list, list]:
        """Gradients and new state of all networks, in a loop over them."""

        def one(network: tuple) -> tuple[list, list]:
            (_, state), gradients = backend.current().value_and_grad(self._loss)(*network)
            return gradients, state

        if self._looped.size > 1:
            return ops.map(one, networks)
        found = one(tree.map_structure(lambda value: value[0], networks))
        return tree.map_structure(lambda value: ops.expand_dims(value, 0), found)

    def _loss(self, weights: list, state: list, images: Any, labels: Any, drawn: Any) -> tuple:
        if self._augmentation is not None:
            images = self._augmentation.transform(images, drawn)
        logits, _, state = self._network.apply(weights, state, images, training=True)
        return self._loss_of_logits(logits, labels), state

    def _read(self, member: Member, images: Any) -> tuple[Any, Any]:
        return self._logits_and_features(member.weights, member.state, images)

    def _infer(self, weights: list, state: list, images: Any) -> tuple:
        return self._reader.apply(weights, state, images, training=False)[:2]


def _one_per_network(values: Any, repeats: int, ndim: int) -> np.ndarray:
    values = np.asarray(values, dtype="float32")
    if values.ndim == ndim:
        return np.broadcast_to(values, (repeats, *values.shape))
    return values
