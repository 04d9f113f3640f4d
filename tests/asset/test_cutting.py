"""Smaller sets that are cut from a set."""

import numpy as np
import pytest

import keras_isa
from keras_isa.asset.cutting import cut, kept_counts
from keras_isa.inputs.arrays import to_numpy

COUNTS, KEPT = (4, 5, 4, 6), (1, 2, 1, 2)


def a_set(text="identity", **options):
    """A set whose stored values are nothing that real images would give."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (200, 8, 8, 1)).astype("uint8"), np.arange(200) % 4
    distilled = keras_isa.DistilledData.from_samples(x, y, COUNTS, parametrization=text, **options)
    for variable in distilled.stored.values():
        noise = rng.normal(scale=0.3, size=variable.shape)
        variable.assign(to_numpy(variable) + noise.astype("float32"))
    return distilled


FORMS = {
    "identity": "identity",
    "quantized:3": "quantized:3",
    "multi_formation:2": "multi_formation:2",
    "multi_formation:2:shared+quantized:4": "multi_formation:2:shared+quantized:4",
    "bases:3:2": "bases:3:2",
    "bases:6+quantized:8": "bases:6+quantized:8",
    "bases:9": "bases:6",
    "bases:9:2": "bases:6:2",
}


@pytest.mark.parametrize("text", FORMS)
def test_the_first_images_of_each_class_are_as_they_were(text, tmp_path):
    whole = a_set(text)
    first = cut(whole, KEPT)
    assert (first.class_counts, str(first.parametrization)) == (KEPT, FORMS[text])
    assert first.stored_bytes < whole.stored_bytes
    each = whole.row_counts[0] // COUNTS[0]
    starts = np.cumsum([0, *COUNTS[:-1]])
    rows = [
        np.arange(start * each, (start + k) * each) for start, k in zip(starts, KEPT, strict=True)
    ]
    first.save(tmp_path / "first.keras")
    for found in (first, keras_isa.load(tmp_path / "first.keras")):
        for before, after in zip(whole.to_numpy(), found.to_numpy(), strict=True):
            np.testing.assert_allclose(after, before[np.concatenate(rows)], atol=2e-6)


def test_everything_else_stays_with_a_note_of_what_it_was_cut_from():
    about = {"class_names": list("abcd"), "pixel_range": (0, 99), "learn_labels": False}
    whole = a_set(provenance={"seed": 3}, **about)
    first = whole.first(2)
    assert first.preprocessing is whole.preprocessing
    assert (first.class_names, first.pixel_range) == (tuple("abcd"), (0.0, 99.0))
    assert not first.stored["labels"].trainable
    note = {"seed": 3, "cut_from": list(COUNTS), "images_per_class": 2}
    assert first.provenance == note and whole.provenance == {"seed": 3}
    assert first.first(1).provenance == {**note, "images_per_class": 1}


@pytest.mark.parametrize(("given", "steps"), [(None, None), (50, 50)])
def test_steps_of_the_recipe_follow_the_number_of_images_where_they_did(given, steps):
    settings = keras_isa.presets.Settings(images_per_class=5, width=4, recipe={"steps": given})
    trainer = keras_isa.FRePoTrainer.from_settings(settings, keras_isa.DistilledData((8, 8), 4, 5))
    trainer.distilled.provenance.update(trainer.description())
    assert trainer.distilled.recipe["steps"] == given or 2000
    first = trainer.distilled.first(2)
    assert first.recipe == {**trainer.distilled.recipe, "steps": steps}
    taken = keras_isa.evaluation.stored.stored_recipe(first).steps_for(len(first.class_ids))
    assert taken == (given or 1000)
    strangers = a_set(recipe={"steps": 7}, provenance={"settings": "none"})
    assert strangers.first(1).recipe == {"steps": 7}


@pytest.mark.parametrize("count", [0, 5, 2.0, (1, 1, 1), (1, 1, 5, 1)])
def test_numbers_that_no_class_has_are_refused(count):
    with pytest.raises(ValueError, match="`count` must"):
        kept_counts(count, COUNTS)


def test_a_set_for_regression_keeps_its_task_and_units():
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    distilled = keras_isa.DistilledData.from_samples(x, 3 * x[:, :2] + 7, 6, task="regression")
    smaller = distilled.first(2)
    assert smaller.is_regression and smaller.target_units == distilled.target_units
    for part, whole in zip(smaller.to_numpy("pixels"), distilled.to_numpy("pixels"), strict=True):
        np.testing.assert_array_equal(part, whole[:2])
