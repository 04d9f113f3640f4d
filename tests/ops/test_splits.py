"""The stratified choice of validation rows; the split of datasets is in tests/datasets."""

import numpy as np
import pytest

from keras_isa.ops.splits import check_share, validation_mask


@pytest.mark.parametrize(
    ("counts", "fraction", "expected"),
    [
        ([50, 30, 20], 0.1, [5, 3, 2]),
        ([10, 10], 0.0, [0, 0]),
        ([3, 3], 0.01, [1, 0]),  # at least one row, and of equal remainders the lower class
        ([2, 1, 4], 0.9, [1, 0, 3]),  # no class is left without a row
        ([5, 7, 8], 0.1, [0, 1, 1]),
    ],
)
def test_each_class_gives_its_share(counts, fraction, expected):
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    mask = validation_mask(y, len(counts), fraction, seed=3)
    assert mask.dtype == bool and mask.shape == y.shape
    assert np.bincount(y[mask], minlength=len(counts)).tolist() == expected


def test_the_seed_chooses_the_rows():
    y = np.arange(60) % 3
    masks = [validation_mask(y, 3, 0.3, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()


def test_bad_arguments_are_refused():
    assert check_share("share", np.float32(0.5)) == 0.5
    for share in (1.0, -0.1, False, "0.1", float("nan")):
        with pytest.raises(ValueError, match=r"`share` must be in \[0, 1\). Received: share="):
            check_share("share", share)
    with pytest.raises(ValueError, match="`seed` must be a non-negative integer"):
        validation_mask(np.zeros(4, int), 1, 0.5, -1)
    with pytest.raises(ValueError, match="`y` must have a class with two images or more"):
        validation_mask(np.arange(3), 3, 0.5)
