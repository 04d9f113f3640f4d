"""Settings and fixtures that every test shares."""

import os

# Keras reads its backend once, when it is first imported: this must come before any test module.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs the folder shared/{name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The folder of reference numbers computed by the authors' own code."""
    return _shared_folder("golden")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real image sets (MNIST, Fashion-MNIST, CIFAR-10)."""
    return _shared_folder("data")


@pytest.fixture
def compile_fast(request):
    """XLA optimises little, for tests that compile for longer than they run; slow ones get all."""
    import jax

    option = "jax_disable_most_optimizations"
    before = jax.config.read(option)
    jax.config.update(option, before or request.node.get_closest_marker("slow") is None)
    yield
    jax.config.update(option, before)


@pytest.fixture(scope="session")
def digits():
    """The digits as `(train, test)` datasets."""
    from keras_isa import datasets

    return datasets.load("digits")
