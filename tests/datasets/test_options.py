"""How a source is read: options that are checked once and refused where they mean nothing."""

import dataclasses

import pytest

from keras_isa import datasets
from keras_isa.datasets.options import Options


def test_options_are_checked_and_carried():
    options = Options(image_size=8, split=0.25, axes="NCHW", key="coarse")
    assert dataclasses.asdict(options) == {
        "data_dir": None,
        "download": False,
        "image_size": (8, 8),
        "axes": "NCHW",
        "split": 0.25,
        "key": "coarse",
        "task": "classification",
    }


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"split": 0}, ValueError, "`split` must be above 0 and below 1"),
        ({"split": 1}, ValueError, "`split` must be above 0 and below 1"),
        ({"split": "a"}, ValueError, "`split` must be above 0 and below 1"),
        ({"axes": "CHW"}, ValueError, "`axes` must be one of NHWC"),
        ({"key": 1}, TypeError, "`key` must be a string"),
        ({"download": 1}, TypeError, "`download`"),
        ({"data_dir": 1}, TypeError, "`data_dir`"),
        ({"image_size": -1}, ValueError, "`image_size`"),
    ],
)
def test_each_option_is_checked_by_itself(given, error, message):
    with pytest.raises(error, match=message):
        Options(**given)


@pytest.mark.parametrize("given", [{"axes": "NHW"}, {"split": 0.2}, {"key": "a"}])
def test_options_that_mean_nothing_for_a_source_are_refused(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"`{name}` must not be given unless .* source=digits"):
        datasets.load("digits", **given)
