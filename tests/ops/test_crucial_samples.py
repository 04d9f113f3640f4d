import keras
import numpy as np
import pytest

from keras_isa import ops


def chosen(losses, fraction, **kwargs):
    indices = ops.crucial_indices(losses, fraction, **kwargs)
    assert keras.backend.standardize_dtype(indices.dtype) == "int32"
    return keras.ops.convert_to_numpy(indices).tolist()


@pytest.mark.parametrize("keep", ["hardest", "easiest"])
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 16, 64, 96, 1024])
@pytest.mark.parametrize("fraction", [1e-9, 0.1, 0.5, 0.8, 0.999, 1, 1.0, np.float32(0.75)])
def test_keeps_exactly_that_many_of_the_right_ones(rows, fraction, keep):
    losses = np.random.default_rng(rows).permutation(rows).astype("float32")
    kept = chosen(losses, fraction, keep=keep)
    count = max(1, int(float(fraction) * rows))
    assert len(kept) == len(set(kept)) == count
    wanted = range(rows - 1, rows - 1 - count, -1) if keep == "hardest" else range(count)[::-1]
    assert losses[kept].astype(int).tolist() == list(wanted)


def test_published_share_of_the_published_batch():
    assert len(chosen(np.arange(1024.0), 0.8)) == 819


def test_ties_go_to_the_lower_index():
    losses = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
    assert chosen(losses, 0.4) == [1, 3]
    assert chosen(losses, 0.7) == [1, 3, 5, 0]
    assert chosen(losses, 0.5, keep="easiest") == [0, 2, 4]
    assert chosen(np.full(100, 0.25), 0.3) == list(range(30))


def test_a_large_batch_of_few_values_is_sorted_stably():
    losses = np.random.default_rng(0).integers(0, 5, size=1000).astype("float32")
    expected = np.argsort(-losses, kind="stable")
    assert chosen(losses, 0.35) == expected[:350].tolist()
    assert chosen(losses, 0.35, keep="easiest") == expected[650:].tolist()


def test_hardest_and_easiest_share_the_batch_between_them():
    losses = np.random.default_rng(1).normal(size=10)
    assert sorted(chosen(losses, 0.3) + chosen(losses, 0.7, keep="easiest")) == list(range(10))


def test_residual_losses():
    residuals = np.random.default_rng(1).normal(size=(6, 5))
    np.testing.assert_allclose(
        ops.residual_losses(residuals), 0.5 * (residuals**2).sum(axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("fraction", [0, -0.8, 1.5, float("nan"), float("inf"), True, "0.8", None])
def test_bad_fraction(fraction):
    with pytest.raises(ValueError, match="`fraction` must be .*Received: fraction="):
        ops.crucial_indices([1.0, 2.0], fraction)


@pytest.mark.parametrize("keep", ["hard", "", None, 1])
def test_bad_keep(keep):
    message = "`keep` must be one of 'hardest', 'easiest'. Received: keep="
    with pytest.raises(ValueError, match=message):
        ops.crucial_indices([1.0, 2.0], 0.5, keep=keep)


@pytest.mark.parametrize("shape", [(), (0,), (4, 1)])
def test_bad_losses(shape):
    with pytest.raises(ValueError, match="`losses` must be a non-empty vector"):
        ops.crucial_indices(np.ones(shape), 0.5)
