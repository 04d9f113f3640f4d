"""Kernels of infinite width against float64 NumPy and against wide finite networks."""

import keras
import numpy as np
import pytest

from keras_isa import backend, ops
from keras_isa.inputs.arrays import to_numpy


def recursion(x, y, depth, kind):
    """The kernel of two inputs, place by place, in float64."""
    shape = x.shape[:-1]

    def window(values, place):
        total = 0.0
        for offset in np.ndindex(*[3] * len(shape)):
            other = tuple(p + o - 1 for p, o in zip(place, offset, strict=True))
            if all(0 <= p < side for p, side in zip(other, shape, strict=True)):
                total += values[other]
        return total / 3 ** len(shape)

    def weighted(values, bias=0.01):
        out = np.empty(shape)
        for place in np.ndindex(*shape):
            out[place] = 2 * window(values, place) + bias
        return out

    both = np.sum(x * y, axis=-1) / x.shape[-1]
    own = [np.sum(one * one, axis=-1) / one.shape[-1] for one in (x, y)]
    tangent = np.zeros(shape)
    for _ in range(depth):
        both = weighted(both)
        tangent = both + weighted(tangent, 0.0)
        own = [weighted(one) for one in own]
        length = np.sqrt(own[0] * own[1])
        cosine = np.clip(both / length, -1, 1)
        angle = np.arccos(cosine)
        both = length * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
        tangent = tangent * (np.pi - angle) / (2 * np.pi)
        own = [one / 2 for one in own]
    both = 2 * np.mean(both) + 0.01
    return both if kind == "nngp" else both + 2 * np.mean(tangent)


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("shape", [(5,), (6, 2), (4, 3, 2)])
def test_the_kernel_is_that_of_numpy(shape, kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, *shape)), rng.normal(size=(2, *shape))
    found = to_numpy(ops.infinite_width_kernel(x, y, depth=2, kind=kind))
    expected = [[recursion(one, other, 2, kind) for other in y] for one in x]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_kernel_of_a_set_is_symmetric_and_positive():
    x = np.random.default_rng(1).normal(size=(6, 4, 4, 1))
    x[1] = x[0]  # two equal images
    kernel = to_numpy(ops.infinite_width_kernel(x, x))
    np.testing.assert_allclose(kernel, kernel.T, rtol=1e-5)
    assert np.linalg.eigvalsh(kernel).min() > -1e-4
    assert kernel[0, 1] == pytest.approx(kernel[0, 0], rel=1e-3)


def test_both_kernels_are_limits_of_wide_networks():
    """Covariances, and products of gradients by all weights, of fresh networks."""
    rng, width, size = np.random.default_rng(2), 4000, 3
    x = rng.normal(size=(2, size))
    outer, tangents = np.zeros((2, 2)), np.zeros((2, 2))
    for _ in range(40):
        first = rng.normal(size=(size, width)) * np.sqrt(2 / size)
        last = rng.normal(size=width) * np.sqrt(2 / width)
        hidden = x @ first + 0.1 * rng.normal(size=width)
        active = (hidden > 0).astype(float)
        values = hidden * active
        outer += 2 / width * values @ values.T + 0.01
        back = active * last
        by_first = 2 / size * (x @ x.T) + 0.01
        tangents += by_first * (back @ back.T) + 2 / width * values @ values.T + 0.01
    for kind, sampled in (("nngp", outer / 40), ("ntk", tangents / 40)):
        found = to_numpy(ops.infinite_width_kernel(x, x, depth=1, kind=kind))
        np.testing.assert_allclose(found, sampled, rtol=0.02)


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("shape", [(5,), (4, 3, 2)])
def test_the_gradient_is_that_of_finite_differences(shape, kind):
    """That of the set, whose images meet themselves in the kernel."""
    rng = np.random.default_rng(3)
    x, t, mix = rng.normal(size=(3, *shape)), rng.normal(size=(2, *shape)), rng.normal(size=(5, 3))

    def loss(arrays):
        (own,) = arrays
        both = [
            ops.infinite_width_kernel(one, own, 2, kind)
            for one in (keras.ops.convert_to_tensor(t.astype("float32")), own)
        ]
        mixed = keras.ops.convert_to_tensor(mix.astype("float32"))
        return keras.ops.sum(mixed * keras.ops.concatenate(both)), ()

    def exact(own):
        rows = [*t, *own]
        found = [[recursion(one, other, 2, kind) for other in own] for one in rows]
        return np.sum(mix * np.array(found))

    start = keras.ops.convert_to_tensor(x.astype("float32"))
    _, (gradient,) = backend.current().value_and_grad(loss)([start])
    gradient = to_numpy(gradient)
    assert np.isfinite(gradient).all()
    for seed in range(3):
        along = np.random.default_rng(seed).normal(size=x.shape)
        slope = (exact(x + 1e-5 * along) - exact(x - 1e-5 * along)) / 2e-5
        size = np.linalg.norm(gradient) * np.linalg.norm(along)
        assert np.sum(gradient * along) == pytest.approx(slope, rel=0.01, abs=1e-3 * size)


def test_what_is_not_usable_is_refused():
    x = np.zeros((2, 4))
    with pytest.raises(ValueError, match="`first` and `second` must hold inputs of one shape"):
        ops.infinite_width_kernel(x, np.zeros((2, 5)))
    with pytest.raises(ValueError, match="`depth`"):
        ops.infinite_width_kernel(x, x, depth=0)
    with pytest.raises(ValueError, match="`kind` must be"):
        ops.infinite_width_kernel(x, x, kind="rbf")
