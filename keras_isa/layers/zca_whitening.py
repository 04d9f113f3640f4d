"""ZCA whitening that can be undone."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import in_standard_settings
from keras_isa.layers.pixel_statistics import (
    BlockMoments,
    blocks_to_space,
    check_whitening_memory,
    image_batches,
    space_to_blocks,
)
from keras_isa.ops.arguments import true_or_false, whole_number
from keras_isa.ops.kernel_regression import check_regularization
from keras_isa.types import Tensor

_UNADAPTED = "the layer must be adapted to images before it is used; call its `adapt`"


@keras.saving.register_keras_serializable(package="keras_isa")
class ZCAWhitening(keras.layers.Layer):
    """Brings pixels to model space by standardisation and ZCA whitening, and back.

    Channels are standardised, the images flattened to d pixels and their mean over the images
    subtracted. With the covariance `X^T X / N = U diag(s) U^T` and the ridge
    `r = regularization * trace / d`, the result is `U diag((s + r)^-1/2) U^T x`. Directions without
    variance are left as they are, so that nothing is divided by zero and the inverse exists.

    With `blocks=b` every image is first divided into b * b interleaved smaller images, each with
    every b-th pixel in both directions (a checkerboard for 2). They share one whitening of
    `H/b * W/b * C` pixels, from the mean of the covariances of the blocks, each about its own mean.
    Images of 128 x 128 pixels would need too much memory without it.

    With fewer images (or blocks of them) than pixels, only the directions that the images span are
    whitened. The published rule too gives the directions beyond the number of images the factor 1.
    One detail differs: subtracting the mean leaves one direction less (one less per block), and the
    published rule whitens an arbitrary direction without variance in its place. Here that direction
    has the factor 1 too.

    The layer computes in float32 under every dtype policy, and no accelerator rounds its products
    to a shorter format.

    Source: the preprocessing of FRePo (Zhou et al., "Dataset Distillation using Neural Feature
    Regression", 2022) as released by its authors, which the work on crucial samples follows.

    Args:
        regularization: Ridge relative to the mean variance of a pixel, `>= 0`.
        blocks: Images are divided into `blocks**2` smaller ones; 1 leaves them whole. Height and
            width must be multiples of it.
        standardize: Whether channels are standardised first.
        **kwargs: `name` and the other arguments of a Keras layer; `dtype` is always float32.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers.zca_whitening import ZCAWhitening
    >>> images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3)).astype("uint8")
    >>> layer = ZCAWhitening(regularization=0.1).adapt(images)
    >>> bool(np.allclose(layer.inverse(layer(images)), images, atol=0.01))
    True
    """

    # The layer is too slow for every batch: it should be applied once to all images.
    elementwise = False

    def __init__(
        self,
        regularization: float = 0.1,
        *,
        blocks: int = 1,
        standardize: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32", "trainable": False})
        self.regularization = check_regularization(regularization)
        self.blocks = whole_number("blocks", blocks)
        self.standardize = true_or_false("standardize", standardize)

    # ---------------------------------------------------------------- statistics

    @in_standard_settings
    def adapt(self, images: Any) -> Self:
        """Sets the whitening from images, in one pass and memory that does not grow with them.

        Args:
            images: Array `(N, H, W, C)` of any real dtype, in pixel units, or flat features
                `(N, F)`, `StoredImages`, or an iterable of such arrays.

        Returns:
            The layer itself.

        Raises:
            TypeError: If the values are not real numbers.
            ValueError: If the shape does not fit, there is no image, a pixel is not finite, the
                layer was adapted before to images of another shape, or the memory does not suffice.
        """
        if getattr(images, "shape", ()) and len(images):  # known before anything is read
            image_shape = self._checked_shape(images.shape)
            check_whitening_memory(len(images) * self.blocks**2, image_shape, self.blocks)
        moments = None
        for batch in image_batches(images):
            if moments is None:
                moments = BlockMoments(self._checked_shape(batch.shape), self.blocks)
            moments.add(batch)
        whitening = moments.whitening(self.regularization, self.standardize)
        self._create(moments.image_shape, len(whitening["scale"]))
        for name, value in whitening.items():
            getattr(self, name).assign(value.astype(np.float32))
        return self

    @property
    def adapted(self) -> bool:
        """Whether the layer has statistics."""
        return self.built

    def _checked_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The image shape of images of this shape."""
        image_shape = tuple(int(n) for n in shape[1:])
        grid = len(image_shape) == 3 and not any(n % self.blocks for n in image_shape[:2])
        if not grid and not (len(image_shape) == self.blocks == 1):
            raise ValueError(
                "`images` must be images (N, H, W, C) of a height and width that are multiples of "
                "`blocks`, or flat features (N, F) with blocks=1; use `Standardization` for "
                f"sequences. Received: images.shape={tuple(shape)}, blocks={self.blocks}"
            )
        return image_shape

    # ---------------------------------------------------------------- use

    @in_standard_settings
    def call(self, images: Tensor) -> Tensor:
        """Brings pixels `(n, H, W, C)` or `(n, F)` of any real dtype to model space, float32."""
        self._check_input(images)
        standard = (ops.cast(images, "float32") - self.channel_mean) / self.channel_std
        return self._scale_along_eigenvectors(standard - self.mean, self.scale)

    @in_standard_settings
    def inverse(self, images: Tensor) -> Tensor:
        """Brings images `(n, H, W, C)` or `(n, F)` in model space back to pixels, float32."""
        self._check_input(images)
        standard = (
            self._scale_along_eigenvectors(ops.cast(images, "float32"), 1.0 / self.scale)
            + self.mean
        )
        return standard * self.channel_std + self.channel_mean

    def _scale_along_eigenvectors(self, images: Tensor, factors: Tensor) -> Tensor:
        """Multiplies images by a factor along each eigenvector, and by 1 in other directions."""
        parts = space_to_blocks(images, self.blocks, ops)
        with backend.full_precision():
            along = ops.matmul(parts, self.eigenvectors)
            parts = parts + ops.matmul(along * (factors - 1.0), ops.transpose(self.eigenvectors))
        return blocks_to_space(parts, self.blocks, self.mean.shape, ops)

    def _check_input(self, images: Tensor) -> None:
        if not self.built:
            raise ValueError(_UNADAPTED)
        if tuple(images.shape[1:]) != tuple(self.mean.shape):
            raise ValueError(
                f"`images` must have the shape that the layer was adapted to, "
                f"(n, {', '.join(map(str, self.mean.shape))}). "
                f"Received: images.shape={tuple(images.shape)}"
            )

    # ---------------------------------------------------------------- state

    def build(self, input_shape: Any) -> None:
        # The number of directions does not follow from the shape.
        raise ValueError(_UNADAPTED)

    @in_standard_settings
    def _create(self, image_shape: tuple[int, ...], directions: int) -> None:
        """Makes the variables, or checks the shapes of those that are there."""
        shapes = whitening_shapes(image_shape, directions, self.blocks)
        if self.built:
            here = {name: tuple(getattr(self, name).shape) for name in shapes}
            if here != shapes:
                raise ValueError(
                    "`images` must span as many directions, in images of the same shape, as those "
                    "that the layer was adapted to before; make a new layer. Received: "
                    f"{directions} directions of images {image_shape}"
                )
            return
        for name, shape in shapes.items():
            # Until values are assigned, means are zero and factors are one.
            start = "ones" if name in ("channel_std", "scale") else "zeros"
            weight = self.add_weight(shape=shape, initializer=start, trainable=False, name=name)
            setattr(self, name, weight)
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        if not self.built:
            return None
        return {"image_shape": list(self.mean.shape), "directions": int(self.scale.shape[0])}

    def build_from_config(self, config: dict[str, Any]) -> None:
        self._create(tuple(config["image_shape"]), config["directions"])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["trainable"]
        return {
            **config,
            "regularization": self.regularization,
            "blocks": self.blocks,
            "standardize": self.standardize,
        }


def whitening_shapes(
    image_shape: tuple[int, ...], directions: int, blocks: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of the variables of a `ZCAWhitening`, in the order in which it makes them.

    Args:
        image_shape: Shape of one image, `(H, W, C)` or `(F,)`.
        directions: Number of directions that are whitened.
        blocks: As of the layer.
    """
    return {
        "channel_mean": image_shape[-1:],
        "channel_std": image_shape[-1:],
        "mean": image_shape,
        "eigenvectors": (math.prod(image_shape) // blocks**2, directions),
        "scale": (directions,),
    }
