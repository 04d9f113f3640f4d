"""A network seen as pure functions, with fresh weights on demand."""

import contextlib
import copy
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.axes import kind_of
from keras_isa.inputs.text import one_line
from keras_isa.ops.random import KeySequence

# What layers may compute in; nothing scales the gradients that float16 would need.
_COMPUTED = ("float32", "bfloat16")


class RecordedNetwork:
    """Builds the user's network once and remembers how each of its weights was initialised.

    The network serves as a description: its own variables are never trained. An `Ensemble`
    keeps many sets of weights and hands one of them to `apply`. It is deliberately not a Keras
    layer, so a trainer that holds one does not carry the description's variables in its state.

    A weight to which `build` assigns a value of its own (pretrained weights, the statistics of an
    adapted `keras.layers.Normalization`) starts from that value in every network.

    Args:
        build: Function without arguments that returns a Keras model with the outputs
            `[logits, features]`.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes, the size of the logits.
        argument: The name the caller knows `build` by, used in errors.

    Raises:
        TypeError: If `build` is not callable or does not return a Keras model.
        ValueError: If the network does not take images of this shape, its outputs are not logits
            `(B, num_classes)` and features, its trainable weights were there before `build` was
            called, or a layer computes in another format than float32 and bfloat16 or keeps other
            weights than float32.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.recorded_network import RecordedNetwork
    >>> network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10)
    >>> weights, state = network.draw(keras.random.SeedGenerator(0).next())
    >>> len(weights), len(state)
    (8, 0)
    """

    @in_standard_settings
    def __init__(
        self,
        build: Callable[[], keras.Model],
        image_shape: Sequence[int],
        num_classes: int,
        argument: str = "feature_extractor",
    ) -> None:
        check_builder(build, argument)
        with _recorded_variables() as record:
            network = build_model(build, argument)
            if network.built:
                images = keras.KerasTensor((2, *image_shape), "float32")
            else:  # its layers are made at the first call
                images = np.zeros((2, *image_shape), "float32")
            outputs = _first_outputs(network, images, argument)
        _check_outputs(outputs, num_classes, argument)
        self.network = network
        self.weights = _unique(network.trainable_variables)
        self.state = _unique(network.non_trainable_variables)
        _check_new(self.weights, record, argument)
        _check_dtypes(network, argument)
        self._sources = {id(v): record.get(id(v)) or to_numpy(v) for v in self.weights + self.state}

    def apply(self, weights: list, state: list, images: Any, training: bool) -> tuple:
        """Runs the network with the given weights.

        Args:
            weights: Values of the trainable variables, in the order of `self.weights`.
            state: Values of the other variables, in the order of `self.state`.
            images: Images `(B, H, W, C)`, sequences `(B, T, F)` or features `(B, F)`, in model
                space.
            training: Whether layers such as batch normalisation are in training mode.

        Returns:
            Logits `(B, num_classes)` float32, features `(B, F)` float32 and the new state.
        """
        variables, values = self.weights + self.state, [*weights, *state]
        # Not `stateless_call`: it goes past `__call__`, which tells inner layers that they train.
        with keras.StatelessScope(zip(variables, values, strict=True)) as scope:
            logits, features = self.network(images, training=training)
        state = [scope.get_current_value(variable) for variable in self.state]
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
        seed = _Keys(key)
        fresh = [self._fresh(variable, seed) for variable in self.weights + self.state]
        return fresh[: len(self.weights)], fresh[len(self.weights) :]

    @functools.cached_property
    def compiled_draw(self) -> Callable:
        """`draw`, compiled once for all, instead of once for every shape of weight."""
        return backend.current().compiled(self.draw)

    def _fresh(self, variable: keras.Variable, seed: KeySequence) -> Any:
        if "seed_generator_state" in variable.path:
            # A dropout layer's generator: every member needs its own stream.
            random = keras.random.randint(variable.shape, 0, 2**31 - 1, seed=seed)
            return ops.cast(random, variable.dtype)
        source = self._sources[id(variable)]
        if isinstance(source, np.ndarray):
            return ops.convert_to_tensor(source, dtype=variable.dtype)
        if hasattr(source, "seed"):
            # Initializers carry a fixed seed; a copy draws from ours.
            source = copy.copy(source)
            source.seed = seed
        return ops.cast(source(variable.shape, dtype=variable.dtype), variable.dtype)


class _Keys(KeySequence):
    """Keys in the form that compiles fastest."""

    def next(self, ordered: bool = True) -> Any:
        return backend.current().random_key(super().next(ordered))


def check_builder(build: Any, argument: str = "feature_extractor") -> None:
    """Raises a TypeError when `build` is not a function that builds models."""
    # A model is callable too, but one ready-made network cannot give fresh ones.
    if not callable(build) or isinstance(build, keras.layers.Layer):
        raise TypeError(
            f"`{argument}` must be a function without arguments that builds a model. "
            f"Received: {build!r}"
        )


def build_model(
    build: Callable[[], keras.Model], argument: str = "feature_extractor"
) -> keras.Model:
    """Returns what `build` builds, or raises a TypeError when that is no Keras model."""
    model = build()
    if not isinstance(model, keras.Model):
        raise TypeError(f"`{argument}` must return a keras.Model. Received: {type(model).__name__}")
    return model


@contextlib.contextmanager
def _recorded_variables() -> Iterator[dict[int, Any]]:
    """Remembers, by variable, its initializer, or `None` once it was assigned another value."""
    record: dict[int, Any] = {}
    create, assign = keras.Variable.__init__, keras.Variable.assign

    def recorded_create(variable, initializer, *args, **kwargs):
        if isinstance(initializer, str):
            initializer = keras.initializers.get(initializer)
        create(variable, _in_numpy(initializer), *args, **kwargs)
        record[id(variable)] = initializer if callable(initializer) else None

    def recorded_assign(variable, value):
        record[id(variable)] = None
        return assign(variable, value)

    keras.Variable.__init__, keras.Variable.assign = recorded_create, recorded_assign
    try:
        yield record
    finally:
        keras.Variable.__init__, keras.Variable.assign = create, assign


def _in_numpy(initializer: Any) -> Any:
    """Returns an initializer that compiles nothing, in place of one of Keras that is drawn from.

    The networks of an ensemble draw their own values, so that nobody keeps those of random
    initializers here: they become small normal numbers.
    """
    if isinstance(initializer, keras.initializers.Zeros):
        return lambda shape, dtype: np.zeros(shape, dtype)
    if isinstance(initializer, keras.initializers.Ones):
        return lambda shape, dtype: np.ones(shape, dtype)
    if type(initializer).__module__.startswith("keras.") and hasattr(initializer, "seed"):
        random = np.random.default_rng(0)
        return lambda shape, dtype: random.normal(0.0, 0.05, shape).astype(dtype)
    return initializer


def _unique(variables: list[keras.Variable]) -> list[keras.Variable]:
    return list({id(variable): variable for variable in variables}.values())


def _first_outputs(network: keras.Model, images: Any, argument: str) -> Any:
    """Calls the network; that it does not take such images is said in one line."""
    try:
        return network(images, training=False)
    except Exception as error:  # every layer and every backend has its own for a wrong shape
        if re.search("` must ", str(error)):  # ours, on another argument
            raise
        shape = tuple(images.shape[1:])
        raise ValueError(
            f"`{argument}` must build a network that takes {kind_of(shape)} of shape {shape}. "
            f"Received: one that raises {type(error).__name__}: {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    """What went wrong, without what Keras says around it."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).partition("Arguments received by")[0]
    lines = [line for line in text.splitlines() if not line.startswith("Exception encountered")]
    return one_line(" ".join(" ".join(lines).split()))


def _check_new(weights: list[keras.Variable], record: dict[int, Any], argument: str) -> None:
    old = [variable.path for variable in weights if id(variable) not in record]
    if old:
        raise ValueError(
            f"`{argument}` must make all trainable layers anew at each call. "
            f"Received: a model with the older weight {old[0]!r}"
        )


def _check_dtypes(network: keras.Model, argument: str) -> None:
    """Refuses formats that training does not survive, and those of quantised layers."""
    is_float = keras.backend.is_float_dtype
    for layer in network._flatten_layers():
        variables = layer._trainable_variables + layer._non_trainable_variables
        kept = [v.dtype for v in variables if is_float(v.dtype) and v.dtype != "float32"]
        policy, computed = layer.dtype_policy, layer.compute_dtype
        other = is_float(computed) and computed not in _COMPUTED
        if kept or other or getattr(policy, "quantization_mode", None):
            raise ValueError(
                f"`{argument}` must build layers that keep their weights in float32 and "
                "compute in float32 or bfloat16; make them with the dtype 'float32' or "
                "'mixed_bfloat16', or after keras.config.set_dtype_policy with one of both. "
                f"Received: the layer {layer.name!r} with the dtype policy {policy.name!r}"
            )


def _check_outputs(outputs: Any, num_classes: int, argument: str) -> None:
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 2:
        raise ValueError(
            f"`{argument}` must build a model with two outputs, [logits, features]. "
            f"Received: {type(outputs).__name__}"
        )
    logits, features = outputs
    if tuple(logits.shape[1:]) != (num_classes,) or len(features.shape) < 2:
        raise ValueError(
            f"`{argument}` must give logits (B, {num_classes}) and features (B, ...). "
            f"Received: logits {tuple(logits.shape)}, features {tuple(features.shape)}"
        )
