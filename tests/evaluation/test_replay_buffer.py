"""A memory of distilled sets."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.evaluation import DistilledReplayBuffer
from keras_isa.evaluation.replay_buffer import widened_labels
from keras_isa.inputs.arrays import to_numpy


def a_set(classes=2, images=2, seed=0, shape=(3, 3, 1)):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (classes * images, *shape)).astype("uint8")
    return DistilledData.from_samples(
        x, np.repeat(np.arange(classes), images), images, seed=seed, axes="NHWC"
    )


@pytest.mark.parametrize(("few", "many"), [(2, 10), (5, 100), (3, 3)])
def test_hard_labels_become_hard_labels(few, many):
    labels = (np.eye(few) - 1 / few) / np.sqrt(few / 10)
    classes = np.random.default_rng(0).permutation(many)[:few]
    expected = (np.eye(many)[classes] - 1 / many) / np.sqrt(many / 10)
    np.testing.assert_allclose(widened_labels(labels, classes, many), expected, atol=1e-6)


def test_what_a_label_says_of_its_classes_stays():
    labels = np.array([[0.3, 1.0, -0.2]])
    found = widened_labels(labels, (7, 1, 4), 10)[0]
    assert np.argsort(-found[[7, 1, 4]]).tolist() == [1, 0, 2]
    shares = found * np.sqrt(10 / 10) + 1 / 10
    np.testing.assert_allclose(shares[[7, 1, 4]], labels[0] * np.sqrt(3 / 10) + 1 / 3, atol=1e-6)
    np.testing.assert_allclose(np.delete(shares, [7, 1, 4]), 0, atol=1e-6)


def test_sets_of_all_steps_together():
    memory = DistilledReplayBuffer(5)
    first, second = a_set(), a_set(seed=1)
    memory.add(first, (3, 0))
    memory.add(second, [4, 1])
    images, labels = memory.to_numpy()
    assert len(memory) == 8 and memory.classes == (3, 0, 4, 1)
    assert memory.class_ids.tolist() == [3, 3, 0, 0, 4, 4, 1, 1]
    assert labels.argmax(axis=1).tolist() == memory.class_ids.tolist()
    np.testing.assert_allclose(images[:4], first.to_numpy("pixels")[0])
    np.testing.assert_allclose(images[4:], second.to_numpy("pixels")[0])
    np.testing.assert_allclose(to_numpy(first(images[:4])), first.to_numpy()[0], atol=1e-5)


def test_batches_go_through_the_memory_again_and_again():
    memory = DistilledReplayBuffer(2)
    memory.add(a_set(images=3), (0, 1))
    images, _ = memory.to_numpy()
    batches = memory.batches(2, seed=4)
    for _ in range(2):
        seen = np.concatenate([next(batches)[0] for _ in range(3)])
        distances = np.abs(seen[:, None] - images[None]).reshape(6, 6, -1).max(axis=-1)
        assert sorted(distances.argmin(axis=1).tolist()) == list(range(6))
    assert next(memory.batches(100))[1].shape == (6, 2)


def test_what_does_not_fit():
    memory = DistilledReplayBuffer(4)
    with pytest.raises(ValueError, match="the buffer is empty"):
        memory.to_numpy()
    assert memory.class_ids.tolist() == [] and len(memory) == 0
    memory.add(a_set(), (0, 1))
    for classes, message in (
        ((1, 2), "`classes` must be new"),
        ((2, 2), "`classes` must be new"),
        ((2, 4), "must lie below num_classes=4"),
        ((2,), "`classes` must name the class of each"),
        ((2, -1), "`classes` must be"),
    ):
        with pytest.raises(ValueError, match=message):
            memory.add(a_set(), classes)
    with pytest.raises(ValueError, match=r"images of shape \(3, 3, 1\)"):
        memory.add(a_set(shape=(4, 4, 1)), (2, 3))
    with pytest.raises(TypeError, match="`distilled` must be"):
        memory.add("set.keras", (2, 3))
    for classes in (5, None, "23"):
        with pytest.raises(TypeError, match="`classes` must be class numbers"):
            memory.add(a_set(), classes)
    soft = a_set()
    soft.recipe["loss"] = "logit_cross_entropy"
    with pytest.raises(ValueError, match="`distilled` must have labels of this library"):
        memory.add(soft, (2, 3))
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        memory.batches(0)
    with pytest.raises(ValueError, match="the buffer is empty"):
        DistilledReplayBuffer(4).batches(2)
    assert len(memory) == 4 and memory.classes == (0, 1)
