"""Values of options, read from text."""

import pytest

from keras_isa.cli.options import mean_count, parse_ipc, parse_space
from keras_isa.presets import Settings


@pytest.mark.parametrize(
    ("text", "wanted", "mean"),
    [
        ("10", 10, 10),
        (" 3 ", 3, 3),
        ("proportional", "proportional", 10),
        ("proportional:4", "proportional:4", 4),
        ("cat=1,dog=2", {"cat": 1, "dog": 2}, 2),
        ('"a, b"=1,"c=d"=3', {"a, b": 1, "c=d": 3}, 2),
    ],
)
def test_images_per_class(text, wanted, mean):
    assert parse_ipc(text) == wanted
    assert mean_count(wanted) == mean


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "all", "proportional:0", "a=1,a=2", "a=x", ""])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="^--ipc must be .*Received: "):
        parse_ipc(text)


def test_spaces():
    words = ["regularization=1e-6:1e-2", "isa-interval=0:0.5,-1:0", "pool_size=2,5"]
    assert parse_space([*words, "learn_labels=true,false", "pairing"], Settings) == {
        "regularization": (1e-6, 1e-2),
        "isa_interval": [(0, 0.5), (-1, 0)],
        "pool_size": [2, 5],
        "learn_labels": [True, False],
        "pairing": None,
    }
    # A setting that is a pair itself gets a value, not a range.
    assert parse_space(["isa_interval=0:1"], Settings) == {"isa_interval": [(0, 1)]}
    assert parse_space([], Settings) is None


@pytest.mark.parametrize(
    "words", [["=1:2"], ["a="], ["a", "a=1"], ["a=1:2:3"], ["a=1:b"]], ids=" ".join
)
def test_other_words_are_refused(words):
    with pytest.raises(ValueError, match="^--space.* Received: "):
        parse_space(words, Settings)
