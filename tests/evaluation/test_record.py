"""Evaluations that a file records, run again."""

import json

import pytest

import keras_isa
from keras_isa.evaluation import Recipe, Students, reproduced

RECIPE = Recipe(width=2, depth=1, steps=3, warmup_steps=1, augmentation=())


@pytest.fixture
def recorded(distilled, data, tmp_path):
    """`recorded(**options)` evaluates a set and gives it back from a file with its record."""
    train, test = data

    def make(**options):
        result = keras_isa.evaluate(
            distilled, test, **{"recipe": RECIPE, "repeats": 2, "train": train, **options}
        )
        distilled.provenance["evaluation"] = result.to_dict()
        distilled.save(tmp_path / "set.keras")
        return keras_isa.load(tmp_path / "set.keras")

    return make


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 4, "baselines": ("kmeans",), "labels": "hard"},
        {"networks": ["mlp"], "baselines": ()},
        {"train": None},
    ],
    ids=["hard", "networks", "alone"],
)
def test_the_same_evaluation_gives_the_same(recorded, data, options):
    train, test = data
    distilled = recorded(**options)
    given = {} if options.get("train", True) is None else {"train": train}
    found = reproduced(distilled, test, **given)
    assert found.largest == 0 and "all means are the same" in str(found)
    assert found.same_test_images
    then, now = found.to_dict()["then"], found.to_dict()["now"]
    for result in (then, now):
        result.pop("seconds")
    assert then == json.loads(json.dumps(now))


def test_a_difference_is_shown(recorded, data):
    train, test = data
    distilled = recorded()
    then = distilled.provenance["evaluation"]
    then["accuracy_mean"] += 0.25
    then["device"] = "another one"
    found = reproduced(distilled, test, train)
    assert found.largest == pytest.approx(0.25)
    assert "-25.00" in str(found) and "recorded on another one" in str(found)
    assert "the same" not in str(found)


def test_what_cannot_be_run_again(recorded, data, network, distilled, monkeypatch):
    train, test = data
    with pytest.raises(ValueError, match="records no evaluation: .* --record"):
        reproduced(distilled, test)
    made = recorded()
    with pytest.raises(ValueError, match=r"has baselines \(random, kmeans\), which need"):
        reproduced(made, test)
    kept = made.provenance["evaluation"]
    damaged = [
        {**kept, "protocol": None},
        {**kept, "protocol": {**kept["protocol"], "recipe": [1]}},
        {**kept, "baselines": [1]},
        {**kept, "baselines": {"coreset": {}}},
        {**kept, "networks": {"resnet50": {}}},
        {**kept, "repeats": "many"},
        {**kept, "protocol": {**kept["protocol"], "seed": -1}},
        {**kept, "protocol": {**kept["protocol"], "recipe": {"colour": 1}}},
        {"protocol": kept["protocol"], "baselines": {}, "networks": {}, "repeats": 1},
        {**kept, "baselines": {"random": 5}},
        {**kept, "protocol": {**kept["protocol"], "recipe": {}}},
        {**kept, "networks": {"all": {}}},
        {**kept, "repeats": 10**30},
        {**kept, "accuracy_mean": 10**400},
    ]
    trained = []
    monkeypatch.setattr(Students, "train", lambda *_, **__: trained.append(1))
    for one in damaged:
        made.provenance["evaluation"] = one
        with pytest.raises((ValueError, TypeError)):
            reproduced(made, test, train)
    assert trained == []
    monkeypatch.undo()
    own = recorded(network=network, recipe=RECIPE)
    with pytest.raises(ValueError, match="a network of the user's own"):
        reproduced(own, test, train)


def test_other_test_images_are_named(recorded, data, tmp_path):
    train, test = data
    recorded(train=None)
    found = reproduced(tmp_path / "set.keras", (test.x[:9], test.y[:9]))
    assert not found.same_test_images
    assert "the test images are other ones than those recorded" in str(found)
