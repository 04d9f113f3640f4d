import keras
import numpy as np
import pytest

from keras_isa import ops


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("scaled", [False, True])
def test_encoding(classes, scaled):
    ids = np.random.default_rng(0).integers(0, classes, size=20)
    labels = ops.encode_labels(ids, classes, scaled=scaled)
    expected = np.eye(classes)[ids] - 1 / classes
    if scaled:
        expected = expected / np.sqrt(classes / 10)
    np.testing.assert_allclose(labels, expected, atol=1e-6)
    assert keras.backend.standardize_dtype(labels.dtype) == "float32"


def test_encoding_of_backend_tensors():
    labels = ops.encode_labels(keras.ops.convert_to_tensor([1, 0], dtype="int32"), 2)
    np.testing.assert_allclose(labels, [[-0.5, 0.5], [0.5, -0.5]])


def test_margin_is_capped_in_each_row_before_the_mean():
    # The margins are 0.1, 0 (a tie) and 5, which is capped at 1 / 4.
    labels = [[0.3, 0.4, 0.0, -1.0], [0.2, 0.2, 0.2, 0.1], [5.0, 0.0, 0.0, 0.0]]
    assert float(ops.label_margin(labels)) == pytest.approx((0.1 + 0.0 + 0.25) / 3, rel=1e-5)


def test_margin_of_initial_labels_is_the_cap():
    assert float(ops.label_margin(ops.encode_labels([0, 1, 2], 3))) == pytest.approx(1 / 3)


def test_margin_pulls_only_on_the_two_greatest_of_rows_below_the_cap(gradients):
    labels = np.array([[0.3, 0.4, 0.0, -1.0], [5.0, 0.0, 0.0, 0.0]], "float32")
    (gradient,) = gradients(ops.label_margin, labels)
    np.testing.assert_allclose(gradient, [[-0.5, 0.5, 0, 0], [0, 0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("value", [1, 0, -3, 2.0, True, "10", None])
def test_bad_num_classes(value):
    with pytest.raises(ValueError, match="`num_classes` must be an integer >= 2. Received"):
        ops.encode_labels([0], value)


def test_bad_class_ids():
    with pytest.raises(ValueError, match=r"must be in \[0, 3\). Received values from 0 to 3"):
        ops.encode_labels([0, 3], 3)
    with pytest.raises(ValueError, match=r"must be in \[0, 3\). Received values from -1 to 0"):
        ops.encode_labels([0, -1], 3)
    with pytest.raises(TypeError, match="`class_ids` must hold integers. Received: dtype=float"):
        ops.encode_labels([0.0, 1.0], 3)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2, 2)])
def test_bad_labels(shape):
    with pytest.raises(ValueError, match="`labels` must be a matrix"):
        ops.label_margin(np.ones(shape))
