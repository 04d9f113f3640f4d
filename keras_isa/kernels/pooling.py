"""The average of 2x2 pixels, written so that the compiler joins it with its neighbours."""

from typing import Any

from keras import ops

from keras_isa import backend
from keras_isa.kernels.gradients import with_gradient
from keras_isa.kernels.products import widened


def average_2x2(images: Any) -> Any:
    """Averages of 2x2 pixels, the fastest way on this device.

    An odd last row or column is left out.

    Args:
        images: `(B, H, W, C)`.

    Returns:
        `(B, H // 2, W // 2, C)`.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.pooling import average_2x2
    >>> average_2x2(ops.ones((2, 8, 5, 3))).shape
    (2, 4, 2, 3)
    """
    # On a CPU XLA pools with a kernel of its own, for which bias and ReLU before it are written to
    # memory, together with an image of zeros to compare with. A sum joins them.
    if backend.is_xla_on_cpu() and None not in images.shape[1:3]:
        return average_of_four(images)
    return ops.average_pool(images, 2, strides=2, data_format="channels_last")


def _sum_of_four(images: Any) -> Any:
    height, width = (side // 2 * 2 for side in images.shape[1:3])

    def every_second(top: int, left: int) -> Any:
        return widened(images[:, top:height:2, left:width:2])

    upper = every_second(0, 0) + every_second(0, 1)
    mean = (upper + (every_second(1, 0) + every_second(1, 1))) / 4
    return ops.cast(mean, images.dtype)


def _quarters(upstream: Any, images: Any) -> Any:
    """A quarter of each number in every pixel that it came from, zeros in an odd row or column."""
    _, height, width, channels = images.shape
    rows, columns = upstream.shape[1:3]
    spread = ops.broadcast_to(
        ops.expand_dims(upstream / 4, (2, 4)), (upstream.shape[0], rows, 2, columns, 2, channels)
    )
    whole = ops.reshape(spread, (-1, 2 * rows, 2 * columns, channels))
    if (height, width) == (2 * rows, 2 * columns):
        return whole
    return ops.pad(whole, ((0, 0), (0, height - 2 * rows), (0, width - 2 * columns), (0, 0)))


# Averages of 2x2 pixels as a sum of four: images `(B, H, W, C)`, H and W known.
average_of_four = with_gradient(_sum_of_four, _quarters)
