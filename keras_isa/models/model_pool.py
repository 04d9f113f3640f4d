"""The pool of networks of different ages that FRePo distils through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models.inspection import activation_bytes, has_native_convolution
from keras_isa.models.recorded_network import RecordedNetwork, stack_draws
from keras_isa.ops.arguments import image_shape_of, instance_of, seed_number, whole_number
from keras_isa.ops.parts import in_parts
from keras_isa.optimizers import check_learning_rate

# Bytes that the results of two neighbouring layers may take on an accelerator; a larger batch goes
# in parts. The same everywhere: the size of the parts can change the last bits.
_BUDGET = 2**31
# On a CPU, pixels of the images of a part (steps of its sequences), so that their activations stay
# in the caches; few images would make small matrices.
_PART_PIXELS = 32 * 32**2
_LEAST_PART = 8
# The same where parts stand next to each other: images, and the image size from which on.
_CHUNK = 64
_CHUNKED_PIXELS = 16 * 16


class Member(NamedTuple):
    """One network of the pool, as arrays."""

    weights: list
    state: list
    slots: list
    age: Any


@keras.saving.register_keras_serializable(package="keras_isa")
class ModelPool(keras.layers.Layer):
    """`size` networks of one architecture, stacked, each with its own optimizer state and age.

    A member is read and written by an index that may be traced, so that one compiled step serves
    all members. A member older than `max_online_steps` is replaced by a freshly initialised one
    inside the compiled step. The first ages are staggered, so that resets are spread out. Source:
    FRePo (Zhou et al. 2022), section on the model pool, and the code released with it.

    Args:
        feature_extractor: Function without arguments that builds a Keras model with the outputs
            `[logits, features]`.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes.
        size: Number of members m.
        max_online_steps: Age K above which a member is replaced.
        seed: Seed of all draws.

    Raises:
        TypeError: If `feature_extractor` is not a function that builds a model.
        ValueError: If a number is out of range, or the model does not fit.

    Example:

    >>> from keras_isa.models import ConvNet, ModelPool
    >>> pool = ModelPool(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10, size=4)
    >>> keras.ops.convert_to_numpy(pool.ages).tolist()
    [0, 25, 50, 75]
    """

    @in_standard_settings
    def __init__(
        self,
        feature_extractor: Callable[[], keras.Model],
        image_shape: tuple[int, ...],
        num_classes: int,
        *,
        size: int = 10,
        max_online_steps: int = 100,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.size = size = whole_number("size", size)
        self.max_online_steps = whole_number("max_online_steps", max_online_steps)
        seed = seed_number(seed)
        image_shape = image_shape_of("image_shape", image_shape)
        num_classes = whole_number("num_classes", num_classes)
        self.network = RecordedNetwork(feature_extractor, image_shape, num_classes)
        self._largest, _ = activation_bytes(self.network.network)
        self._loops = not has_native_convolution(self.network.network)
        self.seed_generator = keras.random.SeedGenerator(seed)
        weights, state = stack_draws(self.network, size, self.seed_generator)
        # Named after what they stack, so that a `keras.distribution.LayoutMap` can tell them apart.
        self.stacked_weights = [
            self._variable(value, variable.path.replace("/", "_"))
            for value, variable in zip(weights, self.network.weights, strict=True)
        ]
        self.stacked_state = [self._variable(value, "state") for value in state]
        stagger = (max_online_steps // size) * np.arange(size, dtype="int32")
        self.ages = self._variable(stagger, "ages")
        self.stacked_slots: list[keras.Variable] = []
        self.shared: list[keras.Variable] = []
        self.built = True

    @in_standard_settings
    def set_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Gives every member fresh state of `optimizer`, which trains the members on the set.

        Args:
            optimizer: A Keras optimizer that is not used elsewhere.
        """
        instance_of("inner_optimizer", optimizer, keras.optimizers.Optimizer)
        check_learning_rate("inner_optimizer", optimizer)
        optimizer.build(self.network.weights)
        # The learning rate is one for all, so that callbacks can change it; everything else is a
        # member's own.
        rate = getattr(optimizer, "_learning_rate", None)
        shared = [v for v in optimizer.variables if v is rate]
        slots = [v for v in optimizer.variables if v is not rate]
        self._optimizer = _Untracked(optimizer, slots, [_fill_of(v) for v in slots])
        self.shared = shared
        self.stacked_slots = [
            self._variable(np.stack([to_numpy(v)] * self.size), "slot") for v in slots
        ]

    def read(self, index: Any) -> Member:
        """Returns the member at `index` (a possibly traced integer)."""
        return Member(
            [ops.take(v, index, axis=0) for v in self.stacked_weights],
            [ops.take(v, index, axis=0) for v in self.stacked_state],
            [ops.take(v, index, axis=0) for v in self.stacked_slots],
            ops.take(self.ages, index, axis=0),
        )

    def write(self, index: Any, member: Member) -> None:
        """Puts `member` at `index`; the other members are not touched."""
        stacks = self.stacked_weights + self.stacked_state + self.stacked_slots + [self.ages]
        values = [*member.weights, *member.state, *member.slots, member.age]
        for stack, value in zip(stacks, values, strict=True):
            start = [index] + [0] * (len(stack.shape) - 1)
            value = ops.cast(value, stack.dtype)
            current = ops.convert_to_tensor(stack)
            stack.assign(ops.slice_update(current, start, ops.expand_dims(value, 0)))

    def features(self, member: Member, images: Any) -> Any:
        """Features `(B, F)` of images in model space; statistics are the running ones."""

        def of(part: Any) -> Any:
            return self.network.apply(member.weights, member.state, part, training=False)[1]

        if keras.distribution.distribution() is not None:
            return of(images)  # each device has its part
        if backend.has_accelerator():
            return in_parts(of, images, max(_BUDGET // max(2 * self._largest, 1), 1))
        if self._loops and len(images.shape) > 2:
            pixels = math.prod(images.shape[1:-1])
            return in_parts(of, images, max(_PART_PIXELS // pixels, _LEAST_PART))
        return _in_cached_parts(of, images)

    def advance(self, index: Any, member: Member, images: Any, labels: Any) -> Any:
        """One optimizer step of a member on the set, or its replacement when it is too old.

        Args:
            index: Position of the member.
            member: What `read(index)` gave.
            images: Synthetic images `(n, ...)`.
            labels: Synthetic labels `(n, C)`.

        Returns:
            The training loss before the step: mean over images of half the squared error, summed
                over classes.
        """
        (loss, state), gradients = backend.current().value_and_grad(self._loss)(
            member.weights, member.state, images, labels
        )
        weights, slots = self._apply_optimizer(member, gradients)
        expired = ops.greater(member.age, self.max_online_steps)
        key = self.seed_generator.next()
        # The convolutions stay outside of the branch: inside one, XLA's CPU backend runs them on
        # one thread. Only the random draws are conditional.
        updated = ops.cond(
            expired,
            lambda: self._fresh(key),
            lambda: Member(weights, list(state), slots, member.age + 1),
        )
        self.write(index, Member(*updated))
        return loss

    def _loss(self, weights: list, state: list, images: Any, labels: Any) -> tuple:
        logits, _, state = self.network.apply(weights, state, images, training=True)
        squares = ops.sum(ops.square(logits - labels), axis=-1)
        return 0.5 * ops.mean(squares), state

    def _apply_optimizer(self, member: Member, gradients: list) -> tuple[list, list]:
        # Keras optimizers are stateful: check the member in, apply, check it out again. Inside a
        # compiled step these assignments are recorded, not carried out.
        optimizer, slots = self._optimizer.optimizer, self._optimizer.slots
        variables = self.network.weights + slots
        for variable, value in zip(variables, member.weights + member.slots, strict=True):
            variable.assign(value)
        optimizer.apply(gradients, self.network.weights)
        values = [ops.convert_to_tensor(variable) for variable in variables]
        count = len(self.network.weights)
        return values[:count], values[count:]

    def _fresh(self, key: Any) -> Member:
        weights, state = self.network.draw(key)
        slots = [
            ops.broadcast_to(ops.convert_to_tensor(fill, dtype=v.dtype), v.shape)
            for fill, v in zip(self._optimizer.fills, self._optimizer.slots, strict=True)
        ]
        return Member(weights, state, slots, ops.zeros((), "int32"))

    def _variable(self, value: np.ndarray, name: str) -> keras.Variable:
        return self.add_weight(
            shape=value.shape,
            dtype=str(value.dtype),
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype=dtype),
            trainable=False,
            autocast=False,
            name=name,
        )


def _in_cached_parts(function: Callable[[Any], Any], images: Any) -> Any:
    """Applies a function to a batch, in parts of so many images that caches hold their activations.

    The operating system hands out the memory of a large batch anew, page by page, in every step; in
    parts the pass is a quarter faster. They stand next to each other in the program: inside of a
    compiled loop XLA runs convolutions on one thread.
    """
    count = images.shape[0]
    small = math.prod(images.shape[1:-1]) < _CHUNKED_PIXELS
    if count is None or count <= _CHUNK or small:
        return function(images)
    parts = [function(images[start : start + _CHUNK]) for start in range(0, count, _CHUNK)]
    return ops.concatenate(parts, axis=0)


class _Untracked:
    """Holds the optimizer and its variables out of Keras's tracking: they are scratch space."""

    def __init__(self, optimizer: Any, slots: list, fills: list) -> None:
        self.optimizer = optimizer
        self.slots = slots
        self.fills = fills


def _fill_of(variable: keras.Variable) -> np.ndarray:
    """The initial value of a slot, as one number when all its entries are equal."""
    value = to_numpy(variable)
    first = value.reshape(-1)[:1].reshape(())
    return first if (value == first).all() else value
