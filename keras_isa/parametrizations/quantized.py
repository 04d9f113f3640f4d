"""Pixels of few bits, on top of another parametrisation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from keras import ops

from keras_isa.ops.arguments import whole_number
from keras_isa.parametrizations.base import Identity, Parametrization
from keras_isa.types import Tensor

MOST_BITS = 8


@dataclasses.dataclass(frozen=True)
class Quantized(Parametrization):
    """Stored pixels have `2**bits` values, evenly spaced between the least and the greatest.

    Each stored image (or basis) has a range of its own. Training sees the rounded values, and the
    gradient passes through the rounding as if it were not there (straight-through; Bengio et al.,
    "Estimating or Propagating Gradients Through Stochastic Neurons"), so a file holds what was
    trained with. Labels and coefficients stay float32.

    Args:
        bits: 1 to 8.
        inner: The parametrisation whose pixels are rounded; by default images as they are.

    Raises:
        TypeError: If `inner` is no parametrisation, or is one of few bits already.
        ValueError: If `bits` is out of range.

    Example:

    >>> from keras_isa.parametrizations import MultiFormation, Quantized
    >>> str(Quantized(4, MultiFormation(2)))
    'multi_formation:2+quantized:4'
    """

    bits: int
    inner: Parametrization = dataclasses.field(default_factory=Identity)

    def __post_init__(self) -> None:
        if not 1 <= whole_number("bits", self.bits) <= MOST_BITS:
            raise ValueError(f"`bits` must be 1 to {MOST_BITS}. Received: bits={self.bits}")
        if not isinstance(self.inner, Parametrization) or isinstance(self.inner, Quantized):
            raise TypeError(
                "`inner` must be a parametrisation whose pixels are not rounded already. "
                f"Received: inner={self.inner}"
            )

    def __str__(self) -> str:
        own = f"quantized:{self.bits}"
        return own if isinstance(self.inner, Identity) else f"{self.inner}+{own}"

    @property
    def pixel_names(self):
        return self.inner.pixel_names

    def check(self, image_shape, num_rows):
        self.inner.check(image_shape, num_rows)

    def rows(self, counts):
        return self.inner.rows(counts)

    def shapes(self, image_shape, num_classes, counts):
        return self.inner.shapes(image_shape, num_classes, counts)

    def decode(self, stored, image_shape):
        rounded = {
            name: round_straight_through(stored[name], self.bits) for name in self.pixel_names
        }
        return self.inner.decode({**stored, **rounded}, image_shape)

    def encode(self, images, labels):
        # Real pixels often lie half-way between two codes, where a compiler and NumPy round
        # differently. Rounded ones are at codes, and to round these once more changes nothing.
        return self._with_rounded(self.inner.encode(images, labels))

    def first(self, values, counts, kept):
        inner, found = self.inner.first(self._with_rounded(values), counts, kept)
        return dataclasses.replace(self, inner=inner), found

    def _with_rounded(self, values):
        rounded = {}
        for name in self.pixel_names:
            flat = values[name].reshape(len(values[name]), -1)
            rounded[name] = _rounded(np, flat, self.bits).reshape(values[name].shape)
        return {**values, **rounded}

    def file_shapes(self, shapes):
        found = self.inner.file_shapes(shapes)
        for name in self.pixel_names:
            numbers = math.prod(shapes[name])
            found[name] = ((math.ceil(numbers * self.bits / 8),), "uint8")
            for part in ("low", "step"):
                found[f"{name}_{part}"] = (shapes[name][:1], "float32")
        return found

    def pack(self, values):
        found = dict(values)
        for name in self.pixel_names:
            flat = values[name].reshape(len(values[name]), -1)
            codes, low, step = _codes(np, flat, self.bits)
            planes = np.unpackbits(codes.astype("uint8")[..., None], axis=-1)[..., -self.bits :]
            found[name] = np.packbits(planes)
            found[f"{name}_low"], found[f"{name}_step"] = low[:, 0], step[:, 0]
        return found

    def unpack(self, arrays, shapes):
        found = {name: arrays[name] for name in shapes if name not in self.pixel_names}
        for name in self.pixel_names:
            count = math.prod(shapes[name])
            planes = np.unpackbits(np.asarray(arrays[name]), count=count * self.bits)
            planes = planes.reshape(count, self.bits)
            codes = np.packbits(planes, axis=-1)[:, 0] >> (8 - self.bits)
            low, step = (
                np.asarray(arrays[f"{name}_{part}"], "float32")[:, None] for part in ("low", "step")
            )
            with np.errstate(over="ignore"):  # a reader of files looks for infinite values
                values = low + codes.reshape(shapes[name][0], -1) * step
            found[name] = values.reshape(shapes[name])
        return found


def round_straight_through(values: Tensor, bits: int) -> Tensor:
    """Rounds each row to `2**bits` values between its least and greatest; gradients pass through.

    Args:
        values: `(n, ...)` floats.
        bits: 1 to 8.

    Returns:
        Tensor of the same shape.

    Example:

    >>> import numpy as np
    >>> from keras_isa.parametrizations.quantized import round_straight_through
    >>> rounded = round_straight_through(np.array([[0.0, 0.2, 0.9, 1.0]], "float32"), bits=1)
    >>> print(np.asarray(rounded))
    [[0. 0. 1. 1.]]
    """
    values = ops.convert_to_tensor(values)
    flat = ops.reshape(ops.stop_gradient(values), (values.shape[0], -1))
    rounded = ops.stop_gradient(ops.reshape(_rounded(ops, flat, bits), values.shape))
    return rounded + (values - ops.stop_gradient(values))  # the bracket is exactly zero


def _rounded(numpy: object, flat: Tensor, bits: int) -> Tensor:
    """Rows `(n, d)` of `2**bits` values each; `numpy` as in `_codes`."""
    codes, low, step = _codes(numpy, flat, bits)
    return low + codes * step


def _codes(numpy: object, flat: Tensor, bits: int) -> tuple[Tensor, Tensor, Tensor]:
    """Codes `(n, d)` from 0 to `2**bits - 1`, and least value and step `(n, 1)` of each row.

    `numpy` is NumPy or `keras.ops`, so that a file has the codes of training.
    """
    low = numpy.min(flat, axis=1, keepdims=True)
    step = (numpy.max(flat, axis=1, keepdims=True) - low) / (2**bits - 1)
    # A row of equal values has no step, and all its codes are 0.
    codes = numpy.round((flat - low) / numpy.where(step > 0, step, 1.0))
    return codes, low, step
