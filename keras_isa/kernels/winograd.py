"""3x3 convolutions as sixteen matrix products with fewer multiplications.

A tile of 2x2 results needs 4x4 values of the image, and 16 multiplications for each pair of
channels instead of 36: image tiles, kernel and results are brought into another basis by additions
alone, in which the convolution is a product number by number, hence a matrix product over channels.
In a short format these additions, and those of the results, would lose half of its digits, so they
are float32; what is multiplied has the image's format.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), F(2x2, 3x3).
"""

from typing import Any

import keras
from keras import ops

from keras_isa.kernels.gradients import with_gradient
from keras_isa.kernels.products import product, widened


def convolve_winograd(inputs: Any, kernel: Any) -> Any:
    """Stride-1 "same" convolution with a 3x3 kernel, and both of its gradients the same way.

    Args:
        inputs: Images of shape `(B, H, W, C)`, H and W known.
        kernel: Kernel of shape `(3, 3, C, F)`.

    Returns:
        Tensor of shape `(B, H, W, F)`, float32 for images of a shorter format.
    """
    dtype = keras.backend.standardize_dtype(inputs.dtype)

    def forward(inputs: Any, kernel: Any) -> Any:
        return _forward(inputs, kernel, dtype)

    def gradient(upstream: Any, inputs: Any, kernel: Any) -> tuple:
        # The gradient of a "same" convolution is one with the kernel turned by half a circle.
        turned = ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))
        by_inputs = _forward(upstream, turned, dtype)
        by_kernel = _by_kernel(inputs, upstream, dtype)
        return ops.cast(by_inputs, dtype), ops.cast(by_kernel, kernel.dtype)

    return with_gradient(forward, gradient)(inputs, kernel)


def _forward(inputs: Any, kernel: Any, dtype: str) -> Any:
    height, width = inputs.shape[1:3]
    tiles = _image_tiles(_even(widened(inputs))), _kernel_tiles(widened(kernel))
    products = [product(tile, by, dtype) for tile, by in zip(*tiles, strict=True)]
    return _results(products, height, width)


def _by_kernel(inputs: Any, upstream: Any, dtype: str) -> Any:
    tiles = _image_tiles(_even(widened(inputs))), _upstream_tiles(_even(widened(upstream)))
    pairs = zip(*tiles, strict=True)
    return _kernel_gradient([product(ops.transpose(tile), by, dtype) for tile, by in pairs])


def _even(images: Any) -> Any:
    """Adds a row or column of zeros where a side is odd."""
    height, width = images.shape[1:3]
    if height % 2 == 0 and width % 2 == 0:
        return images
    return ops.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))


def _image_tiles(images: Any) -> list:
    """Overlapping 4x4 tiles in the new basis, sixteen times `(B * H/2 * W/2, C)`."""
    _, height, width, channels = images.shape
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = _of_four(padded[:, k : k + height - 1 : 2] for k in range(4))
    return [
        ops.reshape(tile, (-1, channels))
        for row in rows
        for tile in _of_four(row[:, :, k : k + width - 1 : 2] for k in range(4))
    ]


def _of_four(parts: Any) -> tuple:
    a, b, c, d = parts
    return a - c, b + c, c - b, b - d


def _kernel_tiles(kernel: Any) -> list:
    """A 3x3 kernel in the new basis, sixteen times `(C, F)`."""
    rows = _of_three(*(kernel[k] for k in range(3)))
    return [tile for row in rows for tile in _of_three(*(row[k] for k in range(3)))]


def _of_three(a: Any, b: Any, c: Any) -> tuple:
    outer, inner = (a + c) / 2, b / 2
    return a, outer + inner, outer - inner, c


def _results(products: list, height: int, width: int) -> Any:
    """Images `(B, H, W, F)` of sixteen products `(B * H/2 * W/2, F)`."""
    rows, columns, filters = (height + 1) // 2, (width + 1) // 2, products[0].shape[-1]
    tiles = [ops.reshape(product, (-1, rows, columns, filters)) for product in products]
    by_column = zip(*(_to_two(*tiles[k::4]) for k in range(4)), strict=True)
    pairs = [ops.stack(_to_two(*four), axis=3) for four in by_column]
    images = ops.reshape(ops.stack(pairs, axis=2), (-1, 2 * rows, 2 * columns, filters))
    return images[:, :height, :width]


def _to_two(a: Any, b: Any, c: Any, d: Any) -> tuple:
    return a + b + c, b - c - d


def _upstream_tiles(upstream: Any) -> list:
    """The transpose of `_results`: `(B, H, W, F)` to sixteen times `(B * H/2 * W/2, F)`."""
    _, height, width, filters = upstream.shape
    tiles = ops.reshape(upstream, (-1, height // 2, 2, width // 2, 2, filters))
    rows = _from_two(tiles[:, :, 0], tiles[:, :, 1])
    parts = [part for row in rows for part in _from_two(row[:, :, :, 0], row[:, :, :, 1])]
    return [ops.reshape(part, (-1, filters)) for part in parts]


def _from_two(a: Any, b: Any) -> tuple:
    return a, a + b, a - b, -b


def _kernel_gradient(products: list) -> Any:
    """The transpose of `_kernel_tiles`: sixteen times `(C, F)` to `(3, 3, C, F)`."""
    by_column = zip(*(_from_four(*products[k::4]) for k in range(4)), strict=True)
    return ops.stack([ops.stack(_from_four(*four)) for four in by_column])


def _from_four(a: Any, b: Any, c: Any, d: Any) -> tuple:
    outer, inner = (b + c) / 2, (b - c) / 2
    return a + outer, inner, outer + d
