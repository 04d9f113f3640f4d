import numpy as np
import pytest

from keras_isa import datasets


def test_class_names_out_of_words(tiny_imagenet):
    root = tiny_imagenet()
    train, test = datasets.load(root)
    assert train.class_names == test.class_names == ("goldfish", "mushroom")
    assert train.x[train.y == 1].shape == (3, 64, 64, 3)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("n01443537\tcrane\nn07734744\tcrane\n", ("crane (n01443537)", "crane (n07734744)")),
        ("n07734744\tmushroom\n", ("n01443537", "mushroom")),
        ("n01443537\nn07734744\ttench, Tinca tinca\n", ("n01443537", "tench, Tinca tinca")),
        (None, ("n01443537", "n07734744")),
    ],
)
def test_names_that_are_missing_or_there_twice(tiny_imagenet, words, names):
    root = tiny_imagenet()
    (root / "words.txt").unlink() if words is None else (root / "words.txt").write_text(words)
    assert datasets.load(root)[0].class_names == names


def test_a_set_of_word_net_numbers_is_told_from_one_of_names(tiny_imagenet, tmp_path):
    """As prepared before class names were read."""
    root = tiny_imagenet()
    words = (root / "words.txt").read_text()
    (root / "words.txt").unlink()
    datasets.prepare("tiny_imagenet", root, tmp_path / "numbers.npz")
    (root / "words.txt").write_text(words)
    old, new = datasets.load(tmp_path / "numbers.npz"), datasets.load(root)
    assert old[0].class_names == ("n01443537", "n07734744")
    np.testing.assert_array_equal(old[1].x, new[1].x)
    np.testing.assert_array_equal(old[1].y, new[1].y)


def test_a_name_outside(tiny_imagenet):
    root = tiny_imagenet()
    path = root / "val" / "val_annotations.txt"
    path.write_text(path.read_text() + "../../words.txt\tn01443537\n")
    with pytest.raises(ValueError, match="only files inside of its folder.*words.txt"):
        datasets.load(root)


@pytest.mark.parametrize("name", ["imagenette", "imagewoof"])
def test_images_at_their_own_sizes(imagenette, tmp_path, name):
    root = imagenette(f"{name}128", tmp_path / f"{name}2-320")
    (root / f"noisy_{name}.csv").write_text("path,noisy_labels_0\n")
    with pytest.raises(ValueError, match=r"`image_size` \(--image-size\) must be given"):
        datasets.load(root)
    train, test = datasets.load(root, image_size=(20, 24))
    assert (train.image_shape, len(train), len(test)) == ((20, 24, 3), 20, 10)
    summary = datasets.prepare(name, root, tmp_path / "own.npz", image_size=16)
    assert summary.image_shape == (16, 16, 3)
    summary = datasets.prepare(f"{name}128", root, tmp_path / "set.npz")
    assert summary.image_shape == (128, 128, 3)
    with pytest.raises(ValueError, match="`image_size` must be None for .*128, which is 128x128"):
        datasets.prepare(f"{name}128", root, tmp_path / "other.npz", image_size=64)


def test_another_name(imagenette, tmp_path):
    root = imagenette("imagenette128")
    with pytest.raises(ValueError, match="must be imagewoof128. Received: .*, which is imagenette"):
        datasets.prepare("imagewoof128", root, tmp_path / "set.npz")


def test_a_part_that_the_user_made(imagenette):
    root = imagenette("imagenette128")
    (root / "test" / "n01440764").mkdir(parents=True)
    with pytest.warns(UserWarning, match="imagenette2-160: test not used; the parts of this set"):
        assert len(datasets.load(root, image_size=8)[1]) == 10
