"""A network seen as pure functions, with fresh weights on demand."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.ops.random import KeySequence


class RecordedNetwork:
    """Builds the user's network once and remembers how each of its weights was initialised.

    The network serves as a description: its own variables are never trained. Pools and students
        keep
    many sets of weights and hand one of them to `apply`. It is deliberately not a Keras layer, so a
    trainer that holds one does not carry the description's variables in its state.

    Args:
        build: Function without arguments that returns a Keras model with the outputs
            `[logits, features]`.
        image_shape: `(height, width, channels)` of the images.
        num_classes: Number of classes, the size of the logits.

    Raises:
        TypeError: If `build` is not callable or does not return a Keras model.
        ValueError: If the network's outputs are not logits `(B, num_classes)` and features.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.recorded_network import RecordedNetwork
    >>> network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10)
    >>> weights, state = network.draw(keras.random.SeedGenerator(0).next())
    >>> len(weights), len(state)
    (8, 0)
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        image_shape: Sequence[int],
        num_classes: int,
    ) -> None:
        # A model is callable too, but one ready-made network cannot give fresh ones.
        if not callable(build) or isinstance(build, keras.layers.Layer):
            raise TypeError(
                "`feature_extractor` must be a function without arguments that builds a model. "
                f"Received: {build!r}"
            )
        probe = np.zeros((2, *image_shape), "float32")
        with _recorded_initializers() as initializers:
            network = build()
            if not isinstance(network, keras.Model):
                raise TypeError(
                    "`feature_extractor` must return a keras.Model. "
                    f"Received: {type(network).__name__}"
                )
            outputs = network(probe, training=False)
        _check_outputs(outputs, num_classes)
        self.network = network
        self.weights = list(network.trainable_variables)
        self.state = list(network.non_trainable_variables)
        self._sources = {
            id(v): initializers.get(id(v), np.array(v.value)) for v in self.weights + self.state
        }

    def apply(self, weights: list, state: list, images: Any, training: bool) -> tuple:
        """Runs the network with the given weights.

        Args:
            weights: Values of the trainable variables, in the order of `self.weights`.
            state: Values of the other variables, in the order of `self.state`.
            images: Images `(B, H, W, C)` in model space.
            training: Whether layers such as batch normalisation are in training mode.

        Returns:
            Logits `(B, num_classes)` float32, features `(B, F)` float32 and the new state.
        """
        (logits, features), state = self.network.stateless_call(
            weights, state, images, training=training
        )
        features = ops.reshape(features, (ops.shape(features)[0], -1))
        return ops.cast(logits, "float32"), ops.cast(features, "float32"), state

    def draw(self, key: Any) -> tuple[list, list]:
        """Draws fresh values for all variables, each from its layer's own initializer.

        Args:
            key: Seed of shape `(2,)` as `keras.random.SeedGenerator.next()` returns it; may be
                traced.

        Returns:
            Lists of weights and state values.
        """
        seed = KeySequence(key)
        fresh = [self._fresh(variable, seed) for variable in self.weights + self.state]
        return fresh[: len(self.weights)], fresh[len(self.weights) :]

    def _fresh(self, variable: keras.Variable, seed: KeySequence) -> Any:
        source = self._sources[id(variable)]
        if isinstance(source, np.ndarray):
            if "seed_generator_state" in variable.path:
                # A dropout layer's generator: every member needs its own stream.
                random = keras.random.randint(variable.shape, 0, 2**31 - 1, seed=seed)
                return ops.cast(random, variable.dtype)
            return ops.convert_to_tensor(source, dtype=variable.dtype)
        if hasattr(source, "seed"):
            # Initializers carry a fixed seed; a copy draws from ours.
            source = copy.copy(source)
            source.seed = seed
        return ops.cast(source(variable.shape, dtype=variable.dtype), variable.dtype)


def stack_draws(network: RecordedNetwork, count: int, seed: Any) -> tuple[list, list]:
    """Draws `count` networks and stacks them along a new first axis.

    Args:
        network: Description of the network.
        count: Number of networks.
        seed: A `keras.random.SeedGenerator`.

    Returns:
        Lists of weights and state values, each `(count, ...)` NumPy arrays.
    """
    # Compiled once for all, instead of once for every shape of weight.
    draw = backend.current().compiled(network.draw)
    draws = [draw(seed.next()) for _ in range(count)]
    weights, states = zip(*draws, strict=True)
    return _stacked(weights), _stacked(states)


def _stacked(draws: tuple) -> list[np.ndarray]:
    return [np.stack([np.array(value) for value in values]) for values in zip(*draws, strict=True)]


@contextlib.contextmanager
def _recorded_initializers() -> Iterator[dict[int, Any]]:
    """Remembers, by variable, the initializer that each `add_weight` call was given."""
    record: dict[int, Any] = {}
    original = keras.layers.Layer.add_weight

    def add_weight(layer, *args, **kwargs):
        variable = original(layer, *args, **kwargs)
        initializer = kwargs.get("initializer", args[1] if len(args) > 1 else None)
        if initializer is None:  # Keras's own default
            initializer = "glorot_uniform" if "float" in variable.dtype else "zeros"
        record[id(variable)] = keras.initializers.get(initializer)
        return variable

    keras.layers.Layer.add_weight = add_weight
    try:
        yield record
    finally:
        keras.layers.Layer.add_weight = original


def _check_outputs(outputs: Any, num_classes: int) -> None:
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 2:
        raise ValueError(
            "`feature_extractor` must build a model with two outputs, [logits, features]. "
            f"Received: {type(outputs).__name__}"
        )
    logits, features = outputs
    if tuple(logits.shape[1:]) != (num_classes,) or len(features.shape) < 2:
        raise ValueError(
            f"`feature_extractor` must give logits (B, {num_classes}) and features (B, ...). "
            f"Received: logits {tuple(logits.shape)}, features {tuple(features.shape)}"
        )
