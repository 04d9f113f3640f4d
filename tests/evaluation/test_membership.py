"""Attacks that tell members from others."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from keras_isa.evaluation import (
    ATTACKS,
    MembershipResult,
    Recipe,
    Students,
    attack_auc,
    membership_inference,
)
from keras_isa.evaluation.membership import auc_interval

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=())


def outputs(size, seed, sure=0.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, size)
    return rng.normal(size=(size, 4)) + sure * np.eye(4)[y], y


def test_nothing_is_found_where_there_is_nothing():
    """A model that has seen neither half says the same of both."""
    found = attack_auc(*outputs(2000, 0), *outputs(2000, 1))
    assert list(found) == list(ATTACKS)
    assert all(abs(area - 0.5) < 0.03 for area in found.values()), found


def test_what_gives_members_away_is_found():
    found = attack_auc(*outputs(400, 0, sure=2), *outputs(400, 1))
    assert all(area > 0.8 for area in found.values()), found


def test_threshold_is_the_area_of_the_loss():
    (members, y), (others, z) = outputs(50, 0, sure=1), outputs(70, 1)
    found = attack_auc(members, y, others, z, attacks=["threshold"])["threshold"]
    logits, classes = np.concatenate([members, others]), np.concatenate([y, z])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    likelihood = shares[np.arange(120), classes]
    assert found == pytest.approx(roc_auc_score(np.arange(120) < 50, likelihood))
    pairs = likelihood[:50, None] > likelihood[None, 50:]
    assert found == pytest.approx(pairs.mean())


def test_attacks_are_repeatable_and_checked():
    given = (*outputs(60, 0), *outputs(60, 1))
    assert attack_auc(*given, seed=3) == attack_auc(*given, seed=3)
    with pytest.raises(ValueError, match="`attacks` must name one or more of threshold"):
        attack_auc(*given, attacks=["guessing"])
    with pytest.raises(ValueError, match="`attacks` must name one or more of .* attacks=()"):
        attack_auc(*given, attacks=[])
    logits, y = given[:2]
    for wrong, error, message in (
        ((logits[:9], y[:9]), ValueError, "`member_logits` must hold 10 images or more.*: 9"),
        ((logits, y[:-1]), ValueError, "`member_labels` must hold a class from 0 to 3 for each"),
        ((logits, y - 1), ValueError, "`member_labels` .* values from -1 to 2"),
        ((logits, y + 1), ValueError, "`member_labels` .* values from 1 to 4"),
        ((logits, y * 1.0), TypeError, "`member_labels` must be class numbers"),
        ((logits, np.eye(4, dtype=int)[y]), ValueError, r"`member_labels` .* shape=\(60, 4\)"),
        ((logits[:, 0], y), ValueError, r"`member_logits` must be finite numbers \(N, C\)"),
        ((logits * np.nan, y), ValueError, "`member_logits` must be finite"),
        ((logits[:, :3], y % 3), ValueError, "must have the same classes"),
        ((None, y), ValueError, "`member_logits` must be finite numbers"),
    ):
        with pytest.raises(error, match=message):
            attack_auc(*wrong, *given[2:])


def test_few_images_are_enough():
    found = attack_auc(*outputs(10, 0, sure=3), *outputs(10, 1))
    assert set(found) == set(ATTACKS)


def test_interval_holds_the_area_as_often_as_it_says():
    """Normal scores a distance apart have a known area."""
    rng, apart = np.random.default_rng(0), 1.0
    truth = 0.7602499  # of the normal distribution at 1 / sqrt(2)
    inside = []
    for _ in range(400):
        members, others = rng.normal(apart, 1, 60), rng.normal(0, 1, 80)
        area = np.mean(members[:, None] > others[None])
        low, high = auc_interval(area, 60, 80)
        inside.append(low <= truth <= high)
    assert 0.92 < np.mean(inside) < 0.98
    assert auc_interval(1.0, 10, 10) == (1.0, 1.0)


def test_networks_on_a_set_and_on_its_images(distilled, data, monkeypatch):
    train, test = data
    monkeypatch.setattr(Students, "train", lambda *_, **__: None)
    sizes = []

    def logits(students, x, preprocess):
        rng = np.random.default_rng(len(sizes))
        sizes.append(len(x))
        return rng.normal(size=(students.repeats, len(x), 3))

    monkeypatch.setattr(Students, "logits", logits)
    options = {"recipe": RECIPE, "attacks": ["threshold"], "repeats": 2}
    result = membership_inference(distilled, train, test, **options)
    assert set(sizes) == {19}  # as many members as others
    assert {kind: len(areas["threshold"]) for kind, areas in result.areas.items()} == {
        "distilled": 2,
        "real": 2,
    }
    assert "no proof of privacy" in str(result)
    values = json.loads(json.dumps(result.to_dict()))
    low, high = values["real"]["threshold"]["interval"]
    assert low < values["real"]["threshold"]["auc"] < high


def test_table_of_areas():
    areas = {"distilled": {"mlp": (0.5, 0.6)}, "real": {"mlp": (0.9, 0.9)}}
    lines = str(MembershipResult(areas, 100, 100)).splitlines()
    assert lines[1].startswith("mlp") and "0.550 (0.470 to 0.630)" in lines[1]


def test_wrong_arguments_are_refused_before_training(distilled, data, monkeypatch):
    train, test = data
    monkeypatch.setattr(Students, "train", None)
    few = test.x[:9], test.y[:9]
    for error, match, given in (
        (TypeError, "`distilled` must be", (None, train, test)),
        (ValueError, "`others` must hold 10 images or more.*: 9", (distilled, train, few)),
        (ValueError, "`members` must hold 10 images or more.*: 9", (distilled, few, test)),
    ):
        with pytest.raises(error, match=match):
            membership_inference(*given)
    for attacks in ([], ["guessing"]):
        with pytest.raises(ValueError, match="`attacks` must name one or more"):
            membership_inference(distilled, train, test, attacks=attacks)
