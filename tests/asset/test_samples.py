"""What a set starts from: real images of each class, or arrays as they are."""

import numpy as np
import pytest

from keras_isa import DistilledData


def make(pixels, images_per_class=2, **options):
    return DistilledData.from_samples(*pixels, images_per_class, **options)


def test_from_samples_draws_different_real_images_of_each_class(pixels):
    x, y = pixels
    distilled = make(pixels, 3)
    images, _ = distilled.to_numpy(space="pixels")
    assert images.shape == (12, 4, 5, 3)
    distances = np.abs(images[:, None] - x[None].astype("float32")).max(axis=(2, 3, 4))
    rows = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 0.01
    assert len(set(rows.tolist())) == 12
    assert y[rows].tolist() == distilled.class_ids.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert distilled.class_ids.dtype == np.int32


def test_from_samples_needs_two_classes(pixels):
    x, _ = pixels
    with pytest.raises(ValueError, match="`y` must hold two classes or more. Received: '3' alone"):
        with pytest.warns(UserWarning, match="renumbered"):
            DistilledData.from_samples(x, np.full(len(x), 3), 1)


def test_the_seed_of_from_samples_decides(pixels):
    first, same, other = (make(pixels, seed=seed).to_numpy()[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_pixel_range_is_told_from_the_samples(pixels):
    x, y = pixels
    assert make(pixels).pixel_range == (0.0, 255.0)
    assert make((x / np.float32(255), y)).pixel_range == (0.0, 1.0)
    floats = x.astype("float32") / 8
    assert make((floats, y)).pixel_range == (floats.min(), floats.max())
    assert make((floats, y), pixel_range=(0, 32)).pixel_range == (0.0, 32.0)
    assert make((np.full_like(floats, 7), y)).pixel_range == (0.0, 255.0)  # nothing to be told


def test_a_class_with_fewer_images_than_asked(pixels):
    x, y = pixels[0][:22], pixels[1][:22]  # classes 2 and 3 have five images
    with pytest.raises(ValueError, match="the 5 images of class 2"):
        make((x, y), 6)
    with pytest.warns(UserWarning, match="class dog"):
        distilled = make(
            (x, y),
            {"ant": 6, "bee": 1, "cat": 5, "dog": 6},
            class_names=("ant", "bee", "cat", "dog"),
        )
    assert distilled.class_counts == (6, 1, 5, 5)
    assert make((x, y), "proportional:2").class_counts == (2, 2, 2, 2)


def test_classes_by_name(pixels):
    x, y = pixels
    words = np.array(["dog", "ant", "cat", "bee"])[y]
    distilled = make((x, words))
    assert distilled.class_names == ("ant", "bee", "cat", "dog")
    assert distilled.class_ids.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    images = distilled.to_numpy("pixels")[0]
    rows = [np.abs(x - image).max(axis=(1, 2, 3)).argmin() for image in images]
    assert words[rows].tolist() == ["ant"] * 2 + ["bee"] * 2 + ["cat"] * 2 + ["dog"] * 2
    chosen = make((x, words), class_names=("dog", "ant", "cat", "bee"))
    assert chosen.class_names[0] == "dog"
    with pytest.raises(ValueError, match="bee"):
        make((x, words), class_names=("dog", "ant", "cat", "cow"))


def test_classes_with_too_few_images_are_refused(pixels):
    x, y = pixels
    with pytest.raises(ValueError, match="the 6 images of class 0;.*Received: images_per_class=7"):
        DistilledData.from_samples(x, y, 7)
    with pytest.raises(ValueError, match="the 0 images of class 4;.*Received: images_per_class=1"):
        DistilledData.from_samples(x, y, 1, num_classes=5)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ((4, 3, 3, 1, 1), (4, 2)),
        ((4,), (4, 2)),
        ((4, 3, 3, 1), (4,)),
        ((4, 3, 3, 1), (2, 2)),
        ((3, 3, 3, 1), (3, 2)),
        ((0, 3, 3, 1), (0, 2)),
        ((4, 3, 3, 1), (4, 0)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, labels):
    with pytest.raises(ValueError, match="`images` must have shape .*Received"):
        DistilledData.from_arrays(np.zeros(images), np.zeros(labels))
