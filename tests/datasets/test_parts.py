import numpy as np
import pytest

from keras_isa import memory
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Part, Parts, held_out_mask

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 6, 1)).astype("uint8")
LABELS = (np.arange(20) % 2).astype("int32")


def parts(images=IMAGES, labels=LABELS, test=True, shape=(4, 6, 1)):
    """The first three quarters of the images to train on, the others to test on."""

    def read(positions):
        return (images[position] for position in positions)

    whole, split = Part(labels, read), len(labels) * 3 // 4
    train, rest = whole.select(np.arange(split)), whole.select(np.arange(split, len(labels)))
    return Parts("set", ("a", "b"), shape, train, rest if test else None)


def test_images_are_read_by_position():
    train, test = parts().to_datasets()
    np.testing.assert_array_equal(train.x, IMAGES[:15])
    np.testing.assert_array_equal(test.x, IMAGES[15:])
    np.testing.assert_array_equal(parts().to_test().x, IMAGES[15:])
    assert parts().nbytes == IMAGES.nbytes


def test_chosen_classes_and_another_size():
    train, test = parts().select_classes(["b"]).resized((2, 3)).to_datasets()
    assert train.class_names == ("b",) and (len(train), len(test)) == (7, 3)
    means = IMAGES[1:2].reshape(1, 2, 2, 3, 2, 1).mean((2, 4))
    np.testing.assert_array_equal(train.x[0], np.floor(means[0] + 0.5))
    assert parts().resized(None).image_shape == parts().resized((4, 6)).image_shape == (4, 6, 1)
    flat = parts(IMAGES.reshape(20, 24), shape=(24,))
    with pytest.raises(ValueError, match="`image_size` must be None for flat features"):
        flat.resized((2, 2))


def test_a_share_becomes_the_test_part():
    with pytest.warns(UserWarning, match="a fixed fifth of it, 3 of 15 images, becomes the test"):
        divided = parts(test=False).with_test(Options())
    assert (len(divided.train), len(divided.test)) == (12, 3)
    assert len(parts(test=False).with_test(Options(split=0.4)).test) == 6
    whole = parts()
    assert whole.with_test(Options()) is whole  # there is one already
    with pytest.raises(ValueError, match="`split` must not be given unless"):
        whole.with_test(Options(split=0.4))


@pytest.mark.parametrize(
    ("labels", "share", "message"),
    [
        ([0, 0, 0, 0, 1], 0.2, "must have a test part, .*5 images of 2 classes, .* class with 1"),
        (
            [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
            0.2,
            "each class needs an image in it .*; a greater `split`.*12 images of 6 .* class with 2",
        ),
        ([0, 0, 0, 0, 1, 1, 1, 1], 0.99, "one in the rest; a smaller `split` .--split. may help"),
        ([], 0.2, "0 images of 0 classes"),
    ],
)
def test_too_few_images_for_a_share_of_each_class(labels, share, message):
    with pytest.raises(ValueError, match=message):
        held_out_mask(np.array(labels, int), "set", share)


def test_what_makes_no_data_set_is_refused_before_images_are_read(monkeypatch):
    with pytest.raises(ValueError, match="`image_size` .*must be given if the images differ"):
        parts(shape=(None, None, 1)).check()
    with pytest.raises(ValueError, match="images of every class .*training images of class 'b'"):
        parts(labels=np.zeros(20, "int32")).check()
    empty = parts().train.select(np.array([], int))
    with pytest.raises(ValueError, match="in its test part. Received: set without such images"):
        Parts("set", ("a", "b"), (4, 6, 1), parts().train, empty).check()
    monkeypatch.setattr(memory, "available_bytes", lambda: 100)
    with pytest.raises(ValueError, match="`source` set in memory needs .*--format npy"):
        parts().to_datasets()
