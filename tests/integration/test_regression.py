"""Sets for regression on real data: better than as many real rows, for networks and for KRR."""

import numpy as np
import pytest
from scipy.ndimage import rotate
from sklearn import datasets as sklearn_sets
from sklearn.model_selection import train_test_split

import keras_isa
from keras_isa import FRePoTrainer, presets
from keras_isa.datasets import Dataset


def divided(x, y, seed=0):
    parts = train_test_split(x, y, test_size=0.25, random_state=seed)
    return [
        Dataset.from_arrays(parts[k], parts[k + 2], task="regression", split=split)
        for k, split in enumerate(("train", "test"))
    ]


def scores(train, test, rows, recipe=None, **changes):
    """R^2 by name: `(networks, KRR)` of the set and of both baselines."""
    settings = presets.settings_for(train, rows, accelerated=False)
    settings = settings.with_changes(recipe=recipe or {}, **changes)
    trainer = FRePoTrainer.for_data(train, settings)
    trainer.fit(train, validation_split=settings.validation_split, verbose=0)
    result = keras_isa.evaluate(trainer.distilled, test, train=train, repeats=3)
    return {
        name: (np.mean(one.r2), np.mean(one.krr_r2))
        for name, one in {"distilled": result.distilled, **result.baselines}.items()
    }


def rotated_digits():
    """Digits turned by known angles in degrees, which are the targets."""
    images = sklearn_sets.load_digits().images
    angles = np.random.default_rng(0).uniform(-45, 45, len(images))
    pairs = zip(images, angles, strict=True)
    turned = np.stack([rotate(one, by, reshape=False, order=1) for one, by in pairs])
    return turned.astype("float32"), angles


def alcohol():
    """The alcohol in wines, from twelve other measurements."""
    x, _ = sklearn_sets.load_wine(return_X_y=True)
    return x[:, 1:], x[:, 0]


@pytest.mark.parametrize(
    ("make", "least", "baselines"),
    [
        (lambda: sklearn_sets.load_diabetes(return_X_y=True), 0.1, ("random", "kmeans")),
        # With a training part of 133 wines the rows near centroids are as good.
        pytest.param(alcohol, 0.25, ("random",), marks=pytest.mark.slow),
        pytest.param(rotated_digits, 0.5, ("random", "kmeans"), marks=pytest.mark.slow),
    ],
    ids=["diabetes", "alcohol", "angles"],
)
def test_distilled_rows_beat_as_many_real_rows(make, least, baselines):
    found = scores(*divided(*make()), 10, {"steps": 1000}, steps=300)
    for kind in (0, 1):
        best = max(found[name][kind] for name in baselines)
        assert found["distilled"][kind] > max(best, least), found


def test_three_targets_of_twenty_people():
    """Linnerud: five people in the test part are too few for more than a run from end to end."""
    x, y = sklearn_sets.load_linnerud(return_X_y=True)
    found = scores(*divided(x, y), 4, {"steps": 20}, steps=10, epochs=1)
    assert all(np.isfinite(values).all() for values in found.values())
