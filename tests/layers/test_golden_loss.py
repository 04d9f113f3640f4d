"""The public layers, put together, against the loss that the authors' own code computes."""

import functools
import itertools

import keras
import numpy as np
import pytest

from keras_isa import backend, layers, ops

CLASSES, EPSILONS, SHARES = (10, 100, 7), ("0", "0.5", "1"), ("1", "0.8", "0.5", "-0.8")
# Every pair of two values is among those that always run; the other triples are slow together.
SETTINGS = [
    pytest.param(*setting, marks=[] if (i + j + k) % 3 == 0 else pytest.mark.slow)
    for i, classes in enumerate(CLASSES)
    for j, epsilon in enumerate(EPSILONS)
    for k, share in enumerate(SHARES)
    for setting in [(classes, epsilon, share)]
]


@pytest.fixture(scope="module")
def golden(golden_dir):
    with np.load(golden_dir / "loss.npz") as stored:
        return dict(stored)


def problem(golden, classes):
    names = ("target_features", "target_labels", "synthetic_features", "synthetic_labels")
    return [golden[f"C{classes}_{name}"].astype("float32") for name in names]


def outer_loss(target_features, target_labels, epsilon, share):
    """Return a function of the synthetic features and labels: (kernel loss, label loss)."""
    share = float(share)
    target_features, target_labels = map(
        keras.ops.convert_to_tensor, (target_features, target_labels)
    )
    regression = layers.KernelRidgeRegression(regularization=1e-6)
    select = layers.CrucialSamples(abs(share), keep="hardest" if share > 0 else "easiest")
    augment = layers.InfiniteSemanticAugmentation((0.0, float(epsilon)), "nearest", "class_mean")

    def losses(synthetic_features, synthetic_labels):
        predictions = regression((target_features, synthetic_features, synthetic_labels))
        residuals = predictions - target_labels
        kept = select(ops.residual_losses(residuals))
        kernel_loss = augment(
            keras.ops.take(residuals, kept, axis=0), keras.ops.take(target_features, kept, axis=0)
        )
        return kernel_loss, -ops.label_margin(synthetic_labels)

    return losses


def distance(result, expected):
    return np.linalg.norm(np.asarray(result) - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("classes", [10, 100, 7])
def test_predictions_and_accuracy_over_the_whole_batch_equal_the_golden(golden, classes):
    features, labels, synthetic_features, synthetic_labels = problem(golden, classes)
    regression = layers.KernelRidgeRegression()
    predictions = keras.ops.convert_to_numpy(
        regression((features, synthetic_features, synthetic_labels))
    )
    assert distance(predictions, golden[f"C{classes}_predictions"]) < 1e-5
    accuracy = np.mean(predictions.argmax(axis=1) == labels.argmax(axis=1))
    for epsilon, share in itertools.product(EPSILONS, SHARES):
        expected = float(golden[f"C{classes}_eps{epsilon}_p{share}_accuracy"])
        assert accuracy == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def both(golden):
    """`both(...)` gives the two losses and their gradients, from one compiled program."""

    @functools.cache
    def compute(classes, epsilon, share):
        features, labels, *synthetic = problem(golden, classes)
        losses = outer_loss(features, labels, epsilon, share)

        def total(arrays):
            kernel_loss, label_loss = losses(*arrays)
            return kernel_loss + label_loss, (kernel_loss, label_loss)

        engine = backend.current()
        synthetic = [keras.ops.convert_to_tensor(array) for array in synthetic]
        (_, parts), gradients = engine.compiled(engine.value_and_grad(total))(synthetic)
        return parts, gradients

    return compute


@pytest.mark.parametrize(("classes", "epsilon", "share"), SETTINGS)
def test_loss_equals_the_golden(golden, both, classes, epsilon, share):
    (kernel_loss, label_loss), _ = both(classes, epsilon, share)
    key = f"C{classes}_eps{epsilon}_p{share}_"
    assert float(kernel_loss) == pytest.approx(float(golden[key + "kernel_loss"]), rel=1e-5)
    assert float(label_loss) == pytest.approx(float(golden[key + "label_loss"]), rel=1e-5)


@pytest.mark.parametrize(("classes", "epsilon", "share"), SETTINGS)
def test_gradients_equal_the_golden(golden, both, classes, epsilon, share):
    _, (by_features, by_labels) = both(classes, epsilon, share)
    key = f"C{classes}_eps{epsilon}_p{share}_grad_synthetic_"
    assert distance(by_features, golden[key + "features"]) < 1e-4
    assert distance(by_labels, golden[key + "labels"]) < 1e-4
