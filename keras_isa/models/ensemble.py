"""Networks of one architecture, stacked, with their optimizer state."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models.inspection import activation_bytes, has_native_convolution
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import seed_number, whole_number
from keras_isa.ops.parts import in_parts

# Bytes that the results of two neighbouring layers may take on an accelerator; a larger batch goes
# in parts. The same everywhere: the size of the parts can change the last bits.
_BUDGET = 2**31
# On a CPU, pixels of the images of a part (steps of its sequences), so that their activations stay
# in the caches; few images would make small matrices.
_PART_PIXELS = 32 * 32**2
_LEAST_PART = 8
# Where the parts are unrolled in the program: images of a part, and the least size of an image for
# which there are parts.
_CHUNK = 64
_CHUNKED_PIXELS = 16 * 16


class Member(NamedTuple):
    """One network of an ensemble, as arrays."""

    weights: list
    state: list
    slots: list


@keras.saving.register_keras_serializable(package="keras_isa")
class Ensemble(keras.layers.Layer):
    """`size` networks of one architecture, stacked along a new first axis.

    A network is read and written by an index that may be traced, so that one compiled step serves
    all of them. With an optimizer they train in one of two ways: one at a time, each with a state
    and a number of steps of its own (`step`), or all in every step (`step_all`).

    Args:
        network: Description of the networks.
        size: Number of networks m.
        seed: Seed of their weights.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If a number is out of range.

    Example:

    >>> from keras_isa.models import ConvNet, Ensemble
    >>> from keras_isa.models.recorded_network import RecordedNetwork
    >>> network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10)
    >>> ensemble = Ensemble(network, size=3)
    >>> ensemble.features(ensemble.read(2), np.zeros((5, 8, 8, 1), "float32")).shape[0]
    5
    """

    @in_standard_settings
    def __init__(
        self, network: RecordedNetwork, *, size: int, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.network = network
        self.size = whole_number("size", size)
        self._largest, _ = activation_bytes(network.network)
        self._loops = not has_native_convolution(network.network)
        self.seed_generator = keras.random.SeedGenerator(seed_number(seed))
        weights, state = stack_draws(network, size, self.seed_generator)
        # Named after what they stack, so that a `keras.distribution.LayoutMap` can tell them apart.
        self.stacked_weights = [
            self._variable(value, variable.path.replace("/", "_"))
            for value, variable in zip(weights, network.weights, strict=True)
        ]
        self.stacked_state = [self._variable(value, "state") for value in state]
        # What each network has of an optimizer, and what all of them have in common.
        self.stacked_slots: list[keras.Variable] = []
        self.shared: list[keras.Variable] = []
        # Keras does not track what a namespace holds: the optimizer and its variables are scratch
        # space. `fills` are the initial values of `slots`.
        self._optimizer = SimpleNamespace(optimizer=None, slots=[], fills=[])
        self.built = True

    @in_standard_settings
    def set_optimizer(
        self, optimizer: keras.optimizers.Optimizer, *, together: bool = False
    ) -> None:
        """Gives the networks an optimizer and fresh state of it.

        Args:
            optimizer: A Keras optimizer that is not used elsewhere.
            together: Whether all networks train in every step, by `step_all`. The optimizer must
                then act on each number by itself, so that on stacks it is one for each network.
        """
        optimizer.build(self.stacked_weights if together else self.network.weights)
        # Callbacks change the learning rate, so it is one for all and keeps its value.
        rate = getattr(optimizer, "_learning_rate", None)
        slots = [v for v in optimizer.variables if v is not rate]
        fills = [_fill_of(variable) for variable in slots]
        self._optimizer = SimpleNamespace(optimizer=optimizer, slots=slots, fills=fills)
        self.shared = [v for v in optimizer.variables if together or v is rate]
        self.stacked_slots = [
            self._variable(np.stack([to_numpy(v)] * self.size), "slot")
            for v in ([] if together else slots)
        ]

    @in_standard_settings
    def restart(self, generator: keras.random.SeedGenerator) -> None:
        """Gives all networks fresh weights and, where they have an optimizer, fresh state of it.

        Args:
            generator: Draws the weights; it moves on by one draw for each network.
        """
        weights, state = stack_draws(self.network, self.size, generator)
        for variable, value in zip(self.stacked, weights + state, strict=True):
            variable.assign(value)
        slots = self.stacked_slots or self._optimizer.slots
        for variable, value in zip(slots, self._fresh_slots(), strict=True):
            variable.assign(ops.broadcast_to(value, variable.shape))

    @property
    def stacked(self) -> list[keras.Variable]:
        """Weights and state of all networks, `(m, ...)` each."""
        return self.stacked_weights + self.stacked_state

    def fresh(self, key: Any) -> Member:
        """Returns a network with weights and optimizer state as at the start of a training.

        Args:
            key: Seed `(2,)` as `keras.random.SeedGenerator.next()` returns it; may be traced.
        """
        slots = self._fresh_slots() if self.stacked_slots else []
        return Member(*self.network.draw(key), slots)

    def read(self, index: Any) -> Member:
        """Returns the network at `index` (a possibly traced integer)."""
        stacks = self.stacked_weights, self.stacked_state, self.stacked_slots
        return Member(*([ops.take(v, index, axis=0) for v in group] for group in stacks))

    def write(self, index: Any, member: Member) -> None:
        """Puts `member` at `index`; the other networks are not touched."""
        stacks = self.stacked_weights + self.stacked_state + self.stacked_slots
        values = [*member.weights, *member.state, *member.slots]
        for stack, value in zip(stacks, values, strict=True):
            put(stack, index, value)

    def features(self, member: Member, images: Any) -> Any:
        """Features `(B, F)` of images in model space; statistics are the running ones.

        Args:
            member: A network of this architecture, such as `read` gives.
            images: `(B, H, W, C)`, `(B, T, F)` or `(B, F)`; a large batch goes in parts.
        """

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

    def step(self, member: Member, gradients: list, state: list) -> Member:
        """One step of the optimizer of one network.

        Args:
            member: What `read` gave.
            gradients: Those of its weights.
            state: Its state after the step.

        Returns:
            The network after the step; `write` puts it back.
        """
        # Keras optimizers are stateful: check the member in, apply, check it out again. Inside a
        # compiled step these assignments are recorded, not carried out.
        optimizer, slots = self._optimizer.optimizer, self._optimizer.slots
        variables = self.network.weights + slots
        for variable, value in zip(variables, member.weights + member.slots, strict=True):
            variable.assign(value)
        optimizer.apply(gradients, self.network.weights)
        values = [ops.convert_to_tensor(variable) for variable in variables]
        count = len(self.network.weights)
        return Member(values[:count], list(state), values[count:])

    def step_all(
        self, gradients: list, state: list, apply: Callable[..., None] | None = None
    ) -> None:
        """One step of the optimizer that all networks have in common.

        Args:
            gradients: Those of the stacked weights, `(m, ...)` each.
            state: The stacked state after the step.
            apply: What takes the step, called with the optimizer, the gradients and the weights; by
                default the optimizer itself.
        """
        optimizer = self._optimizer.optimizer
        (apply or type(optimizer).apply)(optimizer, gradients, self.stacked_weights)
        for variable, value in zip(self.stacked_state, state, strict=True):
            variable.assign(value)

    def _fresh_slots(self) -> list:
        return [
            ops.broadcast_to(ops.convert_to_tensor(fill, dtype=v.dtype), v.shape)
            for fill, v in zip(self._optimizer.fills, self._optimizer.slots, strict=True)
        ]

    def _variable(self, value: np.ndarray, name: str) -> keras.Variable:
        return self.add_weight(
            shape=value.shape,
            dtype=str(value.dtype),
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype=dtype),
            trainable=False,
            autocast=False,
            name=name,
        )


def stack_draws(network: RecordedNetwork, count: int, seed: Any) -> tuple[list, list]:
    """Draws `count` networks and stacks them along a new first axis.

    Args:
        network: Description of the network.
        count: Number of networks.
        seed: A `keras.random.SeedGenerator`.

    Returns:
        Lists of weights and state values, each `(count, ...)` NumPy arrays.
    """
    draws = [network.compiled_draw(seed.next()) for _ in range(count)]
    return keras.tree.map_structure(lambda *values: np.stack(list(map(to_numpy, values))), *draws)


def put(stack: keras.Variable, index: Any, value: Any) -> None:
    """Assigns one entry of a stack.

    Args:
        stack: Variable `(m, ...)`.
        index: Which entry, an integer that may be traced.
        value: Its new value `(...)`.
    """
    start = [index] + [0] * (len(stack.shape) - 1)
    value = ops.expand_dims(ops.cast(value, stack.dtype), 0)
    stack.assign(ops.slice_update(ops.convert_to_tensor(stack), start, value))


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


def _fill_of(variable: keras.Variable) -> np.ndarray:
    """The initial value of a slot, as one number when all its entries are equal."""
    value = to_numpy(variable)
    first = value.reshape(-1)[:1].reshape(())
    return first if (value == first).all() else value
