"""Finding the layers of a model by name."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator

import keras
from keras.src.backend.common import global_state

_COUNTS = "object_name_uids"


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
    >>> from keras_isa.models.layer_names import find_layer
    >>> inner = keras.Sequential([keras.layers.Dense(2, name="hidden")], name="inner")
    >>> find_layer(keras.Sequential([inner]), "hidden") is inner.layers[0]
    True
    """
    layers = list(_paths(model))
    for matches in (_is_path, _ends_path, _ends_path_but_for_numbers):
        found = {path: layer for path, layer in layers if matches(path, name)}
        if len({id(layer) for layer in found.values()}) == 1:
            return next(iter(found.values()))
        if found:
            raise ValueError(
                f"`feature_layer` must name one layer: it may be {_listed(found)}. "
                f"Received: feature_layer={name!r}"
            )
    paths = [path for path, _ in layers]
    close = difflib.get_close_matches(name, paths, n=5, cutoff=0.5) or paths[-10:]
    raise ValueError(
        f"`feature_layer` must be a layer of the model, such as {_listed(close)}. "
        f"Received: feature_layer={name!r}"
    )


def _paths(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    for child in layer._flatten_layers(include_self=False, recursive=False):
        yield prefix + child.name, child
        yield from _paths(child, f"{prefix}{child.name}/")


def _is_path(path: str, name: str) -> bool:
    return path == name


def _ends_path(path: str, name: str) -> bool:
    return path.endswith(f"/{name}")


def _ends_path_but_for_numbers(path: str, name: str) -> bool:
    pattern = "/".join(rf"{re.escape(part)}(_\d+)?" for part in name.split("/"))
    return re.fullmatch(rf"(.*/)?{pattern}", path) is not None


def _listed(paths: object) -> str:
    return ", ".join(repr(path) for path in paths)
