import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.training.class_sampler import ClassSampler


def test_as_many_of_every_class_and_each_image_once_in_a_pass():
    class_ids = np.repeat([0, 1, 2], [8, 4, 2])[np.random.default_rng(0).permutation(14)]
    sampler = ClassSampler(class_ids, 6, seed=0)
    batches = [to_numpy(sampler.next_rows()) for _ in range(8)]
    for rows in batches:
        assert np.bincount(class_ids[rows], minlength=3).tolist() == [2, 2, 2]
    for k, length in ((0, 4), (1, 2), (2, 1)):  # batches of a pass
        drawn = np.stack([rows[class_ids[rows] == k] for rows in batches])
        for start in range(0, 8, length):
            whole = sorted(drawn[start : start + length].reshape(-1).tolist())
            assert whole == np.flatnonzero(class_ids == k).tolist()
    first = np.stack([rows[class_ids[rows] == 0] for rows in batches])
    assert not np.array_equal(first[:4], first[4:])  # in another order


def test_small_classes_give_some_twice():
    class_ids = np.array([0, 0, 0, 0, 0, 1])
    rows = to_numpy(ClassSampler(class_ids, 8, seed=0).next_rows())
    assert (rows[4:] == 5).all() and len(set(rows[:4].tolist())) == 4


def test_it_goes_on_with_the_same_images_only():
    class_ids = np.arange(30) % 3
    sampler = ClassSampler(class_ids, 6, seed=0)
    assert sampler.serves(class_ids.copy(), 6)
    assert not sampler.serves(class_ids, 3) and not sampler.serves(class_ids[::-1], 6)


def test_a_batch_that_cannot_be_divided_is_refused():
    with pytest.raises(ValueError, match="multiple of the 3 classes.*batch_size=10"):
        ClassSampler(np.arange(30) % 3, 10, seed=0)
