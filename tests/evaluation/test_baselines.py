import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_isa.evaluation import baselines
from keras_isa.evaluation.baselines import (
    herding_indices,
    kmeans_indices,
    random_indices,
)
from keras_isa.inputs.arrays import StoredImages


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return (data.images[..., None] / 16.0).astype("float32"), data.target


def test_random_images_are_class_major_and_distinct(digits):
    _, y = digits
    rows = random_indices(y, 7, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(y[rows], np.repeat(np.arange(10), 7))
    assert len(set(rows.tolist())) == 70


def test_random_follows_and_advances_the_generator(digits):
    _, y = digits
    rng = np.random.default_rng(3)
    first, second = random_indices(y, 5, 10, rng), random_indices(y, 5, 10, rng)
    np.testing.assert_array_equal(first, random_indices(y, 5, 10, np.random.default_rng(3)))
    assert np.any(first != second)


def test_one_centroid_is_the_class_mean(digits):
    x, y = digits
    rows = kmeans_indices(x, y, 1, 10)
    for class_id, row in enumerate(rows):
        members = np.flatnonzero(y == class_id)
        flat = x[members].reshape(len(members), -1).astype("float64")
        distance = ((flat - flat.mean(0)) ** 2).sum(1)
        assert row == members[np.argmin(distance)]


def test_kmeans_finds_the_clusters(digits):
    # Three tight clusters in each class: one image of each must be chosen.
    rng = np.random.default_rng(0)
    centers = np.array([[0.0, 0], [10, 0], [0, 10], [50, 50], [60, 50], [50, 60]])
    cluster = np.repeat(np.arange(6), 20)
    x = centers[cluster] + 0.1 * rng.normal(size=(120, 2))
    order = rng.permutation(120)
    x, cluster = x[order], cluster[order]
    rows = kmeans_indices(x, cluster // 3, 3, 2, seed=0)
    assert sorted(cluster[rows].tolist()) == [0, 1, 2, 3, 4, 5]


def test_kmeans_images_are_distinct_deterministic_and_nearer_than_random(digits):
    x, y = digits
    rows, class_ids = kmeans_indices(x, y, 10, 10, seed=1), np.repeat(np.arange(10), 10)
    np.testing.assert_array_equal(rows, kmeans_indices(x, y, 10, 10, seed=1))
    np.testing.assert_array_equal(y[rows], class_ids)
    assert len(set(rows.tolist())) == 100

    def cover(chosen):
        total = 0.0
        for class_id in range(10):
            real = x[y == class_id].reshape(-1, 1, 64)
            mine = chosen[class_ids == class_id].reshape(1, -1, 64)
            total += ((real - mine) ** 2).sum(-1).min(1).mean()
        return total

    at_random = random_indices(y, 10, 10, np.random.default_rng(0))
    assert cover(x[rows]) < 0.95 * cover(x[at_random])


def test_duplicate_images_are_still_taken_once_each():
    x, y = np.zeros((6, 4)), np.array([0, 0, 0, 1, 1, 1])
    with pytest.warns(Warning, match="distinct clusters"):
        rows = kmeans_indices(x, y, 3, 2)
    assert sorted(rows.tolist()) == [0, 1, 2, 3, 4, 5]


def test_a_large_class_is_subsampled_with_the_seed(monkeypatch, digits):
    x, y = digits
    monkeypatch.setattr(baselines, "KMEANS_POOL", 20)
    first = kmeans_indices(x, y, 2, 10, seed=0)
    np.testing.assert_array_equal(first, kmeans_indices(x, y, 2, 10, seed=0))
    np.testing.assert_array_equal(y[first], np.repeat(np.arange(10), 2))
    assert np.any(first != kmeans_indices(x, y, 2, 10, seed=1))
    assert len(set(kmeans_indices(x, y, 25, 10, seed=0).tolist())) == 250


def test_a_small_class_is_named():
    x, y = np.zeros((5, 2)), np.array([0, 0, 0, 1, 1])
    for choose in (
        lambda: random_indices(y, 3, 2, np.random.default_rng(0)),
        lambda: kmeans_indices(x, y, 3, 2),
    ):
        with pytest.raises(ValueError, match="images_per_class=3, but class 1 has 2"):
            choose()


@pytest.mark.parametrize(
    "y, message",
    [
        (np.eye(3)[[0, 1, 2]], "integer class ids"),
        (np.array([0.0, 1.0, 2.0]), "integer class ids"),
        (np.array([0, 1, 3]), r"must lie in \[0, num_classes=3\)"),
        (np.array([0, 1, 2, 2]), "one row per image"),
    ],
)
def test_wrong_ids_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        kmeans_indices(np.zeros((3, 2)), y, 1, 3)


def test_column_ids_are_accepted():
    y = np.array([[1], [0]])
    np.testing.assert_array_equal(random_indices(y, 1, 2, np.random.default_rng(0)), [1, 0])


def test_unequal_classes(digits):
    x, y = digits
    counts = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
    for rows in (
        random_indices(y, counts, 10, np.random.default_rng(0)),
        kmeans_indices(x, y, counts, 10),
    ):
        assert np.bincount(y[rows]).tolist() == counts


def test_images_on_disk_are_read_class_by_class(digits):
    x, y = digits
    stored = kmeans_indices(StoredImages(x), y, 2, 10)
    np.testing.assert_array_equal(stored, kmeans_indices(x, y, 2, 10))


def test_images_per_class_must_be_positive():
    with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
        random_indices(np.array([0, 1]), 0, 2, np.random.default_rng(0))


def test_herding_takes_what_brings_the_mean_nearest():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2, 3)), np.arange(40) % 2
    found = herding_indices(x, y, 5, 2)
    for class_id in range(2):
        rows = np.flatnonzero(y == class_id)
        mean, taken = x[rows].mean(axis=0), []
        for _ in range(5):
            left = [row for row in rows if row not in taken]
            gaps = [np.sum((x[[*taken, row]].mean(axis=0) - mean) ** 2) for row in left]
            taken.append(left[int(np.argmin(gaps))])
        assert found[5 * class_id :][:5].tolist() == taken


def test_herding_of_a_large_class_takes_from_a_part_and_keeps_the_mean(monkeypatch):
    monkeypatch.setattr(baselines, "KMEANS_POOL", 10)
    x = np.concatenate([np.zeros(90), np.ones(10)]).reshape(100, 1)
    y = np.zeros(100, int)
    found = herding_indices(np.concatenate([x, x]), np.concatenate([y, y + 1]), 3, 2, seed=1)
    assert len(set(found.tolist())) == 6
    with pytest.raises(ValueError, match="`images_per_class` must be at most"):
        herding_indices(x, y, 101, 1)
