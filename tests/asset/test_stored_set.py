"""What a set stores, and what follows from it."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa.asset.stored_set import StoredSet

SHAPE = (8, 8, 1)


def tiles(counts=2, **options):
    return StoredSet(SHAPE, 3, counts, parametrization="multi_formation:2", **options)


def test_images_stored_as_they_are_are_the_variables():
    plain = StoredSet(SHAPE, 3, 2)
    assert plain.images is plain.stored["images"]
    assert plain.labels is plain.stored["labels"]
    assert plain.row_counts == plain.class_counts == plain.equal_counts == (2, 2, 2)
    assert plain.stored_bytes == 4 * 6 * (64 + 3)


def test_rows_and_classes_are_those_that_follow():
    one = tiles((1, 2, 3))
    assert one.row_counts == (4, 8, 12)
    assert one.class_ids.tolist() == [0] * 4 + [1] * 8 + [2] * 12
    assert one.images_per_class == (1, 2, 3)
    assert tuple(one.images.shape) == (24, *SHAPE)
    assert one.stored_bytes == 4 * (6 * 64 + 24 * 3)


def test_real_images_of_as_many_numbers():
    assert tiles(10).equal_counts == (11,) * 3  # 10 images and 40 labels, 67 numbers an image
    few = StoredSet(SHAPE, 3, 12, parametrization="bases:4")
    assert few.equal_counts == (2,) * 3  # 4 * 64 + 36 * (4 + 3) numbers
    assert StoredSet(SHAPE, 3, 1, parametrization="bases:1").equal_counts == (1, 1, 1)


def test_assign_stores_what_is_nearest():
    images = np.ones((8 * 3, *SHAPE), "float32") * np.arange(24)[:, None, None, None]
    labels = np.repeat(np.eye(3, dtype="float32"), 8, axis=0)
    one = tiles()
    assert one.empty
    one.assign(images, labels)
    assert not one.empty
    corner = keras.ops.convert_to_numpy(one.stored["images"])[0, ::4, ::4, 0]
    np.testing.assert_allclose(corner, [[0, 1], [2, 3]])


def test_learned_values_take_the_place_of_those_stored():
    one = tiles()
    images, labels = one.decode({"labels": np.ones((24, 3), "float32")})
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(labels), 1)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(images), 0)


def test_labels_are_learned_or_not():
    one = StoredSet(SHAPE, 3, 4, parametrization="bases:5", learn_labels=False)
    assert [variable.name for variable in one.trainable_variables] == ["bases", "coefficients"]
    one.learn(True)
    assert len(one.trainable_variables) == 3


@pytest.mark.parametrize("text", ["bases:4+quantized:5", "multi_formation:2+quantized:3"])
def test_a_saved_set_gives_the_same_images_and_takes_the_bytes_it_says(tmp_path, text):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 8, 8, 1)).astype("uint8"), np.arange(60) % 3
    distilled = keras_isa.DistilledData.from_samples(x, y, 4, parametrization=text)
    path = tmp_path / "set.keras"
    distilled.save(path)
    for loaded in (keras_isa.load(path), keras.saving.load_model(path)):
        assert str(loaded.parametrization) == text
        for before, after in zip(distilled.to_numpy(), loaded.to_numpy(), strict=True):
            np.testing.assert_allclose(after, before, atol=1e-6)
    plain = keras_isa.DistilledData.from_samples(x, y, 4)
    plain.save(tmp_path / "plain.keras")
    saved = plain.stored_bytes - distilled.stored_bytes
    # Names and addresses of arrays take the rest.
    sizes = [(tmp_path / name).stat().st_size for name in ("plain.keras", "set.keras")]
    assert sizes[0] - sizes[1] == pytest.approx(saved, abs=2500)


def test_classes_with_fewer_images_than_tiles_give_theirs_again():
    x = np.arange(4 * 64, dtype="uint8").reshape(4, 8, 8, 1)
    options = {"parametrization": "multi_formation:2", "preprocessing": None}
    distilled = keras_isa.DistilledData.from_samples(x, np.array([0, 0, 0, 1]), 1, **options)
    images = distilled.to_numpy()[0]
    np.testing.assert_allclose(images[4:], np.repeat(images[4:5], 4, axis=0), atol=1e-4)
    means = sorted(set(images[:4].mean(axis=(1, 2, 3)).round().tolist()))
    assert len(means) == 3  # all three images, one of them twice


def test_a_set_beyond_the_memory_is_refused_before_it_is_made():
    with pytest.raises(ValueError, match="the set needs .* of memory.*lower `images_per_class`"):
        keras_isa.DistilledData((8, 8, 1), 10, 10**12)
