"""Samples of downloads, and comparing what is read of them."""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from keras_isa import datasets


def _module(name):
    """A module beside this one, which the benchmarks read too."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"download_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples():
    """The module that writes small downloads of rows of numbers."""
    return _module("samples")


@pytest.fixture(scope="session")
def format_samples():
    """The module that writes small downloads and says what should be read of them."""
    return _module("format_samples")


@pytest.fixture
def check_read():
    """Loads a source and compares the images, the labels and the class names."""

    def check(source, expected, warns=None, **options):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train, test = datasets.load(source, **options)
        messages = [str(one.message) for one in caught]
        assert len(messages) == (warns is not None), messages
        assert warns is None or warns in messages[0]
        x_train, y_train, x_test, y_test, names = expected
        for part, x, y in ((train, x_train, y_train), (test, x_test, y_test)):
            np.testing.assert_array_equal(part.x, x)
            np.testing.assert_array_equal(part.y, y)
            assert part.x.dtype == np.uint8
        assert train.class_names == test.class_names == tuple(names)
        return train, test

    return check
