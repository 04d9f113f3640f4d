import numpy as np
import pytest

from keras_isa import datasets

IN_A_FOLDER = {
    # These make a folder of their own.
    "samples": {
        "cifar10_python": "cifar10",
        "cifar10_binary": "cifar10",
        "cifar100_python": "cifar100",
        "imagenet_pickles": "imagenet8",
        "mnist": "mnist",
        "tiny_imagenet": "tiny_imagenet",
        "imagenette": "imagenette",
    },
    "nested": {"gtsrb": "gtsrb", "hugging_face": "hugging_face"},
    "format_samples": {
        "svhn": "svhn",
        "stl10": "stl10",
        "gtsrb_kaggle": "gtsrb",
    },
}


@pytest.fixture
def own_images(samples):
    """Writes images of the user's own, as train/CLASS/FILE and test/CLASS/FILE."""

    def write(root):
        for seed, part in enumerate(("train", "test")):
            images = samples.pixels(4, 8, 8, 3, seed=seed)
            samples.class_folders(root / part, ("cat", "dog"), ".jpg", images)
        return root

    return write


@pytest.fixture(params=[(kind, one) for kind, found in IN_A_FOLDER.items() for one in found])
def in_a_folder(request, tmp_path):
    """A download in a folder of `tmp_path / "mixed"`, and its name."""
    kind, one = request.param
    module = "samples" if kind == "samples" else "format_samples"
    write = getattr(request.getfixturevalue(module), one)
    write(tmp_path / "mixed" / ("download" if kind == "format_samples" else ""))
    return tmp_path / "mixed", IN_A_FOLDER[kind][one]


def test_a_folder_beside_folders_of_images(in_a_folder, own_images, samples, tmp_path):
    root, name = in_a_folder
    options = {"image_size": 64 if name == "tiny_imagenet" else 8}
    alone = datasets.load(root, **options)
    samples.written(root / "__MACOSX" / "train", {"._a.jpg": b"x"})
    samples.written(root / "notes", {"read.me": b"x"})
    again = datasets.load(root, **options)
    assert (len(again[0]), len(again[1])) == (len(alone[0]), len(alone[1]))
    own_images(root)
    refusal = f"must be one image set.*mixed, which holds {name} in .* and other data in te.*pass"
    with pytest.raises(ValueError, match=refusal):
        datasets.load(root, **options)
    made = datasets.prepare(name, root, tmp_path / "set.npz", **options)
    assert (made.train, made.test) == (len(alone[0]), len(alone[1]))


def test_a_folder_beside_a_folder_of_arrays(samples, tmp_path):
    samples.mnist(tmp_path)
    np.savez(samples.written(tmp_path / "mine", {}) / "mine.npz", x=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="holds mnist in raw and other data in mine; pass"):
        datasets.load(tmp_path)


@pytest.mark.parametrize(("one", "name"), [("mnist", "mnist"), ("cifar10_python", "cifar10")])
def test_a_download_below_single_folders(samples, tmp_path, one, name):
    folder = tmp_path / "root" / "data"
    getattr(samples, one)(folder)
    alone, deep = datasets.load(folder), datasets.load(tmp_path)
    assert deep[0].name == str(tmp_path)
    for known, found in zip(alone, deep, strict=True):
        np.testing.assert_array_equal(found.x[:], known.x[:])
        np.testing.assert_array_equal(found.y, known.y)
    getattr(samples, one)(tmp_path / "other" / "data")
    with pytest.raises(ValueError, match=f"pass the .*holds {name} in other and {name} in root"):
        datasets.load(tmp_path)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    "one", ["mnist", "cifar10_python", "cifar100_binary", "imagenet_npz", "imagenette"]
)
def test_two_sets_of_one_kind(samples, tmp_path, one, named):
    getattr(samples, one)(tmp_path).rename(tmp_path / "second")
    first = getattr(samples, one)(tmp_path).name
    name = samples.SAMPLES[one.replace("npz", "pickles")].download.removesuffix("128")
    with pytest.raises(ValueError, match=f"pass the folder of one of them.*{first} and in second"):
        if named:
            datasets.prepare(name, tmp_path, tmp_path / "set.npz")
        else:
            datasets.load(tmp_path)


@pytest.mark.parametrize("one", ["stl10", "svhn", "gtsrb_kaggle", "hugging_face"])
def test_two_sets_of_one_format(format_samples, tmp_path, one):
    for name in ("first", "second"):
        getattr(format_samples, one)(tmp_path / name)
        if one == "hugging_face":  # whose files lie in a folder data
            (tmp_path / name / "data").rename(tmp_path / f"{name} data")
    with pytest.raises(ValueError, match="be (one image set|the folder of one set).*first.*second"):
        datasets.load(tmp_path)


def test_the_one_that_is_named_is_taken(samples, tmp_path):
    samples.imagenet_pickles(tmp_path, 8)
    samples.imagenet_pickles(tmp_path, 16)
    samples.mnist(tmp_path)
    samples.written(tmp_path / "q", samples.idx_files("qmnist-"))
    with pytest.raises(ValueError, match="holds imagenet8 and imagenet16 and mnist and qmnist"):
        datasets.load(tmp_path)
    for name, shape in (("imagenet16", (16, 16, 3)), ("imagenet8", (8, 8, 3)), ("qmnist", None)):
        made = datasets.prepare(name, tmp_path, tmp_path / f"{name}.npz")
        assert made.image_shape == (shape or (6, 5, 1))


def test_files_beside_folders_of_images(samples, format_samples, own_images, tmp_path):
    folder = own_images(samples.mnist(tmp_path))
    with pytest.warns(UserWarning, match="raw: test, train not used; only the files of mnist"):
        assert len(datasets.load(folder)[0]) == 7
    datasets.prepare("mnist", folder, tmp_path / "set.npz")
    format_samples.pixel_csv(tmp_path / "tables")
    own_images(tmp_path / "tables")
    with pytest.warns(UserWarning, match="tables: test, train not used; only the files"):
        assert len(datasets.load(tmp_path / "tables")[0]) == 12


def test_arrays_of_medmnist_in_a_folder_are_spoken_of(format_samples, own_images, tmp_path):
    root = own_images(tmp_path / "mixed")
    format_samples.medmnist(root / "blood")
    with pytest.warns(UserWarning, match=r"other formats \(.npz\), not read: 1, blood"):
        assert datasets.load(root)[0].class_names == ("cat", "dog")
