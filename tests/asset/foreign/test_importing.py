"""Sets that others have published, as sets of this library."""

import hashlib
import importlib.util
import warnings

import numpy as np
import pytest

import keras_isa
from keras_isa.asset import import_set
from keras_isa.asset.foreign import importing
from keras_isa.datasets.dataset import Dataset
from keras_isa.inputs.arrays import to_numpy

RNG = np.random.default_rng(0)
COLOURS = np.array([[200, 60, 40], [40, 190, 70], [60, 50, 210]])


@pytest.fixture(scope="module")
def train():
    """Three classes of noisy colours, 90 images of 8x8."""
    y = np.tile(np.arange(3), 30)
    x = COLOURS[y][:, None, None] + RNG.normal(0, 25, (90, 8, 8, 3))
    x = np.clip(x, 0, 255).round().astype("uint8")
    return Dataset.from_arrays(x, y, class_names=["red", "green", "blue"])


@pytest.fixture(scope="module")
def chosen(train):
    """Two images of each class, ordered by class, and their classes."""
    rows = np.concatenate([np.flatnonzero(train.y == k)[:2] for k in range(3)])
    return train.x[rows], train.y[rows]


def quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return import_set(*arguments, **options)


def test_pixels_are_standardised_and_come_back(train, chosen, tmp_path):
    x, y = chosen
    np.savez(tmp_path / "set.npz", images=x, labels=y)
    distilled = quietly(tmp_path / "set.npz", "arrays", train)
    images, labels = distilled.to_numpy(space="pixels")
    np.testing.assert_allclose(images, x, atol=0.01)
    np.testing.assert_allclose(labels, np.eye(3)[y] - 1 / 3, atol=1e-6)
    assert distilled.class_names == ("red", "green", "blue")
    assert distilled.images_per_class == 2
    about = distilled.provenance["imported"]
    assert about["axes"] == "NHWC" and len(about["sha256"]) == 64
    path = tmp_path / "set.keras"
    distilled.save(path)
    again = keras_isa.load(path)
    np.testing.assert_array_equal(again.to_numpy()[0], distilled.to_numpy()[0])
    assert again.provenance["imported"] == about


def test_a_file_with_another_fingerprint_is_refused(train, chosen, tmp_path):
    x, y = chosen[0].copy(), chosen[1]
    path = tmp_path / "set.npz"
    np.savez(path, images=x, labels=y)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert quietly(path, "arrays", train, sha256=digest.upper()).images_per_class == 2
    x[0, 0, 0, 0] += 1  # a number that every other check lets through
    np.savez(path, images=x, labels=y)
    assert quietly(path, "arrays", train).images_per_class == 2
    with pytest.raises(ValueError, match=rf"`sha256` \(--sha256\) must be .*Received: {digest}"):
        import_set(path, "arrays", train, sha256=digest)
    for wrong in ("", digest[:-1], "g" + digest[1:], digest + "\n", 5):
        with pytest.raises(ValueError, match=r"`sha256` \(--sha256\) must be 64 hexadecimal"):
            import_set(path, "arrays", train, sha256=wrong)


def test_the_fingerprint_of_a_folder_is_that_of_its_files(tmp_path):
    files = {"one": {"a": "bc"}, "other": {"ab": "c"}, "more": {"a": "bc", ".hidden": "x"}}
    for folder, contents in files.items():
        (tmp_path / folder).mkdir()
        for name, text in contents.items():
            (tmp_path / folder / name).write_text(text)
    one, other, more = (importing._digest(tmp_path / folder) for folder in files)
    assert one == more != other and len(one) == 64


def test_channels_first_order_and_whole_floats_are_told(train, chosen, tmp_path):
    x, y = chosen
    order = np.array([4, 0, 2, 5, 1, 3])
    np.save(tmp_path / "images.npy", np.moveaxis(x, -1, 1)[order] / 255)
    np.save(tmp_path / "labels.npy", y[order].astype("float32"))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        distilled = import_set(tmp_path / "images.npy", "arrays", train)
    assert [str(one.message).partition(" were ")[2] for one in found] == [
        "put in the order of classes",
        "taken as pixels of 0 to 1 brought to 0 to 255, then standardised per channel",
    ]
    assert not distilled.learn_labels
    assert distilled.provenance["imported"]["axes"] == "NCHW"
    np.testing.assert_allclose(distilled.to_numpy(space="pixels")[0], x, atol=0.01)


def test_learned_labels_stay_as_they_are(train, chosen, tmp_path):
    x, y = chosen
    labels = RNG.normal(0, 0.1, (6, 3)).astype("float32") + 3 * np.eye(3)[y]
    layer = keras_isa.layers.ZCAWhitening(0.1).adapt(train.x)
    images = to_numpy(layer(x))
    np.savez(tmp_path / "set.npz", image=images, label=labels.astype("float32"), step=7)
    with pytest.warns(UserWarning, match="not used of set.npz: step of the file"):
        distilled = import_set(tmp_path / "set.npz", "arrays", train, space="frepo")
    np.testing.assert_array_equal(distilled.to_numpy()[0], images)
    np.testing.assert_array_equal(distilled.to_numpy()[1], labels.astype("float32"))
    np.testing.assert_allclose(distilled.to_numpy(space="pixels")[0], x, atol=0.1)


@pytest.mark.parametrize("rows", ["none", "two", "swapped"])
def test_an_order_of_classes_that_does_not_suit_the_images_is_doubted(
    train, chosen, tmp_path, rows
):
    x, y = chosen
    y = {"none": y, "two": np.where(y < 2, 1 - y, y), "swapped": (y + 1) % 3}[rows]
    np.savez(tmp_path / "set.npz", images=x, labels=y)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        import_set(tmp_path / "set.npz", "arrays", train)
    doubts = [one for one in found if "do not look like the classes" in str(one.message)]
    assert bool(doubts) == (rows != "none")


@pytest.mark.parametrize(
    ("values", "space", "message"),
    [
        (1, "frepo", "those of pixels"),
        (1 / 255, "mean_std", "those of pixels"),
        (-40, "frepo", "times as large"),
        (40, "pixels", "pixels neither of the data, 0 to 255, nor of 0 to 1"),
        (-1, "pixels", "pixels neither"),
    ],
)
def test_values_of_another_space_are_refused(train, chosen, tmp_path, values, space, message):
    x, y = chosen
    np.savez(tmp_path / "set.npz", images=x.astype("float32") * values, labels=y)
    with pytest.raises(
        ValueError, match=f"{message}.*`space` .--space. names another one.*Received: path="
    ):
        import_set(tmp_path / "set.npz", "arrays", train, space=space)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 9, 8, 3)), np.arange(3), r"the shape \(9, 8, 3\); those of the data are"),
        (np.zeros((3, 8, 8, 3)), np.arange(4), "labels of shape .4,. for 3 images"),
        (np.zeros((3, 8, 8, 3)), np.array([0, 1, 3]), "no classes from 0 to 2, but 0 to 3"),
        (np.zeros((3, 8, 8, 3)), np.array([0, 1, 1.5]), "no classes from 0 to 2"),
        (np.zeros((3, 8, 8, 3)), np.eye(4)[:3], "labels are for 4 classes; the data have 3"),
        (np.zeros((3, 8, 8, 3)), np.array([0, 1, 1]), "no image of the class 2"),
        (np.full((3, 8, 8, 3), np.nan), np.arange(3), "not finite"),
        (np.zeros((3, 8, 8, 3), bool), np.arange(3), "which are no images"),
        (np.zeros((3, 8, 8, 3)), np.array(["a", "b", "c"]), "labels are of the dtype <U1"),
        (np.zeros((3, 8, 8, 3)), np.array([0, 1, np.nan]), "labels hold values that are not"),
    ],
)
def test_what_is_no_set_of_the_data_is_refused(train, tmp_path, images, labels, message):
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    with pytest.raises(ValueError, match=message):
        import_set(tmp_path / "set.npz", "arrays", train)


def test_one_set_has_no_index(train, chosen, tmp_path):
    x, y = chosen
    np.savez(tmp_path / "set.npz", images=x, labels=y)
    with pytest.raises(ValueError, match="`index` .--index. must be 0: such a file holds one set"):
        import_set(tmp_path / "set.npz", "arrays", train, index=1)


def test_wrong_arguments_are_named(train, tmp_path):
    with pytest.raises(ValueError, match="`format` must be"):
        import_set(tmp_path / "a", "flax", train)
    with pytest.raises(ValueError, match="`space` must be"):
        import_set(tmp_path / "a", "arrays", train, space="zca")
    with pytest.raises(ValueError, match="there is no such file"):
        import_set(tmp_path / "a", "arrays", train)
    with pytest.raises(ValueError, match="it is a folder"):
        import_set(tmp_path, "arrays", train)
    with pytest.raises(ValueError, match="there is no such folder"):
        import_set(tmp_path / "a", "folder", train)
    with pytest.raises(TypeError, match="`train` must be a keras_isa.datasets.Dataset"):
        import_set(tmp_path / "a", "arrays", (train.x, train.y))
    flat = Dataset.from_arrays(np.zeros((4, 3), "float32"), [0, 1, 0, 1])
    with pytest.raises(TypeError, match="images with classes"):
        import_set(tmp_path / "a", "arrays", flat)


def test_an_error_of_any_kind_is_one_line_that_names_the_file(train, tmp_path, monkeypatch):
    path = tmp_path / "set.npz"
    np.savez(path, images=np.zeros(3), labels=np.arange(3))

    def fails(*arguments):
        raise RecursionError("too\ndeep \x1b[31m")

    kind = importing.FORMATS["arrays"]
    broken = type(kind)(fails, kind.space, kind.protocol, kind.methods)
    monkeypatch.setitem(importing.FORMATS, "arrays", broken)
    with pytest.raises(
        ValueError, match=r"cannot be read: too deep \?\[31m; download.* Received: path="
    ):
        import_set(path, "arrays", train)


@pytest.mark.parametrize(
    ("name", "format", "rows", "axes"),
    [
        ("rcig_cifar10_ipc1.msgpack", "rcig", 10, "NHWC"),
        ("rfad_cifar10_ipc10.npz", "rfad", 100, "NCHW"),
    ],
)
def test_published_sets_of_peers(data_dir, name, format, rows, axes):
    """The true files, in the space of a few of the true images."""
    folder = data_dir / "foreign"
    if not (folder / name).is_file():
        pytest.skip(f"needs {name}")
    spec = importlib.util.spec_from_file_location("load_packed", data_dir / "load_packed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    part = module.load_packed(data_dir / "cifar10_part2_webp.npz")
    x, y = part["x_train"][:800], part["y_train"][:800]
    train = Dataset.from_arrays(x, y.astype("int32"))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        distilled = import_set(folder / name, format, train)
    said = " ".join(str(one.message) for one in found)
    assert f"not used of {name}" in said and "do not look like the classes" not in said
    assert distilled.provenance["imported"]["axes"] == axes
    images, labels = distilled.to_numpy()
    assert images.shape == (rows, 32, 32, 3) and np.isfinite(images).all()
    np.testing.assert_array_equal(labels.argmax(axis=1), np.repeat(np.arange(10), rows // 10))
