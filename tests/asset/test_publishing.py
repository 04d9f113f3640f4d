"""The folder that is published."""

import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData
from keras_isa.asset.publishing import write_folder


@pytest.fixture
def make(tmp_path):
    def save(name="my set.keras", **provenance):
        x = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1)).astype("uint8")
        distilled = DistilledData.from_samples(x, np.arange(8) % 2, 1, provenance=provenance)
        distilled.save(tmp_path / name)
        return distilled, tmp_path / name

    return save


def test_the_file_is_copied_as_it_is(make, tmp_path):
    distilled, path = make(dataset="digits", seed=3)
    names = write_folder(distilled, path, tmp_path / "a" / "b", "u/r", "mit")
    assert names == ["my_set.keras", "my_set.png", "README.md"]
    assert sorted(one.name for one in (tmp_path / "a" / "b").iterdir()) == sorted(names)
    assert (tmp_path / "a" / "b" / names[0]).read_bytes() == path.read_bytes()
    text = (tmp_path / "a" / "b" / "README.md").read_text("utf-8")
    assert "hf://u/r/my_set.keras" in text and "](my_set.png)" in text
    assert write_folder(distilled, path, tmp_path / "a" / "b", "u/r", "mit") == names  # again


def test_paths_of_this_machine_are_not_published(make, tmp_path):
    distilled, path = make(dataset=str(tmp_path / "x.npz"), load_options={"data_dir": "/home/jane"})
    before = dict(distilled.provenance)
    write_folder(distilled, path, tmp_path / "out", "u/r", "mit")
    assert distilled.provenance == before
    published = keras_isa.load(tmp_path / "out" / "my_set.keras")
    assert published.provenance == {"dataset": "x.npz", "load_options": {}}
    for one, two in zip(published.to_numpy("pixels"), distilled.to_numpy("pixels"), strict=True):
        np.testing.assert_array_equal(one, two)
    for one in (tmp_path / "out").iterdir():
        content = one.read_bytes()
        assert b"jane" not in content and str(tmp_path).encode() not in content


def test_a_folder_with_other_files_is_refused(make, tmp_path):
    distilled, path = make()
    with pytest.raises(ValueError, match="`folder` must be new .*holds my set.keras"):
        write_folder(distilled, path, tmp_path, "u/r", "mit")
    own, path = make("set.keras")
    (tmp_path / "my set.keras").unlink()
    with pytest.raises(ValueError, match="`folder` must not be that of the set itself"):
        write_folder(own, path, tmp_path, "u/r", "mit")
    with pytest.raises(ValueError, match="`repo`"):
        write_folder(distilled, path, tmp_path / "new", "u", "mit")
    with pytest.raises(ValueError, match="`licence`"):
        write_folder(distilled, path, tmp_path / "new", "u/r", "")
    with pytest.raises(TypeError, match="`source`"):
        write_folder(distilled, 3, tmp_path / "new", "u/r", "mit")
    assert [one.name for one in tmp_path.iterdir()] == ["set.keras"]


def test_the_file_must_be_that_of_the_set(make, tmp_path):
    distilled, path = make()
    other = DistilledData((4, 4, 1), 2, 1)
    with pytest.raises(ValueError, match="`source` must be the file of `distilled`.*another set"):
        write_folder(other, path, tmp_path / "new", "u/r", "mit")
    with pytest.raises(TypeError, match="`distilled` must be a DistilledData. Received: int"):
        write_folder(5, path, tmp_path / "new", "u/r", "mit")
    with pytest.raises(ValueError, match="there is none. Received: path=none.keras"):
        write_folder(distilled, "none.keras", tmp_path / "new", "u/r", "mit")
    assert not (tmp_path / "new").exists()
