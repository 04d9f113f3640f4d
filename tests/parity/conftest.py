"""These tests run on whatever backend is active, within limits of time that suit all three."""

import importlib.util
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "benchmarks" / "_reference.py"


@pytest.fixture(scope="session")
def reference():
    """The step in float64 NumPy, as `benchmarks/backends.py` has it."""
    if not REFERENCE.is_file():
        pytest.skip("needs the folder benchmarks beside the tests")
    spec = importlib.util.spec_from_file_location("reference", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
