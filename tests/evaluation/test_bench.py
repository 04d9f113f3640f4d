"""Sets that are trained on by one recipe and tested on the same images."""

import dataclasses

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.evaluation import Recipe, Students
from keras_isa.evaluation.bench import Bench, TestData, hard_recipe
from keras_isa.layers import ZCAWhitening

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=())


def bench_of(distilled, data, recipe=RECIPE, **options):
    _, test = data
    tested = TestData.of(distilled, test.x, test.y)
    return Bench(distilled, tested, recipe, **{"repeats": 2, "seed": 0, **options})


@pytest.mark.parametrize(
    ("loss", "hard"),
    [
        ("squared_error", "squared_error"),
        ("cross_entropy", "cross_entropy"),
        ("soft_cross_entropy", "cross_entropy"),
        ("logit_cross_entropy", "cross_entropy"),
    ],
)
def test_classes_take_no_loss_of_soft_labels(loss, hard):
    assert hard_recipe(Recipe(loss=loss)) == Recipe(loss=hard)


def test_networks_are_compiled_once_for_each_size_and_recipe(distilled, data):
    bench = bench_of(distilled, data)
    first = bench.students(6)
    assert bench.students(6) is first and bench.students(6, RECIPE) is first
    others = [
        bench.students(3),
        bench.students(6, dataclasses.replace(RECIPE, steps=3)),
        bench.students(6, repeats=1),
    ]
    assert len({id(one) for one in (first, *others)}) == 4


def test_diverged_networks_raise_or_count_as_wrong(distilled, data, monkeypatch):
    bench = bench_of(distilled, data)
    lost = np.array([[0.5, np.nan], [np.nan, 0.25]])
    monkeypatch.setattr(Students, "accuracies", lambda *_, **__: lost)
    with pytest.raises(RuntimeError, match="not finite"):
        bench.scores_of([bench.students(6)])
    scores = bench.scores_of([bench.students(6)], diverged=0.0)
    assert (scores.accuracies, scores.krr_accuracies) == ((0.5, 0.0), (0.0, 0.25))
    np.testing.assert_array_equal(bench.quick_scores(bench.students(6), bench.test), lost[0])


def test_several_groups_of_networks_are_one_score(distilled, data):
    bench = bench_of(distilled, data)
    images, labels = distilled.to_numpy()
    groups = []
    for seed in (0, 1):
        group = bench.students(6, repeats=seed + 1)
        group.train(images, labels, seed=seed)
        groups.append(group)
    scores = bench.scores_of(groups)
    assert len(scores.accuracies) == len(scores.krr_accuracies) == 3
    assert scores.accuracies[1:] == bench.scores_of(groups[1:]).accuracies


def test_more_than_five_classes_have_a_top_5(data):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(28, 3, 3, 1)), np.arange(28) % 7
    distilled = DistilledData.from_samples(x, y, 1)
    tested = TestData.of(distilled, x, y)
    bench = Bench(distilled, tested, RECIPE, repeats=2, seed=0)
    scores = bench.score("set", *distilled.to_numpy())
    assert len(scores.top5_accuracies) == 2
    assert all(
        five >= one for five, one in zip(scores.top5_accuracies, scores.accuracies, strict=True)
    )


def test_test_images_are_whitened_once(data):
    train, test = data
    layer = ZCAWhitening(0.1)
    layer.adapt(train.x)
    distilled = DistilledData.from_samples(train.x, train.y, 2, preprocessing=layer)
    found = TestData.of(distilled, test.x, test.y)
    assert found.preprocess is np.asarray
    np.testing.assert_array_equal(found.x, distilled.preprocess(test.x))
