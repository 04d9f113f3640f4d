import numpy as np
import pytest

from keras_isa import datasets


@pytest.mark.parametrize("test", ["test", "val", "validation"])
def test_split_folders(image_folder, crops, test):
    root = image_folder(test)
    train, held = datasets.load(root)
    assert train.name == held.name == str(root)
    assert train.class_names == ("china", "flower")
    assert (train.x.shape, held.x.shape) == ((12, 12, 12, 3), (6, 12, 12, 3))
    assert train.x.dtype == np.uint8 and train.pixel_range == (0.0, 255.0)
    assert train.y.tolist() == [0] * 6 + [1] * 6 and held.y.tolist() == [0] * 3 + [1] * 3
    np.testing.assert_array_equal(train.x[6:], crops(1, 9, (12, 12))[:6])
    np.testing.assert_array_equal(held.x[:3], crops(0, 9, (12, 12))[6:])


def test_a_string_and_a_relative_path(image_folder, monkeypatch):
    root = image_folder()
    monkeypatch.chdir(root.parent)
    assert datasets.load("photos")[0].name == str(root)


def test_class_folders_get_the_fixed_stratified_split(tmp_path, eights, image_file):
    from sklearn.model_selection import train_test_split

    x, y = eights
    order = np.argsort(y, kind="stable")
    for i in order:
        image_file(tmp_path / str(y[i]) / f"{i:03d}.png", x[i])
    train, test = datasets.load(tmp_path)
    assert train.image_shape == (8, 8, 1)  # all are grey
    _, chosen = train_test_split(order, test_size=0.2, random_state=0, stratify=y[order])
    chosen = order[np.isin(order, chosen)]
    np.testing.assert_array_equal(test.x[..., 0], x[chosen])
    np.testing.assert_array_equal(test.y, y[chosen])
    rest = order[~np.isin(order, chosen)]
    np.testing.assert_array_equal(train.x[..., 0], x[rest])
    assert np.abs(np.bincount(test.y) - np.bincount(y) / 5).max() < 1


def test_one_coloured_image_makes_all_coloured(image_folder, photos, image_file):
    root = image_folder()
    grey = photos[0][:12, :12, 0]
    image_file(root / "train" / "china" / "000.png", grey)
    train, _ = datasets.load(root)
    np.testing.assert_array_equal(train.x[0], np.repeat(grey[..., None], 3, -1))


def test_images_of_several_sizes(image_folder):
    from keras_isa.datasets.images import fit_image, read_image

    root = image_folder(sizes=((12, 20), (30, 16)))
    with pytest.raises(ValueError, match=r"`image_size` \(--image-size\) .*of 12x20 .*of 30x16"):
        datasets.load(root)
    train, _ = datasets.load(root, image_size=8)
    assert train.image_shape == (8, 8, 3)
    second = read_image(root / "train" / "china" / "001.png", 3)
    np.testing.assert_array_equal(train.x[1], fit_image(second, (8, 8)))
    assert datasets.load(root, image_size=(6, 10))[1].image_shape == (6, 10, 3)


def test_classes_are_chosen_before_anything_is_read(image_folder):
    root = image_folder()
    for path in (root / "train" / "china").iterdir():
        path.write_bytes(path.read_bytes()[:70])  # the head is whole, the pixels are not
    train, test = datasets.load(root, classes=["flower"])
    assert train.class_names == test.class_names == ("flower",)
    assert train.y.tolist() == [0] * 6 and test.y.tolist() == [0] * 3
    with pytest.raises(ValueError, match="undamaged images"):
        datasets.load(root)


def test_other_files_are_passed_over(image_folder):
    root = image_folder()
    (root / "train" / "china" / "notes.txt").write_text("three of them are blurred")
    (root / "train" / "china" / "._000.png").write_text("left by a file manager")
    (root / "train" / ".cache").mkdir()
    (root / "readme.md").write_text("photographs")
    assert len(datasets.load(root)[0]) == 12


def broken_folders():
    def without_test(root):
        (root / "test").rename(root / "other")

    def unknown_class(root):
        (root / "test" / "china").rename(root / "test" / "temple")

    def empty_class(root):
        (root / "train" / "tree").mkdir()

    def no_images(root):
        for path in root.rglob("*.png"):
            path.rename(path.with_suffix(".txt"))

    def flat(root):
        for i, path in enumerate(root.rglob("*.png")):
            path.rename(root / f"{i}.png")

    def no_pixels(root):
        (root / "train" / "china" / "003.png").write_bytes(b"")

    return {
        "without test": (without_test, "a folder test, val or validation beside train"),
        "unknown class": (unknown_class, "missing in train. Received: 'temple'"),
        "empty class": (empty_class, "class 2 has no images"),
        "no images": (no_images, "train/CLASS/FILE.*or an .npz file"),
        "flat": (flat, "train/CLASS/FILE.*or an .npz file"),
        "no pixels": (no_pixels, "undamaged images.*003.png"),
    }


@pytest.mark.parametrize("case", broken_folders())
def test_broken_folders_are_refused(image_folder, case):
    damage, message = broken_folders()[case]
    root = image_folder()
    damage(root)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(root)
    assert "\n" not in str(caught.value)


def test_too_few_images_to_hold_some_out(tmp_path, photos, image_file):
    for i in range(4):
        image_file(tmp_path / "many" / f"{i}.png", photos[0][i : i + 5, :5])
    image_file(tmp_path / "one" / "0.png", photos[1][:5, :5])
    with pytest.raises(ValueError, match="`source` must have a test part.*5 images.*with 1"):
        datasets.load(tmp_path)
