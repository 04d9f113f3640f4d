"""Runs the examples as a newcomer runs them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_isa

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the examples."""
    if not EXAMPLES.is_dir():
        pytest.skip("needs the folder examples beside the tests")
    return EXAMPLES


@pytest.fixture
def environment(users_environment) -> dict[str, str]:
    """What a process needs to use the package under test, without the settings of this one."""
    users_environment.pop("KERAS_BACKEND")
    return {**users_environment, "PYTHONPATH": str(Path(keras_isa.__file__).parents[1])}


@pytest.fixture
def start(examples, environment, tmp_path):
    """`start(script, *arguments)` runs an example in a folder of its own."""

    def run(script, *arguments):
        return subprocess.run(
            [sys.executable, str(examples / script), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=900,
        )

    return run


@pytest.fixture
def run(start):
    """The same for a run that has to succeed; returns what it printed."""

    def run(script, *arguments):
        done = start(script, *arguments)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.fixture(scope="session")
def ten_images(digits, tmp_path_factory) -> Path:
    """A file like a distilled set of the digits; its images are real ones."""
    train, _ = digits
    chosen = keras_isa.DistilledData.from_samples(
        train.x, train.y, images_per_class=1, provenance={"dataset": "digits"}
    )
    path = tmp_path_factory.mktemp("sets") / "digits_ipc1.keras"
    chosen.save(path)
    return path


@pytest.fixture
def picture(tmp_path):
    """`picture(name)` reads a picture that an example wrote; it has to show something."""

    def read(name):
        from PIL import Image

        with Image.open(tmp_path / name) as image:
            assert image.format == "PNG"
            pixels = np.asarray(image.convert("L"), float)
        assert min(pixels.shape) > 200
        # Ten tiles or a few hundred marks, not a blank sheet.
        assert 0.02 < np.mean(pixels < 128) < 0.98
        return pixels

    return read
