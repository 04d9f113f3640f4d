"""What the tests of distilled sets and of their files share."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def pixels():
    """Images `(24, 4, 5, 3)` uint8, every one different, and their classes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (24, 4, 5, 3)).astype("uint8"), np.arange(24) % 4


@pytest.fixture(scope="session")
def fuzz():
    """The script that makes bad files and reads them."""
    if not BENCHMARKS.is_dir():
        pytest.skip("needs the folder benchmarks beside the tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        return importlib.import_module("fuzz_files")


@pytest.fixture(scope="session")
def attacks(fuzz):
    return fuzz._attacks


@pytest.fixture
def attacked(attacks, tmp_path):
    """Makes the file of an attack, alone in its folder, and says which marker must not be left."""

    def make(name):
        folder, marker = tmp_path / "folder", tmp_path / "marker"
        folder.mkdir()
        npz = name in attacks.NPZ_ATTACKS
        path = folder / ("set.npz" if npz else "set.keras")
        (attacks.good_npz if npz else attacks.good_asset)(path)
        (attacks.NPZ_ATTACKS if npz else attacks.ASSET_ATTACKS)[name](path, marker)
        return path, marker

    return make
