"""The programs of a card run, for every kind of data."""

import importlib.util

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.card_code import programs

SHAPES = {"images": (5, 4, 3), "sequences": (6, 2), "features": (7,)}


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("library", ["Keras", "PyTorch", "scikit-learn"])
def test_they_run(tmp_path, capsys, kind, library):
    if library == "PyTorch" and importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (8, *SHAPES[kind])).astype("float32")
    options = {"class_names": ("cat", "dog"), "axes": "NTF" if kind == "sequences" else None}
    distilled = DistilledData.from_samples(x, np.arange(8) % 2, (1, 2), **options)
    distilled.save(tmp_path / "set.keras")
    program = programs(distilled, str(tmp_path / "set.keras"))[library]
    for many, few in (("epochs=500", "epochs=1"), ("range(500)", "range(1)")):
        program = program.replace(many, few)
    assert "500" not in program
    exec(compile(program, library, "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert printed.count("cat") + printed.count("dog") == 3
