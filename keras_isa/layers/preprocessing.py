"""The preprocessing layers by name, and checks of a user's own."""

from collections.abc import Sequence

import keras

from keras_isa.layers.standardization import Standardization
from keras_isa.layers.zca_whitening import ZCAWhitening
from keras_isa.ops.arguments import image_shape_of, instance_of, one_of

# What FRePo adds to the diagonal, relative to the mean variance.
ZCA_REGULARIZATION = 0.1

PREPROCESSING = ("none", "standardize", "zca", "block_zca")


def preprocessing_layer(kind: str, image_shape: Sequence[int]) -> keras.layers.Layer | None:
    """Makes the layer of a name; it still has to be adapted to images.

    Args:
        kind: `"none"`, `"standardize"` (mean and standard deviation per channel, or per feature),
            `"zca"` (the same, then whitening of all pixels) or `"block_zca"` (whitening of each
            image as four interleaved ones, for images too large for `"zca"`). Sequences are not
            whitened.
        image_shape: Shape of one image, `(H, W, C)`, `(T, F)` for sequences or `(F,)` for flat
            features.

    Returns:
        A `Standardization` or `ZCAWhitening`, `None` for `"none"`.

    Raises:
        ValueError: If `kind` or `image_shape` is not one of these, or `"block_zca"` cannot divide
            the images.

    Example:

    >>> from keras_isa.layers.preprocessing import preprocessing_layer
    >>> preprocessing_layer("block_zca", (128, 128, 3)).blocks
    2
    """
    one_of("preprocessing", kind, PREPROCESSING)
    image_shape = image_shape_of("image_shape", image_shape)
    if kind == "none":
        return None
    if kind == "standardize":
        return Standardization(image_shape[-1])
    if len(image_shape) == 2:
        raise ValueError(
            "`preprocessing` must be 'standardize' or 'none' for sequences: they are not whitened. "
            f"Received: preprocessing={kind!r}"
        )
    blocks = 2 if kind == "block_zca" else 1
    if blocks == 2 and (len(image_shape) != 3 or image_shape[0] % 2 or image_shape[1] % 2):
        raise ValueError(
            "`preprocessing` can be 'block_zca' only for images of even height and width. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    return ZCAWhitening(ZCA_REGULARIZATION, blocks=blocks)


def kind_of_layer(layer: keras.layers.Layer | None) -> str | None:
    """The name by which `preprocessing_layer` makes a layer of this kind, `None` if none does.

    Args:
        layer: A preprocessing layer, or `None`, which is `"none"`.

    Example:

    >>> from keras_isa.layers.preprocessing import kind_of_layer, preprocessing_layer
    >>> kind_of_layer(preprocessing_layer("block_zca", (128, 128, 3)))
    'block_zca'
    """
    if layer is None:
        return "none"
    if type(layer) is Standardization:
        return "standardize"
    if type(layer) is ZCAWhitening:
        return {1: "zca", 2: "block_zca"}.get(layer.blocks)
    return None


def check_inverse(layer: keras.layers.Layer) -> None:
    """Refuses a user's preprocessing layer that cannot bring images back to pixels.

    Raises:
        TypeError: If it is not a Keras layer, or has no method `inverse`.
    """
    instance_of("preprocessing", layer, keras.layers.Layer)
    if not callable(getattr(layer, "inverse", None)):
        raise TypeError(
            "`preprocessing` must have a method `inverse`, from model space back to pixels. "
            f"Received: {type(layer).__name__}"
        )


def check_registered(layer: keras.layers.Layer) -> None:
    """Refuses a layer that could not be loaded, because `load` makes registered classes only.

    Raises:
        ValueError: If its class is not registered with Keras.
    """
    kind = type(layer)
    if keras.saving.get_registered_object(keras.saving.get_registered_name(kind)) is not kind:
        raise ValueError(
            "`preprocessing` must be of a class that Keras can find again: decorate the class with "
            f"`keras.saving.register_keras_serializable()`. Received: {kind.__name__}"
        )
