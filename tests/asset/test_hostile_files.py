"""Damaged and forged files: an error or the right contents, and no harm."""

import importlib
import os
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import datasets
from keras_isa.memory import peak_bytes, resident_bytes

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="needs the folder benchmarks beside the tests"
)
KINDS = ("keras", "npz")
_FORGET = Path("/proc/self/clear_refs")


@pytest.fixture(scope="module")
def fuzz():
    """The script that makes bad files and reads them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        return importlib.import_module("fuzz_files")


@pytest.fixture(scope="module")
def attacks(fuzz):
    return fuzz._attacks


def counted(fuzz, kind, damage, *arguments, anything=False):
    """Counts of outcomes, where nothing may fail, take long or take much memory."""
    subject, failures = fuzz.Subject(kind), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of arrays whose names are damaged
        counts = fuzz.count(subject, damage(subject, *arguments), failures, anything)
    assert failures == []
    assert counts["slowest_seconds"] < 10
    if _FORGET.exists():
        assert counts["memory_growth_mb"] < 150
    return counts


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_refused(fuzz, kind):
    def some(subject):
        return dict(list(fuzz.truncated(subject).items())[::3])

    assert counted(fuzz, kind, some)["refused"] == 34


@pytest.mark.parametrize(
    "flips", [60, pytest.param(10_000, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_are_found_or_change_nothing(fuzz, kind, flips):
    counts = counted(fuzz, kind, fuzz.flipped, flips, 0)
    assert counts["refused"] + counts["equal"] == counts["cases"] == flips
    assert counts["refused"] > 0.8 * flips


@pytest.mark.parametrize("kind", KINDS)
def test_forged_members_raise_no_other_error(fuzz, kind):
    counts = counted(fuzz, kind, fuzz.forged, 60, 0, anything=True)
    assert counts["refused"] > 15


def test_a_flip_of_every_byte_that_says_something_is_found(fuzz):
    subject = fuzz.Subject("keras")
    for content in subject.members.values():
        start = subject.files[""].index(content)
        for place in range(start, start + len(content), 293):
            changed = bytearray(subject.files[""])
            changed[place] ^= 1
            outcome, *_ = fuzz.outcome(subject, lambda path, _, c=changed: path.write_bytes(c))
            assert outcome == "refused"


# ---------------------------------------------------------------- downloads


def checked_download(fuzz, name, cases):
    """Counts of outcomes of a damaged download; what no checksum covers may be read otherwise."""
    subject, failures = fuzz._downloads.Subject(name), []
    counts = fuzz.count(subject, cases(subject), failures, anything=not subject.checked)
    assert failures == [] and counts["slowest_seconds"] < 10
    if _FORGET.exists():
        assert counts["memory_growth_mb"] < 150
    return counts


@pytest.mark.parametrize("flips", [6, pytest.param(5000, marks=pytest.mark.slow)])
def test_downloads_with_flipped_bytes(fuzz, flips):
    counts = [
        checked_download(fuzz, name, lambda subject: fuzz.flipped(subject, flips, 1))
        for name in fuzz._downloads.samples()
    ]
    assert len(counts) >= 20 and sum(one["refused"] for one in counts) > 0.2 * flips * len(counts)


def test_downloads_that_are_cut_off(fuzz):
    for name in fuzz._downloads.samples():

        def some(subject):
            cases = list(fuzz.truncated(subject).items())
            return dict(cases[3 :: max(1, len(cases) // 4)])

        assert checked_download(fuzz, name, some)["refused"] > 0


@pytest.mark.parametrize(
    "name",
    [
        "imagenet_pickles",
        "mnist",
        "mnist_gz",
        "cifar100_tar",
        "imagenet_zip",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("cifar10_python", "cifar100_python", "cifar10_tar_gz")
        ),
    ],
)
def test_downloads_made_to_do_harm_are_refused(fuzz, name):
    counts = checked_download(fuzz, name, lambda subject: subject.attacks)
    assert counts["refused"] == counts["cases"] > 8


# ---------------------------------------------------------------- attacks


@pytest.mark.parametrize("kind", KINDS)
def test_attacks_do_no_harm(fuzz, attacks, kind):
    counts = counted(fuzz, kind, lambda subject: subject.attacks)
    harmless = len(attacks.HARMLESS) if kind == "keras" else 0
    assert counts["refused"] == counts["cases"] - harmless
    assert counts["equal"] == harmless


def attacked(attacks, tmp_path, name):
    """The file of an attack, alone in its folder, and the marker that must not be left."""
    folder, marker = tmp_path / "folder", tmp_path / "marker"
    folder.mkdir()
    npz = name in attacks.NPZ_ATTACKS
    path = folder / ("set.npz" if npz else "set.keras")
    (attacks.good_npz if npz else attacks.good_asset)(path)
    (attacks.NPZ_ATTACKS if npz else attacks.ASSET_ATTACKS)[name](path, marker)
    return path, marker


@pytest.mark.parametrize("name", ["objects as x_train", "objects as class_names"])
def test_the_traps_are_set(attacks, tmp_path, name):
    path, marker = attacked(attacks, tmp_path, name)
    with pytest.raises(ValueError, match="never unpickled"):
        datasets.load(path)
    assert not marker.exists()
    with np.load(path, allow_pickle=True) as archive:
        for file in archive[name.removeprefix("objects as ")]:
            file.close()
    assert marker.exists()


def test_no_module_is_imported(attacks, tmp_path, monkeypatch):
    path, marker = attacked(attacks, tmp_path, "import of a module")
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    (tmp_path / "imported_by_nobody.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="'imported_by_nobody'.* must not use"):
        keras_isa.load(path)
    assert not marker.exists()
    importlib.import_module("imported_by_nobody")
    assert marker.exists()


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".zip", ""])
def test_another_suffix_is_another_format(attacks, tmp_path, suffix):
    path, _ = attacked(attacks, tmp_path, "hdf5 that is also a zip")
    other = path.rename(path.with_suffix(suffix))
    with pytest.raises(ValueError, match="`path` must end in .keras. Received: path=.*set"):
        keras_isa.load(other)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("name above", r"unexpected '\.\./marker'"),
        ("a member twice", "'config.json' twice"),
        ("compressed zeros", "compressed"),
        ("overlapping members", "overlap"),
        ("external link", "'vars/images' is a link"),
        ("virtual array", "'vars/images' is not stored as it is"),
        ("nothing stored", "'vars/images' is not stored whole"),
        ("not a number", "'vars/labels' holds values that are not finite"),
        ("many classes", "no labels for 1000000000000 classes"),
        ("unknown setting", "unknown setting 'activity_regularizer'"),
    ],
)
def test_what_is_wrong_is_said(attacks, tmp_path, name, message):
    path, _ = attacked(attacks, tmp_path, name)
    with pytest.raises(ValueError, match=f"{message}.*download or save it again. Received: path="):
        keras_isa.load(path)


def test_a_newer_format_names_the_file(attacks, tmp_path):
    path = tmp_path / "set.keras"
    attacks.good_asset(path)
    attacks.setting(format_version=99)(path, tmp_path)
    with pytest.raises(ValueError, match="version 99.* upgrade keras_isa.* Received: path=.*set"):
        keras_isa.load(path)


# ---------------------------------------------------------------- what must go on working


@keras.saving.register_keras_serializable(package="hostile_files")
class Halved(keras.layers.Layer):
    """A user's layer with a layer of Keras, an array in its settings, a weight and a file."""

    def __init__(self, inner=None, offset=None, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner or keras.layers.Rescaling(0.5)
        self.offset = np.zeros(2, "float32") if offset is None else offset
        self.gain = self.add_weight(shape=(3,), initializer="ones", name="gain")
        self.note = ""
        self.built = True

    def call(self, images):
        return self.inner(keras.ops.cast(images, "float32"))

    def inverse(self, images):
        return images * 2.0

    def save_assets(self, folder):
        (Path(folder) / "note.txt").write_text(self.note)

    def load_assets(self, folder):
        self.note = (Path(folder) / "note.txt").read_text()

    def get_config(self):
        parts = {"inner": self.inner, "offset": self.offset}
        saved = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **saved}

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name))
            for name in ("inner", "offset")
        }
        return cls(**parts, **config)


def saved_with_own_layer(path):
    layer = Halved(offset=np.arange(2, dtype="float32"))
    layer.gain.assign([1.0, 2.0, np.inf])
    layer.note = "hello"
    x = np.arange(16, dtype="float32").reshape(4, 2, 2, 1)
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(4) % 2, 1, preprocessing=layer)
    distilled.save(path)
    return distilled


def test_a_layer_of_the_user_is_loaded(tmp_path):
    distilled = saved_with_own_layer(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    for space in ("model", "pixels"):
        np.testing.assert_array_equal(loaded.to_numpy(space)[0], distilled.to_numpy(space)[0])
    assert loaded.preprocessing.note == "hello"
    np.testing.assert_array_equal(loaded.preprocessing.gain, [1.0, 2.0, np.inf])
    np.testing.assert_array_equal(loaded.preprocessing.offset, [0, 1])


def test_an_unknown_layer_of_the_user_is_named(tmp_path, monkeypatch):
    saved_with_own_layer(tmp_path / "set.keras")
    registry = keras.saving.get_custom_objects()
    monkeypatch.delitem(registry, "hostile_files>Halved")
    with pytest.raises(ValueError, match="'Halved'"):
        keras_isa.load(tmp_path / "set.keras")


@pytest.mark.parametrize("kind", ["standardize", "zca", "block_zca", None])
@pytest.mark.parametrize("counts", [1, (1, 3)])
def test_saved_sets_are_loaded(tmp_path, kind, counts):
    x = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 3)).astype("uint8")
    options = {"preprocessing": kind, "dtype": "mixed_bfloat16"} if counts == 1 else {}
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(12) % 2, counts, **options)
    distilled.save(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    for space in ("model", "pixels"):
        for one, other in zip(loaded.to_numpy(space), distilled.to_numpy(space), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [[6, 4], [4, 3], [12], [1, 4, 3], [4, 3, 1, 1], [4, -3], []])
def test_sequences_of_another_shape_are_refused(attacks, tmp_path, shape):
    x = np.random.default_rng(0).normal(size=(6, 3, 4)).astype("float32")
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(6) % 2, 1, axes="NTF")
    distilled.save(tmp_path / "set.keras")
    keras_isa.load(tmp_path / "set.keras")
    attacks.setting(image_shape=shape)(tmp_path / "set.keras", tmp_path)
    with pytest.raises(ValueError, match="download or save it again. Received: path="):
        keras_isa.load(tmp_path / "set.keras")


def test_a_layer_that_saw_no_images_is_loaded(tmp_path):
    layer = keras_isa.layers.ZCAWhitening()
    keras_isa.DistilledData((2, 2, 1), 2, 1, preprocessing=layer).save(tmp_path / "set.keras")
    assert not keras_isa.load(tmp_path / "set.keras").preprocessing.built


@pytest.mark.skipif(not _FORGET.exists(), reason="needs Linux to measure a peak")
def test_memory_is_a_few_times_the_file(tmp_path):
    path = tmp_path / "set.keras"
    images = np.zeros((2, 2000, 2500, 1), "float32")
    keras_isa.DistilledData.from_arrays(images, np.eye(2)).save(path)
    keras_isa.load(path)
    _FORGET.write_text("5")
    before = resident_bytes()
    keras_isa.load(path)
    assert peak_bytes() - before < 4 * os.path.getsize(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_isa.memory.available_bytes", lambda: images.nbytes)
        with pytest.raises(ValueError, match="needs 0.12 GB of memory .*Received: path="):
            keras_isa.load(path)
