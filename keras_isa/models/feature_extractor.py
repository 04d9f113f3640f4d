"""Any Keras model as a feature extractor."""

import contextlib
import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state

from keras_isa.models.recorded_network import build_model, check_builder
from keras_isa.ops.arguments import whole_number

_LOGITS = "distillation_logits"
# Where Keras counts how often it has given an automatic name.
_COUNTS = "object_name_uids"
# Layers, operations and activations that give probabilities, by name.
_PROBABILITIES = ("Softmax", "softmax", "Sigmoid", "sigmoid")


def with_features(
    build: Callable[[], keras.Model], layer: str, num_classes: int | None = None
) -> Callable[[], keras.Model]:
    """Turns any Keras model into a network with the outputs `[logits, features]`.

    The features are the flattened output of one layer, given by its name: `"avg_pool"`, or
    `"backbone/avg_pool"` inside of another layer (the last name alone will do where it is the only
    one). Automatic names are those of a model built in a fresh process, so `"dense"` is the first
    dense layer without a name of its own. A model whose output is `(B, num_classes)` gives the
    logits itself; otherwise they are a new dense layer on the features.

    Args:
        build: Function without arguments that builds a Keras model (functional, `Sequential`,
            subclassed, `keras.applications`, KerasHub) of one input, the images
            or sequences.
        layer: Name of the layer whose output is the feature.
        num_classes: Number of classes; by default the number of the model's outputs.

    Returns:
        A function without arguments that builds a `keras.Model` with the outputs logits
        `(B, num_classes)` and features `(B, F)`. It raises a ValueError when there is no such
        layer, or more than one, or when the model gives probabilities instead of logits.

    Raises:
        TypeError: If `build` is not a function or `layer` no string.
        ValueError: If `num_classes` is not a positive integer.

    Example:

    >>> import keras
    >>> from keras_isa.models import with_features
    >>> def build():
    ...     return keras.Sequential([
    ...         keras.Input((8, 8, 1)),
    ...         keras.layers.Conv2D(4, 3, activation="relu"),
    ...         keras.layers.GlobalAveragePooling2D(),
    ...         keras.layers.Dense(10),
    ...     ])
    >>> logits, features = with_features(build, "global_average_pooling2d", 10)().outputs
    >>> logits.shape, features.shape
    ((None, 10), (None, 4))
    """
    check_builder(build)
    if not isinstance(layer, str):
        raise TypeError(
            f"`feature_layer` must be the name of a layer. Received: feature_layer={layer!r}"
        )
    if num_classes is not None:
        num_classes = whole_number("num_classes", num_classes)

    def build_with_features() -> keras.Model:
        with fresh_names():
            model = build_model(build)
            found = find_layer(model, layer)
            if len(getattr(model, "inputs", None) or [0]) != 1:
                raise ValueError(
                    "`feature_extractor` must build a model of one input, the images. "
                    f"Received: {len(model.inputs)} inputs"
                )
            return _functional_with_features(model, found, num_classes) or FeatureExtractor(
                model, found, num_classes
            )

    return build_with_features


@contextlib.contextmanager
def fresh_names() -> Iterator[None]:
    """A context in which automatic names are numbered from the start, as in a fresh process.

    Otherwise a model that is built twice has a `dense` the first time and a `dense_1` the second.
    """
    counts = global_state.get_global_attribute(_COUNTS)
    global_state.set_global_attribute(_COUNTS, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(_COUNTS, counts)


def find_layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """Finds a layer of a model, also inside of other layers.

    Args:
        model: The model.
        name: Path such as `"backbone/avg_pool"`, or its end. The number at the end of an automatic
            name may be left out if only one layer matches then.

    Returns:
        The layer.

    Raises:
        ValueError: If no layer has the name, or more than one.

    Example:

    >>> import keras
    >>> from keras_isa.models.feature_extractor import find_layer
    >>> inner = keras.Sequential([keras.layers.Dense(2, name="hidden")], name="inner")
    >>> find_layer(keras.Sequential([inner]), "hidden") is inner.layers[0]
    True
    """
    layers = dict(_paths(model))
    path = re.escape(name)
    without_numbers = "/".join(rf"{re.escape(part)}(_\d+)?" for part in name.split("/"))
    for pattern in (path, f".*/{path}", f"(.*/)?{without_numbers}"):
        found = {path: layer for path, layer in layers.items() if re.fullmatch(pattern, path)}
        if len({id(layer) for layer in found.values()}) == 1:
            return next(iter(found.values()))
        if found:
            raise ValueError(
                f"`feature_layer` must name one layer: it may be {', '.join(map(repr, found))}. "
                f"Received: feature_layer={name!r}"
            )
    paths = list(layers)
    close = difflib.get_close_matches(name, paths, n=5, cutoff=0.5) or paths[-10:]
    raise ValueError(
        f"`feature_layer` must be a layer of the model, such as {', '.join(map(repr, close))}. "
        f"Received: feature_layer={name!r}"
    )


def _paths(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    for child in layer._flatten_layers(include_self=False, recursive=False):
        yield prefix + child.name, child
        yield from _paths(child, f"{prefix}{child.name}/")


class FeatureExtractor(keras.Model):
    """A model that returns its own logits and the output of one of its layers.

    It is for models without a functional graph that leads to the layer: subclassed and nested ones.

    Args:
        model: The model, of one input.
        layer: One of its layers, at any depth, that the model calls once.
        num_classes: As in `with_features`.
    """

    def __init__(
        self, model: keras.Model, layer: keras.layers.Layer, num_classes: int | None
    ) -> None:
        super().__init__(name=f"{model.name}_with_features")
        self.model = model
        self.layer = layer
        self.num_classes = num_classes
        self.flatten = keras.layers.Flatten()
        self.head = None if num_classes is None else _head(num_classes)
        if getattr(model, "inputs", None) and None not in model.inputs[0].shape[1:]:
            # All weights can be made now. Those of other models are made with their first images.
            self(keras.KerasTensor((2, *model.inputs[0].shape[1:]), model.inputs[0].dtype))

    def build(self, input_shape: Any) -> None:
        # The first call of a model may run its layers twice, once to build them, but `call` counts
        # the calls of the layer. So the model is built before.
        if not self.model.built:
            self.model(keras.ops.zeros([n or 1 for n in input_shape]), training=False)
        self.built = True  # the head builds itself when it is needed

    def call(self, images: Any, training: bool | None = None) -> tuple[Any, Any]:
        results: list = []
        original = self.layer.call

        def call(*args: Any, **kwargs: Any) -> Any:
            results.append(original(*args, **kwargs))
            return results[-1]

        # The layer's call is replaced for this call only, because no traced result may outlive it.
        self.layer.call = call
        try:
            output = self.model(images, training=training)
        finally:
            self.layer.call = original
        features = self.flatten(_only_output(results, self.layer))
        if _are_logits(output, self.num_classes):
            _refuse_probabilities(self.model)
            return output, features
        return self.head(features), features


def _functional_with_features(
    model: keras.Model, layer: keras.layers.Layer, num_classes: int | None
) -> keras.Model | None:
    """Returns the functional model from the inputs to logits and features, or `None`.

    The layers behind the features are left out when they do not lead to the logits. The result is
    `None` when the model does not follow a functional graph that leads to the layer.
    """
    if not getattr(model, "inputs", None):
        return None
    graph = keras.Model(model.inputs[0], model.outputs)
    follows_graph = isinstance(model, keras.Sequential) or type(model).call is type(graph).call
    nodes = [node for nodes in graph._nodes_by_depth.values() for node in nodes]
    results = [node.outputs for node in nodes if node.operation is layer]
    if not follows_graph or not results:
        return None
    features = _only_output(results, layer)
    if None in features.shape[1:]:
        return None  # the size of the head would not be known
    if len(features.shape) != 2:
        features = keras.layers.Flatten(name="distillation_features")(features)
    output = model.outputs[0] if len(model.outputs) == 1 else None
    if _are_logits(output, num_classes):
        _refuse_probabilities(model)
    else:
        output = _head(num_classes)(features)
    return keras.Model(model.inputs[0], [output, features], name=f"{model.name}_with_features")


def _head(num_classes: int) -> keras.layers.Layer:
    return keras.layers.Dense(num_classes, kernel_initializer="lecun_normal", name=_LOGITS)


def _are_logits(output: Any, num_classes: int | None) -> bool:
    shape = tuple(getattr(output, "shape", ()))
    if num_classes is None and len(shape) != 2:
        raise ValueError(
            "`num_classes` must be given for a model that does not put out logits "
            "(B, num_classes). Received: num_classes=None"
        )
    return len(shape) == 2 and num_classes in (None, shape[1])


def _only_output(results: list, layer: keras.layers.Layer) -> Any:
    """Returns the one tensor of a layer that was called once, or raises a ValueError."""
    tensors = keras.tree.flatten(results[:1])
    if len(results) != 1 or len(tensors) != 1:
        raise ValueError(
            "`feature_layer` must name a layer that the model calls once and that returns one "
            f"tensor. Received: feature_layer={layer.name!r}, which is called {len(results)} times "
            f"and returns {len(tensors)}"
        )
    return tensors[0]


def _refuse_probabilities(model: keras.Model) -> None:
    """Raises a ValueError when the model's last layer gives probabilities."""
    last = _last_operation(model)
    names = {type(last).__name__, getattr(getattr(last, "activation", None), "__name__", None)}
    if not names.isdisjoint(_PROBABILITIES):
        raise ValueError(
            "`feature_extractor` must end in logits: build the model with "
            "`classifier_activation=None` (keras.applications), or its last layer without "
            f"activation. Received: a model whose layer {last.name!r} gives probabilities"
        )


def _last_operation(model: keras.Model) -> keras.Operation | None:
    """Returns the operation that makes the model's output, or the last layer if unknown."""
    if getattr(model, "outputs", None):
        last = model.outputs[0]._keras_history.operation
    else:
        last = model.layers[-1] if model.layers else None
    return _last_operation(last) if isinstance(last, keras.Model) else last
