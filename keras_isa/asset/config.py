"""Checks of the settings in the file of a distilled set, before Keras makes layers of them."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import keras

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.asset.stored_set import group_count
from keras_isa.layers.zca_whitening import whitening_shapes
from keras_isa.memory import check_memory
from keras_isa.ops.counts import checked_counts
from keras_isa.parametrizations import parametrization_of
from keras_isa.parametrizations.base import checked_shapes

# Shapes and dtypes of arrays by their paths.
Arrays = dict[str, tuple[tuple[int, ...], str]]

# A layer of the user may be made of these parts of Keras, which only compute.
_PARTS = "activations constraints dtype_policies initializers layers regularizers"
_KERAS_MODULES = {"builtins", "keras", *(f"keras.{part}" for part in _PARTS.split())}
_RUN_CODE = {"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"}
# Keras writes these values as if they were objects.
_VALUES = {"__bytes__", "__ellipsis__", "__slice__"}
_NUMBERS = r"bool|(u?int|b?float)\d+"


def check_config(config: dict, found: dict[str, tuple[int, ...]]) -> tuple[Arrays, bool]:
    """Refuses settings of a distilled set that name foreign classes or do not fit its arrays.

    The arrays that are there bound what the settings may ask for: a number of classes or a shape
    that has no array is refused before anything of that size is made. `DistilledData` itself checks
    the settings that ask for nothing large.

    Args:
        config: What `DistilledData.get_config` returned, read from the file.
        found: Shapes of the arrays in the file.

    Returns:
        Shapes and dtypes of the arrays that there must be, and whether the preprocessing is a layer
        of the user, which may have arrays of its own below `preprocessing/`.

    Raises:
        ValueError: If the settings are refused.
    """
    own = inspect.signature(DistilledData.__init__).parameters
    known = {*own, "name", "trainable", "dtype", "format_version"} - {"self", "kwargs"}
    unknown = sorted(set(config) - known)
    if unknown:
        raise ValueError(f"it has an unknown setting {unknown[0]!r}")
    for named in _objects([v for k, v in config.items() if k not in ("recipe", "provenance")]):
        if not _is_harmless(named):
            kind, module = named.get("class_name"), named.get("module")
            raise ValueError(f"it names {module!r:.80} and {kind!r:.80}, which it must not use")
    # The number of classes is compared with the stored labels before anything loops over it.
    num_classes = config.get("num_classes")
    if found.get("vars/labels", ())[1:] != (num_classes,):
        raise ValueError(f"it has no labels for {num_classes!r:.40} classes")
    task = config.get("task", "classification")
    counts = checked_counts(config.get("images_per_class"), group_count(task, num_classes))
    image_shape = tuple(config["image_shape"])
    parametrization = parametrization_of(config.get("parametrization", "identity"))
    # Numbers only: nothing of the size that they say has been made yet.
    stored = checked_shapes(parametrization, image_shape, num_classes, counts)
    decoded = sum(parametrization.rows(counts)) * (math.prod(image_shape) + num_classes)
    check_memory(3 * 4 * decoded, "its images", "free some")
    _check_recipe(config.get("recipe"))
    shapes = {f"vars/{k}": about for k, about in parametrization.file_shapes(stored).items()}
    inner = _preprocessing_shapes(config.get("preprocessing"), image_shape)
    return {**shapes, **(inner or {})}, inner is None


def _check_recipe(recipe: Any) -> None:
    """Refuses a recipe that no network could be trained by; fields of later versions may be there.

    Args:
        recipe: The recipe of a file.
    """
    if recipe is not None:
        fields = {field.name for field in dataclasses.fields(Recipe)}
        try:
            Recipe.from_dict({name: one for name, one in recipe.items() if name in fields})
        except (TypeError, ValueError) as error:
            raise ValueError(f"its recipe cannot be used: {error}") from None


def _preprocessing_shapes(saved: Any, image_shape: tuple[int, ...]) -> Arrays | None:
    """Arrays that the preprocessing must have; `None` where only the user's class knows them."""
    if saved is None:
        return {}
    kind, settings = saved.get("registered_name"), saved.get("config")
    if kind == "keras_isa>Standardization":
        fits = settings["channels"] == image_shape[-1]
        shapes = [image_shape[-1:]] * 2
    elif kind == "keras_isa>ZCAWhitening":
        built, blocks = saved.get("build_config"), settings["blocks"]
        if built is None:
            return {}
        fits = (
            len(image_shape) != 2  # sequences are not whitened
            and built["image_shape"] == list(image_shape)
            and math.prod(image_shape) % blocks**2 == 0
        )
        shapes = whitening_shapes(image_shape, built["directions"], blocks).values()
    else:
        # A layer of the user: Keras knows it once the module of its class has been imported.
        layer = keras.saving.get_registered_object(kind) if isinstance(kind, str) else None
        is_layer = isinstance(layer, type) and issubclass(layer, keras.layers.Layer)
        if not is_layer or kind.startswith("keras_isa>"):
            raise ValueError(
                f"its preprocessing is {kind or saved.get('class_name')!r:.80}, which is not a "
                "registered layer (import the module that defines it, if you trust it)"
            )
        return None
    if not fits:
        raise ValueError("its preprocessing is for images of another shape")
    return {f"preprocessing/vars/{k}": (tuple(shape), "float32") for k, shape in enumerate(shapes)}


def _is_harmless(named: dict) -> bool:
    """Whether Keras makes a value, a registered object or a part of its own that only computes."""
    kind, settings = named.get("class_name"), named.get("config")
    if not isinstance(kind, str):
        return False
    if kind in ("__numpy__", "__tensor__"):
        dtype = settings.get("dtype") if isinstance(settings, dict) else None
        return isinstance(dtype, str) and re.fullmatch(_NUMBERS, dtype) is not None
    if kind.startswith("__"):
        return kind in _VALUES
    name = settings if kind == "function" else named.get("registered_name")
    if isinstance(name, str) and keras.saving.get_registered_object(name) is not None:
        return True
    return named.get("module") in _KERAS_MODULES and kind not in _RUN_CODE


def _objects(values: Any) -> Iterator[dict]:
    """Yields every mapping that Keras would make an object of."""
    todo = [values]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)
