"""A made-up preset, and data sets that have only a name, a shape and a size."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_isa.presets import preset_file

MADE_UP = """
[dataset]
image_shape = [4, 4, 3]
num_classes = 2
tfds = "made/up"
[all]
width = 8
recipe = { width = 4, warmup_steps = 2 }
[ipc.1]
steps = 101
recipe = { steps = 11 }
[ipc.10]
steps = 110
width = 16
[ipc.50]
steps = 150
recipe = { width = 6 }
"""
MADE_UP_CPU = """
[cpu.all]
width = 5
recipe = { width = 3 }
[cpu.ipc.1]
steps = 7
[cpu.ipc.10]
recipe = { steps = 12 }
"""


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """`shelf(text)` makes `text` the only preset, named "made_up"."""

    def put(text):
        folder = tmp_path / "frepo"
        folder.mkdir(exist_ok=True)
        (folder / "made_up.toml").write_text(text)
        monkeypatch.setattr(preset_file.resources, "files", lambda package: tmp_path)

    return put


@pytest.fixture
def made_up():
    """The text of a preset without a variant for CPUs."""
    return MADE_UP


@pytest.fixture
def made_up_cpu():
    """The text of a preset with one."""
    return MADE_UP + MADE_UP_CPU


@pytest.fixture
def images_for():
    """`images_for(shape, classes, per_class)` gives noisy images, brighter from class to class."""

    def make(shape, num_classes, per_class):
        rng = np.random.default_rng(0)
        y = np.arange(num_classes * per_class) % num_classes
        brightness = (128 * y / num_classes).astype("uint8").reshape(-1, *[1] * len(shape))
        return rng.integers(0, 128, (len(y), *shape), "uint8") + brightness, y

    return make


@pytest.fixture
def stub():
    """`stub(name, shape, classes)` has those facts of a data set by which settings are chosen."""

    class Stub(SimpleNamespace):
        def __len__(self):
            return self.size

    def make(name, image_shape, num_classes, size=50_000):
        return Stub(name=name, image_shape=image_shape, num_classes=num_classes, size=size)

    return make
