"""Versions of the file format."""

import json
import zipfile

import keras
import pytest

from keras_isa import DistilledData


def edited(path, change):
    """The archive at `path` with a changed layer configuration."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    change(config["config"])
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("version", "message"),
    [(4, "version 4.*upgrade keras_isa"), (None, "damaged"), ("1", "damaged"), (0, "version 0")],
)
def test_unknown_format_versions_are_refused(pixels, tmp_path, version, message):
    path = tmp_path / "set.keras"
    DistilledData.from_samples(*pixels, 1).save(path)
    edited(path, lambda config: config.update(format_version=1))
    assert keras.saving.load_model(path).num_classes == 4  # the edit itself does no harm
    edited(path, lambda config: config.update(format_version=version))
    with pytest.raises(ValueError, match=message):
        keras.saving.load_model(path)
