import numpy as np
import pytest
from PIL import Image

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


def test_a_list_of_files_of_several_sizes(tmp_path, image_file):
    from keras_isa.datasets.folder import parts_from_files

    grey = image_file(tmp_path / "grey.png", np.zeros((2, 3), "uint8"))
    colour = image_file(tmp_path / "colour.png", np.full((2, 2, 3), (9, 5, 1), "uint8"))
    parts = parts_from_files("set", ["a"], [(grey, 0), (colour, 0)])
    assert parts.test is None and [image.shape for image in parts.train] == [(2, 3, 3), (2, 2, 3)]


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


def test_classes_are_chosen_before_anything_is_read(image_folder, crops, image_file):
    root = image_folder()
    for part, pixels in zip(("train", "test"), crops(1, 2, (12, 12)), strict=True):
        image_file(root / part / "tree" / "000.png", pixels)
    for path in (root / "train" / "china").iterdir():
        data = bytearray(path.read_bytes())
        data[60:-30] = bytes(len(data) - 90)  # the head and the end are whole, the pixels are not
        path.write_bytes(data)
    train, test = datasets.load(root, classes=["tree", "flower"])
    assert train.class_names == test.class_names == ("tree", "flower")
    assert train.y.tolist() == [1] * 6 + [0] and test.y.tolist() == [1] * 3 + [0]
    with pytest.raises(ValueError, match="`classes` must hold two classes .* 'flower' alone"):
        datasets.load(root, classes=["flower"])
    with pytest.raises(ValueError, match="undamaged images.*train/china/000.png"):
        datasets.load(root)


def told(root, **options):
    """The parts, and the warnings about them without the name of the folder."""
    with pytest.warns(UserWarning) as caught:
        parts = datasets.load(root, **options)
    return *parts, sorted(str(one.message).removeprefix(f"{root}: ") for one in caught)


def test_other_files_are_counted_and_named(image_folder):
    root = image_folder()
    china = root / "train" / "china"
    (china / "notes.txt").write_text("three of them are blurred")
    (china / "000.heic").write_bytes(b"ftypheic")
    (china / "000.npy").write_bytes(b"\x93NUMPY")
    (china / "._000.png").write_text("left by a file manager")
    (root / "train" / ".cache").mkdir()
    (root / "readme.md").write_text("photographs")
    train, _, lines = told(root)
    assert len(train) == 12
    assert lines == [
        "file of another format, not read: 3 (.heic, .npy, .txt), such as train/china/000.heic and "
        "train/china/000.npy",
        "file or folder of the system or a tool, not read: 2, train/.cache and "
        "train/china/._000.png",
    ]


def test_files_that_cannot_be_read_are_counted_and_named(image_folder):
    root = image_folder(counts=(8, 3))
    china = root / "train" / "china"
    (china / "000.png").write_bytes(b"")
    (china / "001.png").write_text("<html>404</html>")
    (china / "002.png").write_bytes((china / "003.png").read_bytes()[:90])
    (china / "link.png").symlink_to(root / "absent.png")
    train, _, lines = told(root)
    assert np.bincount(train.y).tolist() == [5, 8]
    assert lines == [
        "damaged file or no image, not read: 2, train/china/001.png and train/china/002.png",
        "empty file, not read: 1, train/china/000.png",
        "no file or a broken link, not read: 1, train/china/link.png",
    ]


def test_a_class_without_an_image_that_can_be_read(image_folder, crops, image_file):
    root = image_folder()
    for part, pixels in zip(("train", "test"), crops(1, 2, (12, 12)), strict=True):
        image_file(root / part / "tree" / "000.png", pixels)
    for path in (root / "test" / "china").iterdir():
        path.write_bytes(b"")
    _, test, lines = told(root)
    assert test.y.tolist() == [1] * 3 + [2]
    assert "class folder without an image that can be read: 1, test/china" in lines
    assert "class without images in the test part: 1, train/china" in lines
    for path in (root / "train" / "china").iterdir():
        path.write_bytes(b"")
    train, _, lines = told(root)
    assert train.class_names == ("flower", "tree")
    for folder, message in (("tree", "read, of two classes or more. R"), ("flower", "read. R")):
        for part in ("train", "test"):
            for path in (root / part / folder).iterdir():
                path.write_bytes(b"")
        with pytest.raises(ValueError, match=message):
            datasets.load(root)


def test_photographs_of_a_telephone(tmp_path):
    """All are upright as they are shown, and their sizes are those that are seen."""
    upright = np.zeros((24, 16, 3), "uint8")
    upright[:8] = 250
    for name in ("bottle", "can"):
        (tmp_path / name).mkdir()
        for i in range(6):
            image, exif = (
                Image.fromarray(upright if name == "bottle" else upright[::-1]),
                Image.Exif(),
            )
            if i % 2:
                image, exif[0x0112] = image.transpose(Image.Transpose.ROTATE_90), 6
            image.save(tmp_path / name / f"{i}.jpg", exif=exif, quality=95)
    train, test = datasets.load(tmp_path)
    for part in (train, test):
        assert part.image_shape == (24, 16, 3)
        tops = part.x[:, :8].mean((1, 2, 3)) > 128
        assert tops.tolist() == (part.y == 0).tolist()


def test_every_suffix_of_the_web(tmp_path, eights):
    x, y = eights
    kinds = {"jpg": "JPEG", "jfif": "JPEG", "jpe": "JPEG", "jp2": "JPEG2000", "JPG": "JPEG"}
    for k, name in ((0, "zero"), (1, "one")):
        (tmp_path / name).mkdir()
        for image, (suffix, kind) in zip(x[y == k], kinds.items(), strict=False):
            Image.fromarray(image).resize((16, 16)).save(
                tmp_path / name / f"a.{suffix}", format=kind
            )
    train, test = datasets.load(tmp_path)
    assert len(train) + len(test) == 10


def test_more_than_eight_bits_are_refused(tmp_path, image_file):
    for name in ("cat", "dog"):
        for i in range(3):
            image_file(tmp_path / name / f"{i}.png", np.full((4, 4, 3), i, "uint8"))
            image_file(tmp_path / name / f"{i}.tif", np.full((4, 4), 4095, "uint16"))
    with pytest.raises(
        ValueError, match=r"6 of 12 files with 16 bits per channel, such as .*0\.tif"
    ):
        datasets.load(tmp_path)


def test_frames_but_the_first_are_told(image_folder):
    root = image_folder()
    frames = [Image.new("RGB", (12, 12), colour) for colour in ("white", "black")]
    frames[0].save(root / "train" / "china" / "a.gif", save_all=True, append_images=frames[1:])
    train, _, lines = told(root)
    assert lines == [
        "image with several frames or pages, only the first is read: 1, train/china/a.gif"
    ]
    assert (train.x[6] == 255).all()


def broken_folders():
    def without_test(root):
        (root / "test").rename(root / "other")

    def unknown_class(root):
        (root / "test" / "china").rename(root / "test" / "temple")

    def other_case(root):
        (root / "test" / "china").rename(root / "test" / "China")

    def no_images(root):
        for path in root.rglob("*.png"):
            path.rename(path.with_suffix(".txt"))

    def no_suffix(root):
        for path in root.rglob("*.png"):
            path.rename(path.with_suffix(""))

    def flat(root):
        for i, path in enumerate(root.rglob("*.png")):
            path.rename(root / f"{i}.png")

    def two_names(root):
        (root / "train" / "china ").mkdir()
        (root / "train" / "china" / "000.png").rename(root / "train" / "china " / "000.png")

    def line_break(root):
        for part in ("train", "test"):
            (root / part / "china").rename(root / part / "chi\nna")

    return {
        "without test": (without_test, "a folder test, val or validation beside train"),
        "unknown class": (unknown_class, "part lacks. Received: 'temple'"),
        "other case": (other_case, "part lacks. Received: 'China' .* train has 'china'"),
        "no images": (no_images, r"train/CLASS/FILE.*or an .npz file.*\(.txt\)"),
        "no suffix": (
            no_suffix,
            r"PNG or JPEG images. Received: .* without images .*\(without a s",
        ),
        "flat": (flat, "make a folder for each class.*images without class folders"),
        "two names": (two_names, "differ in more than spaces.*'china' and 'china '"),
        "line break": (line_break, r"that can be printed; rename.*'chi\\nna'"),
    }


@pytest.mark.parametrize("case", broken_folders())
def test_broken_folders_are_refused(image_folder, case):
    damage, message = broken_folders()[case]
    root = image_folder()
    damage(root)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(root)
    assert "\n" not in str(caught.value)


def test_an_empty_class_folder_is_passed_over(image_folder):
    root = image_folder()
    (root / "train" / "tree").mkdir()
    train, _, lines = told(root)
    assert train.class_names == ("china", "flower")
    assert lines == ["folder without images, not read: 1, train/tree"]


def test_folders_too_deep_to_look_into_are_told(image_folder):
    root = image_folder()
    root.joinpath("train", "china", *"abcdefg").mkdir(parents=True)
    assert told(root)[2] == [
        "folder more than 8 folders deep, not searched: 1, train/china/a/b/c/d/e/f/g"
    ]


ALONE = {
    "FiftyOne": (("data",), ("labels.json",), "data alone, beside labels.json"),
    "flowers": (("jpg",), ("imagelabels.mat",), "jpg alone, beside imagelabels.mat"),
    "ISIC": (
        ("ISIC_2019_Training_Input",),
        ("ISIC_2019_Training_GroundTruth.csv",),
        "_Input alone, beside ISIC_2019_Training_GroundTruth.csv",
    ),
    "Label Studio": (("upload/1",), ("export.json",), "upload/1 alone, beside export.json"),
    "many files": (
        ("photos",),
        ("a.txt", "b.csv", "c.md", "d.md"),
        "photos alone, beside a.txt, b.csv, c.md and 1 more",
    ),
    "parts": (("train/cat", "test/cat"), (), "train/cat alone$"),
}


@pytest.mark.parametrize("case", ALONE)
def test_one_class_folder_is_refused(tmp_path, case):
    folders, files, seen = ALONE[case]
    for file in (*files, *(f"{folder}/{k}.jpg" for folder in folders for k in range(4))):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(ValueError, match="two class folders or more; make a folder .*" + seen):
        datasets.load(tmp_path)


def test_a_test_part_may_have_one_class(image_folder):
    root = image_folder()
    (root / "test" / "china").rename(root / "other")
    train, test, lines = told(root)
    assert train.num_classes == test.num_classes == 2 and set(test.y) == {1}
    assert "class without images in the test part: 1, train/china" in lines


def test_arrays_beside_the_classes_are_refused(image_folder):
    root = image_folder()
    for name in ("x", "y"):
        np.save(root / f"{name}.npy", np.arange(4))
    for source, place in ((root, ""), (root.parent, "photos/")):
        seen = f"holds {place}x.npy, {place}y.npy and .*images {place}train/china, "
        with pytest.raises(ValueError, match="must be one image set; move the arrays.*" + seen):
            datasets.load(source)


def test_class_names_that_differ_only_in_case_are_told(image_folder):
    root = image_folder()
    (root / "train" / "China").mkdir()
    (root / "train" / "china" / "000.png").rename(root / "train" / "China" / "000.png")
    train, _, lines = told(root)
    assert train.class_names == ("China", "china", "flower")
    assert lines[0].endswith("read as a class of its own: 2, train/China and train/china")


def test_numbers_are_in_their_order(tmp_path, image_file):
    for number in range(12):
        for i in range(5):
            image_file(tmp_path / str(number) / f"{i}.png", np.full((4, 4), 20 * number, "uint8"))
    train, _ = datasets.load(tmp_path)
    assert train.class_names == tuple(map(str, range(12)))
    assert (train.x[:, 0, 0, 0] // 20).tolist() == train.y.tolist()
