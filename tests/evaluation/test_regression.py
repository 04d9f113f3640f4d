"""Scores of a set for regression, against scikit-learn's and NumPy's."""

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score, root_mean_squared_error

import keras_isa
from keras_isa import DistilledData
from keras_isa.datasets import Dataset
from keras_isa.evaluation import Recipe, RegressionScores, Students

RECIPE = {"steps": 30, "warmup_steps": 3, "learning_rate": 0.05, "augmentation": []}
NAMES = ("height", "weight")


def linear_network():
    """Outputs linear in the features, which are the inputs."""
    inputs = keras.Input((3,))
    return keras.Model(inputs, [keras.layers.Dense(2)(inputs), inputs * 1.0])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype("float32")
    y = x @ rng.normal(size=(3, 2)) * [1.0, 100.0] + [5.0, -7.0] + 0.1 * rng.normal(size=(60, 2))
    about = {"task": "regression", "class_names": NAMES}
    return [Dataset.from_arrays(x[s], y[s], **about) for s in (slice(40), slice(40, None))]


@pytest.fixture
def distilled(data):
    train, _ = data
    about = {"task": "regression", "class_names": NAMES, "recipe": dict(RECIPE)}
    about["provenance"] = {"regularization": 1e-2}
    return DistilledData.from_samples(train.x, train.y, 6, preprocessing=None, **about)


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(30, 2)) * [1.0, 50.0]
    predictions = y + rng.normal(size=(2, 3, 30, 2))
    errors = np.square(predictions - y).mean(axis=2)
    scores = RegressionScores.of(errors, y, NAMES)
    assert scores.r2 == pytest.approx([r2_score(y, one) for one in predictions[0]])
    assert scores.krr_r2 == pytest.approx([r2_score(y, one) for one in predictions[1]])
    expected = root_mean_squared_error(y, predictions[0, 2], multioutput="raw_values")
    assert scores.rmse[2] == pytest.approx(expected)
    assert scores.to_dict()["krr_rmse"]["weight"] == pytest.approx(np.sqrt(errors[1, :, 1]).mean())


def test_ridge_predictions_equal_float64_numpy_in_the_units_of_the_data(distilled, data):
    _, test = data
    students = Students(6, (3,), 2, Recipe(**RECIPE), repeats=2, network=linear_network)
    students.start(*distilled.to_numpy(), seed=0)
    restore = distilled.restore_targets
    errors = students.squared_errors(test.x, test.y, distilled, restore, regularization=1e-2)
    images, labels = (one.astype("float64") for one in distilled.to_numpy())
    kernel = images @ images.T
    kernel += 1e-2 * np.trace(kernel) / 6 * np.eye(6)
    standard = test.x.astype("float64") @ images.T @ np.linalg.solve(kernel, labels)
    mean, scale = map(np.array, (distilled.target_units.mean, distilled.target_units.scale))
    expected = np.square(standard * scale + mean - test.y).mean(axis=0)
    np.testing.assert_allclose(errors[1], [expected, expected], rtol=1e-4)


def test_the_table_has_r2_and_errors_beside_baselines(distilled, data):
    train, test = data
    result = keras_isa.evaluate(distilled, test, train=train, repeats=2, network=linear_network)
    lines = str(result).splitlines()
    assert lines[0].startswith("6 rows, test R^2")
    assert [line[:12].strip() for line in lines[1:4]] == [
        "random real",
        "k-means, nea",
        "distilled",
    ]
    assert lines[4].startswith("RMSE of height") and lines[8].startswith("RMSE of weight")
    found = result.to_dict()
    assert set(found["baselines"]) == {"random", "kmeans"} and found["images_per_class"] == 6
    assert found["krr_r2_mean"] > 0.6  # the truth is linear, and so is the network
    assert found["rmse"]["weight"] > 20 * found["rmse"]["height"]


def test_what_does_not_fit_is_refused(distilled, data):
    _, test = data
    with pytest.raises(ValueError, match="`recipe` must have loss='squared_error'"):
        keras_isa.evaluate(distilled, test, recipe=Recipe(loss="cross_entropy", augmentation=()))
    with pytest.raises(ValueError, match="`test` must hold targets that vary"):
        keras_isa.evaluate(distilled, (test.x[:1], test.y[:1]))
    with pytest.raises(ValueError, match="2 targets per row. Received: 1"):
        keras_isa.evaluate(distilled, (test.x, test.y[:, :1]))
    other = Dataset.from_arrays(test.x, test.y, task="regression", class_names=["b", "a"])
    with pytest.raises(ValueError, match="the targets of the distilled set in the same order"):
        keras_isa.evaluate(distilled, other)
    classes = Dataset.from_arrays(test.x, np.arange(20) % 2)
    with pytest.raises(ValueError, match="task of the distilled set, 'regression'"):
        keras_isa.evaluate(distilled, classes)


def test_a_score_that_is_not_finite_is_an_error():
    with pytest.raises(RuntimeError, match="1 of 2 networks have outputs that are not finite"):
        RegressionScores.of(np.array([[[np.nan], [1.0]]] * 2), np.arange(4.0)[:, None], ("y",))
