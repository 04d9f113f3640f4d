"""Classes that come in steps."""

import json

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.datasets import train_test_from_arrays
from keras_isa.evaluation import ClassIncremental, Recipe, Students, distilled_memory, random_memory
from keras_isa.evaluation.continual_learning import class_order

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=())


@pytest.fixture(scope="module")
def parts():
    """Six classes of 4x4 images, each with a mean of its own."""
    rng = np.random.default_rng(0)
    means = 60 * rng.normal(size=(6, 4, 4, 1))

    def part(size):
        y = np.arange(size) % 6
        return means[y] + 20 * rng.normal(size=(size, 4, 4, 1)), y

    return train_test_from_arrays(*part(60), *part(24), class_names=tuple("abcdef"))


def test_the_order_is_that_of_the_published_experiments():
    expected = np.random.RandomState(3).permutation(100)
    assert class_order(100, 3) == tuple(expected.tolist())
    # The first classes of the order of seed 0 over 100 classes.
    assert class_order(100, 0)[:5] == (26, 86, 2, 55, 75)


def test_each_step_has_its_classes_and_tests_on_all_so_far(parts, monkeypatch):
    train, test = parts
    learning = ClassIncremental(train, test, steps=3, recipe=RECIPE, repeats=2)
    given, seen, tested = [], [], []
    memory = random_memory(2)

    def noted(part, seed):
        given.append((part.class_names, len(part), seed))
        return memory(part, seed)

    monkeypatch.setattr(
        Students, "train", lambda self, images, labels, seed=0: seen.append((images, labels))
    )

    def accuracies(self, x, y, preprocess, ridge):
        tested.append(sorted(set(y.tolist())))
        return np.full((2, 2), len(tested) / 10)

    monkeypatch.setattr(Students, "accuracies", accuracies)
    result = learning.run(noted, order=1, seed=5)
    order = class_order(6, 1)
    names = [tuple(train.class_names[k] for k in order[i : i + 2]) for i in (0, 2, 4)]
    assert given == [(pair, 20, 5) for pair in names]
    assert [len(images) for images, _ in seen] == [4, 8, 12]
    assert tested == [sorted(order[:2]), sorted(order[:4]), list(range(6))]
    assert result.classes == (2, 4, 6) and result.order == order
    assert result.final == pytest.approx(0.3)
    assert json.loads(json.dumps(result.to_dict()))["accuracies"][1] == [0.2, 0.2]
    assert [row.argmax() for row in seen[0][1]] == [order[0]] * 2 + [order[1]] * 2


def test_networks_of_a_size_are_compiled_once(parts):
    train, test = parts
    learning = ClassIncremental(train, test, steps=3, recipe=RECIPE, repeats=1)
    learning.run(random_memory(1))
    made = dict(learning._students)
    learning.run(random_memory(1), order=1)
    assert learning._students == made and sorted(made) == [2, 4, 6]


def test_a_memory_that_distils(parts):
    train, _ = parts
    part = train.select_classes(["d", "b"])
    options = {"width": 4, "depth": 1, "steps": 4, "epochs": 2, "pool_size": 2, "batch_size": 8}
    distilled = distilled_memory(1, **options)(part, 3)
    assert isinstance(distilled, DistilledData) and distilled.class_names == ("d", "b")
    assert distilled.provenance["steps"] == 4 and distilled.provenance["seed"] == 3


def test_a_step_of_one_class_is_refused(parts):
    train, test = parts
    with pytest.raises(ValueError, match="`steps` must leave two classes or more"):
        ClassIncremental(train, test, steps=4)
    with pytest.raises(TypeError, match="`train` must be"):
        ClassIncremental((train.x, train.y), test)
    with pytest.raises(ValueError, match="`test` must have the classes of `train`.*: 3 of 6"):
        ClassIncremental(train, test.select_classes(["a", "b", "c"]), steps=2)


def test_wrong_memories_are_refused_at_once(parts):
    train, test = parts
    for make in (random_memory, distilled_memory):
        with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
            make(0)
    with pytest.raises(TypeError, match="`method` must be a class of a trainer"):
        distilled_memory(1, method="frepo")
    with pytest.raises(ValueError, match="`changes` must have keys out of .*: colour"):
        distilled_memory(1, colour=1)
    learning = ClassIncremental(train, test, steps=2, recipe=RECIPE, repeats=1)
    with pytest.raises(TypeError, match="`memory` must be a function"):
        learning.run(None)
    with pytest.raises(ValueError, match="`order` must be"):
        learning.run(random_memory(1), order=[0, 1])
