"""The record of a set that is trained further."""

import copy

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.card import card
from keras_isa.asset.public_record import without_folders
from keras_isa.asset.started_from import STARTED_FROM, begin_record, start_of
from keras_isa.layers import ZCAWhitening

MADE = {
    "method": "frepo",
    "dataset": "/home/jane/shades.npz",
    "command": "keras-isa distill /home/jane/shades.npz",
    "steps": 4,
    "curves": [{"epoch": 0}],
    "evaluation": {"accuracy_mean": 0.5},
    "hardest_samples": [],
}


def begun(record, **options):
    record = copy.deepcopy(record)
    begin_record(record, **options)
    return record


def test_a_made_set_keeps_how_it_was_made_but_what_is_long():
    kept = {name: MADE[name] for name in MADE if name not in ("curves", "hardest_samples")}
    assert begun(MADE) == {STARTED_FROM: kept}


@pytest.mark.parametrize("sign", ["method", "imported", "cut_from"])
def test_any_way_of_making_counts(sign):
    assert begun({sign: "x"}) == {STARTED_FROM: {sign: "x"}}


def test_every_start_is_kept():
    twice = begun({**begun(MADE), "method": "rcig"})
    assert twice[STARTED_FROM]["method"] == "rcig"
    assert twice[STARTED_FROM][STARTED_FROM]["method"] == "frepo"


def test_what_was_said_of_a_new_set_stays():
    assert begun({"command": "keras-isa distill", "screening": {}}) == {
        "command": "keras-isa distill",
        "screening": {},
    }


def test_scores_of_the_set_before_are_left_out_where_its_trainer_goes_on():
    found = begun(MADE, first=False)
    assert found == {n: MADE[n] for n in MADE if n not in ("evaluation", "hardest_samples")}


def test_what_is_published_names_no_folders_of_it():
    assert "jane" not in str(without_folders(begun(MADE)))


def test_sets_are_told_apart_by_what_they_hold():
    images, labels = np.ones((2, 4, 4, 1), "float32"), np.eye(2, dtype="float32")
    whitened = ZCAWhitening().adapt(np.random.default_rng(0).normal(size=(9, 4, 4, 1)))
    sets = [
        DistilledData((4, 4, 1), 2, 1),
        DistilledData.from_arrays(images, labels),
        DistilledData.from_arrays(2 * images, labels),
        DistilledData.from_arrays(images, labels[::-1]),
        DistilledData.from_arrays(images, labels, preprocessing=whitened),
    ]
    found = [start_of(one) for one in sets]
    assert found[0] == "real images" and len(set(found)) == len(sets)
    assert start_of(DistilledData.from_arrays(images, labels)) == found[1]


def test_an_address_on_the_hub_is_public():
    command = "keras-isa distill /home/jane/x.npz --start hf://user/repo/set.keras"
    found = without_folders({"command": command})["command"]
    assert found == "keras-isa distill x.npz --start hf://user/repo/set.keras"


def test_a_trained_set_tells_its_own_record():
    record = {**MADE, "imported": {"format": "rcig", "sha256": "ab"}}
    distilled = DistilledData((4, 4, 1), 2, 1, provenance=record)
    before = card(distilled, "user/set", "set.keras", "mit")
    assert "made by | others" in before
    begin_record(distilled.provenance)
    distilled.provenance |= {"method": "rcig", "steps": 7}
    text = card(distilled, "user/set", "set.keras", "mit")
    assert "made by | others" not in text
    making = text.partition("## How it was made")[2].partition("## Measured")[0]
    own, start = making.split("It started from another set, not from real images:")
    assert "| method | rcig |" in own and "| steps | 7 |" in own
    assert (
        "| method | frepo |" in start
        and "| imported format | rcig |" in start
        and "jane" not in start
    )
    assert "Nothing was measured for this card" in text
