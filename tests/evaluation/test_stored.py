"""The recipe and predictor in an asset, also in one of an earlier version."""

from pathlib import Path

import keras
import pytest

import keras_isa
from keras_isa import DistilledData
from keras_isa.evaluation import Recipe
from keras_isa.evaluation.stored import stored_predictor, stored_recipe

# Made by keras_isa 0.1.0 at commit 71583d4.
OLD = Path(__file__).resolve().parents[1] / "assets" / "digits_0_1_0.keras"


def test_a_set_of_an_earlier_version_is_evaluated_as_before(digits):
    distilled = keras_isa.load(OLD)
    assert "predictor" not in distilled.recipe
    assert stored_predictor(distilled) == {"regularization": 0.001, "flip": False}
    assert stored_recipe(distilled) == Recipe(width=8, steps=30, warmup_steps=5)
    scores = keras_isa.evaluate(distilled, keras_isa.datasets.load("digits")[1], repeats=2)
    if keras.backend.backend() != "jax":  # which draws other networks
        return
    # The accuracies are those of that version; a few of 360 images may be undecided.
    assert scores.distilled.krr_accuracies == pytest.approx((0.5139, 0.4722), abs=0.012)
    assert scores.distilled.accuracies == pytest.approx((0.2333, 0.0417), abs=0.012)


def test_what_is_stored_counts_and_is_checked():
    distilled = DistilledData((8, 8, 1), 10, 1)
    distilled.provenance["regularization"] = 0.5
    distilled.recipe["predictor"] = {"regularization": 0.25, "flip": True}
    assert stored_predictor(distilled) == {"regularization": 0.25, "flip": True}
    distilled.recipe["predictor"] = {"kind": "a network", "width": 4}
    assert stored_predictor(distilled) == {"regularization": 1e-6, "flip": False}
    for bad in ({"ridge": 1}, {"regularization": -1}, {"flip": 1}, 3):
        distilled.recipe["predictor"] = bad
        with pytest.raises((TypeError, ValueError), match="`(predictor|regularization|flip)` must"):
            stored_predictor(distilled)
