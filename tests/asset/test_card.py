"""The card says what the file records and what was measured, and nothing else."""

import json
import re

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.card import card, check_licence

SCORES = dict.fromkeys(("accuracy_mean", "krr_accuracy_mean"), 0.5)
REPORT = {**SCORES, "accuracy_std": 0.0, "krr_accuracy_std": 0.0, "repeats": 3, "baselines": {}}


def made(**options):
    provenance = {
        "method": "frepo",
        "dataset": "/home/jane/shades.npz",
        "seed": 7,
        "steps": 123,
        "settings": {"pool_size": 10, "flip": False, "depth": None, "recipe": {"width": 99}},
        "selection": {"by": "val_accuracy", "val_accuracy": 0.75},
        "versions": {"keras": "3.15.1", "backend": "jax"},
        "load_options": {"data_dir": "/home/jane/data"},
    }
    options = {"class_names": ("cat", "dog"), "provenance": provenance, **options}
    return DistilledData((4, 4, 1), 2, options.pop("images_per_class", 2), **options)


def header(text):
    """The front matter, read as far as this card goes: names, and JSON or a word."""
    lines = text.split("---\n")[1].splitlines()
    pairs = [line.split(": ", 1) for line in lines]
    return {k: json.loads(v) if v[0] in '["' else v for k, v in pairs}


def test_what_it_says():
    text = card(
        made(recipe={"steps": 300, "predictor": {"kind": "x"}}), "u/r", "s.keras", "CC0-1.0"
    )
    assert header(text) == {
        "license": "cc0-1.0",
        "pretty_name": "shades.npz, distilled to 4 images",
        "tags": ["dataset-distillation", "dataset-condensation", "keras", "keras_isa"],
        "task_categories": ["image-classification"],
        "size_categories": ["n<1K"],
        "viewer": "false",
    }
    for row in (
        "| method | frepo |",
        "| seed | 7 |",
        "| steps | 123 |",
        "| pool_size | 10 |",
        "| flip | no |",
        "| depth | none |",
        "| val_accuracy | 0.75 |",
        "| steps | 300 |",
        "| images per class | 2 |",
        "| parametrisation | identity |",
        "| stored bytes of images and labels | 288 |",
        "| data set | shades.npz |",
    ):
        assert f"\n{row}\n" in text, row
    assert "keras 3.15.1, backend jax" in text and "`cat`, `dog`" in text
    assert 'keras_isa.load("hf://u/r/s.keras")' in text and "s.png" not in text
    assert "jane" not in text and "99" not in text
    assert "![The distilled images](s.png)" in card(
        made(), "u/r", "s.keras", "mit", picture="s.png"
    )


def test_numbers_are_those_of_a_report_only():
    bare = card(made(), "u/r", "s.keras", "mit")
    assert "Nothing was measured" in bare and "±" not in bare and "default one" in bare
    text = card(made(), "u/r", "s.keras", "mit", report=REPORT)
    assert "over 3 networks" in text and "| **distilled** | 50.0 ± 0.0 | 50.0 ± 0.0 |" in text
    assert "1 network " in card(made(), "u/r", "s.keras", "mit", report={**REPORT, "repeats": 1})


def test_counts_that_differ_and_sets_without_a_record():
    text = card(made(images_per_class=(1, 3), provenance=None), "u/r", "s.keras", "mit")
    assert "`cat` 1, `dog` 3." in text and "see below" in text
    assert "no record" in text and "| data set | not recorded |" in text


def test_a_parametrisation_is_named_with_its_cost():
    text = card(made(parametrization="multi_formation:2"), "u/r", "s.keras", "mit")
    assert "| parametrisation | multi_formation:2 |" in text
    assert "| images per class | 8 |" in text and "real images per class in a comparison" in text


@pytest.mark.parametrize("shape", [(7,), (5, 2)])
def test_other_kinds_of_data(shape):
    text = card(DistilledData(shape, 2, 1), "u/r", "s.keras", "mit")
    assert ("task_categories" in text) == (len(shape) == 1)
    assert "image" not in header(text)["pretty_name"]


def test_texts_of_a_stranger_stay_texts():
    names = ("a|b`c", "<script>\u202e", "[x](y)\n# z")
    provenance = {
        "dataset": 'a"\n---\nlicense: x',
        "method": "<b>|\n",
        "settings": {"__a__": "*b*"},
    }
    distilled = DistilledData((4, 4, 1), 3, 1, class_names=names[:3], provenance=provenance)
    text = card(distilled, "u/r", "s.keras", "mit")
    assert header(text)["license"] == "mit" and text.count("\nlicense:") == 1
    assert r"a\|b\`c" in text and "\u202e" not in text and "\n# z" not in text
    assert r"| method | \<b\>\| |" in text and r"| \_\_a\_\_ | \*b\* |" in text


def test_many_classes_are_not_all_named():
    distilled = DistilledData((2, 2, 1), 300, 1)
    text = card(distilled, "u/r", "s.keras", "mit")
    assert "`199`, and 100 more." in text and "`200`" not in text


@pytest.mark.parametrize("licence", ["", "mit\nx", "a b", 'm"it', "x" * 65, "-a"])
def test_licences(licence):
    with pytest.raises(ValueError, match="`licence` must be an identifier"):
        check_licence(licence)
    with pytest.raises(TypeError, match="`licence`"):
        card(made(), "u/r", "s.keras", 3)
    assert "license: FILL-IN" in card(made(), "u/r", "s.keras", None)


def test_it_is_yaml():
    yaml = pytest.importorskip("yaml")
    text = card(made(provenance={"dataset": "na\u00efve: 'set' #1"}), "u/r", "s.keras", "mit")
    front = yaml.safe_load(re.fullmatch(r"---\n(.*?)\n---\n.*", text, re.DOTALL)[1])
    assert front["pretty_name"] == "na\u00efve: 'set' #1, distilled to 4 images"
    assert front["viewer"] is False and np.ndim(front["tags"]) == 1


def test_a_set_for_regression_has_no_card():
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    distilled = DistilledData.from_samples(x, x[:, :2], 6, task="regression")
    with pytest.raises(ValueError, match="`distilled` must have classes"):
        card(distilled, "u/r", "s.keras", "mit")


def test_a_cut_set_says_whose_record_it_has():
    text = card(made(images_per_class=5).first(2), "u/r", "s.keras", "mit")
    assert "| images per class | 2 |" in text
    assert "the first part of one with 5 images per class. Method, score and settings are" in text
    assert text.index("the first part of one") < text.index("What chose the set")
    assert "the first part of one" not in card(made(), "u/r", "s.keras", "mit")


def test_images_that_follow_and_those_that_are_stored_are_both_counted():
    text = card(made(parametrization="multi_formation:2"), "u/r", "s.keras", "mit")
    assert "| images per class | 8 |\n| stored images per class | 2 |" in text
    assert "stored images per class" not in card(made(), "u/r", "s.keras", "mit")
