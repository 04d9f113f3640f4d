import re
import sys

import keras
import numpy as np
import pytest

from keras_isa import backend, ops

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="reads programs of JAX")


def relu_like(seed, *shape):
    return np.maximum(np.random.default_rng(seed).normal(size=shape) + 0.3, 0)


def reference_weights(features, labels, regularization):
    kernel = features @ features.T
    ridge = regularization * np.trace(kernel) / len(kernel)
    return np.linalg.solve(kernel + ridge * np.eye(len(kernel)), labels)


def reference(targets, features, labels, regularization):
    return targets @ features.T @ reference_weights(features, labels, regularization)


def relative(result, expected):
    result = keras.ops.convert_to_numpy(result)
    return np.linalg.norm(result - expected) / np.linalg.norm(expected)


# 4 rows with 10 classes takes the other order of the product than 20 rows with 3.
@pytest.mark.parametrize(("rows", "classes"), [(20, 3), (10, 10), (4, 10), (1, 2)])
@pytest.mark.parametrize("regularization", [1e-6, 1e-2, 3.0])
def test_equals_float64_numpy(rows, classes, regularization):
    targets, features = relu_like(0, 30, 64), relu_like(1, rows, 64)
    labels = np.random.default_rng(2).normal(size=(rows, classes))
    predictions = ops.kernel_regression(targets, features, labels, regularization)
    assert predictions.shape == (30, classes)
    assert keras.backend.standardize_dtype(predictions.dtype) == "float32"
    assert relative(predictions, reference(targets, features, labels, regularization)) < 2e-5
    weights = ops.fit_kernel_regression(features, labels, regularization)
    assert relative(weights, reference_weights(features, labels, regularization)) < 2e-5


def test_ridge_is_relative_to_the_scale_of_the_features():
    targets, features = relu_like(0, 8, 16), relu_like(1, 6, 16)
    labels = np.random.default_rng(2).normal(size=(6, 3))
    once = ops.kernel_regression(targets, features, labels, 0.1)
    scaled = ops.kernel_regression(targets * 1000, features * 1000, labels, 0.1)
    np.testing.assert_allclose(once, scaled, rtol=1e-4, atol=1e-5)


def test_reproduces_the_labels_of_the_synthetic_rows():
    features = relu_like(1, 6, 64)
    labels = np.random.default_rng(2).normal(size=(6, 3))
    np.testing.assert_allclose(ops.kernel_regression(features, features, labels), labels, atol=1e-4)


def test_more_rows_than_features_stays_finite():
    features = relu_like(1, 40, 8)
    labels = np.random.default_rng(2).normal(size=(40, 3))
    predictions = ops.kernel_regression(features, features, labels, 1e-2)
    assert relative(predictions, reference(features, features, labels, 1e-2)) < 1e-4


@pytest.mark.parametrize(("rows", "classes"), [(12, 3), (4, 10)])
def test_gradients_equal_float64_finite_differences(gradients, rows, classes):
    rng = np.random.default_rng(5)
    targets, features = relu_like(3, 9, 24), relu_like(4, rows, 24)
    labels, weighting = rng.normal(size=(rows, classes)), rng.normal(size=(9, classes))

    def loss(*pair):
        predictions = ops.kernel_regression(targets, *pair, 0.05)
        return keras.ops.sum(predictions * keras.ops.cast(weighting, "float32"))

    step = 1e-6
    for position, gradient in enumerate(gradients(loss, features, labels, compiled=True)):
        expected = np.zeros(gradient.shape)
        for index in np.ndindex(*gradient.shape):
            ends = []
            for sign in (1, -1):
                moved = [features.copy(), labels.copy()]
                moved[position][index] += sign * step
                ends.append(np.sum(reference(targets, *moved, 0.05) * weighting))
            expected[index] = (ends[0] - ends[1]) / (2 * step)
        assert relative(gradient, expected) < 1e-4


@needs_jax
def test_the_gradient_takes_no_second_factor():
    """Nor systems of as many columns as rows, which would cost more than all the rest."""
    import jax

    def loss(features, labels):
        return keras.ops.sum(keras.ops.square(ops.fit_kernel_regression(features, labels, 1e-2)))

    arrays = np.eye(12, dtype="float32"), np.ones((12, 3), "float32")
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    text = gradient.lower(*arrays).compile().as_text()
    calls = re.findall(r"f32\[([\d,]+)\].* custom_call_target=\"lapack_s(potrf|trsm)_ffi\"", text)
    # The other factor has a raised ridge, where one is needed.
    assert sorted(calls) == [("12,12", "potrf")] * 2 + [("12,3", "trsm")] * 6, text


def test_the_gradient_with_a_raised_ridge_is_that_with_the_ridge_given(monkeypatch):
    module = sys.modules[ops.kernel_regression.__module__]
    monkeypatch.setattr(module, "_LEAST_RAISED", 0.125)
    engine, arrays = backend.current(), [np.ones((6, 16), "float32"), np.eye(6, dtype="float32")]

    def found(ridge):
        def loss(arrays):
            weights = ops.fit_kernel_regression(*arrays, ridge)
            return keras.ops.sum(weights * keras.ops.sin(weights)), weights

        (_, weights), gradients = engine.value_and_grad(loss)(list(map(engine.to_device, arrays)))
        return [keras.ops.convert_to_numpy(array) for array in (weights, *gradients)]

    for raised, given in zip(found(0.0), found(0.125), strict=True):
        np.testing.assert_array_equal(raised, given)
        assert np.abs(raised).max() > 0


# ---------------------------------------------------------------- from a kernel


@pytest.mark.parametrize(("rows", "classes"), [(20, 3), (4, 10), (1, 2)])
@pytest.mark.parametrize("regularization", [1e-6, 1e-2, 3.0])
def test_from_kernels_equals_float64_numpy(rows, classes, regularization):
    rng = np.random.default_rng(2)
    # A kernel of no few features, and one between other images that has nothing to do with it.
    root, cross = rng.normal(size=(rows, 3 * rows + 2)), rng.normal(size=(30, rows))
    kernel, labels = root @ root.T + 0.1, rng.normal(size=(rows, classes))
    ridge = regularization * np.trace(kernel) / rows
    expected = np.linalg.solve(kernel + ridge * np.eye(rows), labels)
    weights = ops.fit_kernel_regression_from_kernel(kernel, labels, regularization)
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
    assert relative(weights, expected) < 1e-4
    predictions = ops.kernel_regression_from_kernels(cross, kernel, labels, regularization)
    assert predictions.shape == (30, classes)
    assert relative(predictions, cross @ expected) < 1e-4


@pytest.mark.parametrize("kernel", [np.ones((6, 6)), np.zeros((6, 6))])
def test_from_a_kernel_without_a_solution(kernel):
    found = keras.ops.convert_to_numpy(ops.fit_kernel_regression_from_kernel(kernel, np.eye(6), 0))
    assert np.isfinite(found).all()
    # Without any kernel the system is the identity, and every prediction zero.
    assert kernel.any() or (found == np.eye(6)).all()


def by_features(targets, features, labels):
    return ops.kernel_regression(targets, features, labels, 0.05)


def by_kernels(targets, features, labels):
    turned = keras.ops.transpose(features)
    cross, kernel = (keras.ops.matmul(left, turned) for left in (targets, features))
    return ops.kernel_regression_from_kernels(cross, kernel, labels, 0.05)


@pytest.mark.parametrize("regression", [by_features, by_kernels])
@pytest.mark.parametrize(("rows", "classes"), [(6, 3), (3, 4)])
def test_first_and_second_derivatives_are_exact(regression, rows, classes):
    rng = np.random.default_rng(5)
    targets, learned = relu_like(3, 5, 8), [relu_like(4, rows, 8), rng.normal(size=(rows, classes))]
    direction = [rng.normal(size=array.shape) for array in learned]

    def gradients(arrays):
        found = [np.zeros(array.shape) for array in arrays]
        for position, gradient in enumerate(found):
            for index in np.ndindex(*gradient.shape):
                ends = []
                for sign in (1, -1):
                    moved = [array.copy() for array in arrays]
                    moved[position][index] += sign * 1e-6
                    ends.append(np.sum(np.sin(reference(targets, *moved, 0.05))))
                gradient[index] = (ends[0] - ends[1]) / 2e-6
        return found

    ahead, behind = (
        gradients([array + sign * 1e-4 * by for array, by in zip(learned, direction, strict=True)])
        for sign in (1, -1)
    )
    first = gradients(learned)
    second = [(a - b) / 2e-4 for a, b in zip(ahead, behind, strict=True)]

    engine = backend.current()
    targets, *tensors = (
        keras.ops.convert_to_tensor(array, dtype="float32")
        for array in (targets, *learned, *direction)
    )
    learned, along = tensors[:2], tensors[2:]

    def loss(arrays):
        return keras.ops.sum(keras.ops.sin(regression(targets, *arrays))), ()

    def along_gradient(arrays):
        _, found = engine.value_and_grad(loss)(arrays)
        return sum(keras.ops.sum(g * by) for g, by in zip(found, along, strict=True)), found

    def along_tangent(arrays):
        with backend.freely_differentiable():
            of_loss = keras.ops.jvp(lambda *x: loss(x)[0], tuple(arrays), tuple(along))
        return of_loss[1], ()

    for function in (along_gradient, along_tangent):
        (slope, found), derivatives = engine.compiled(engine.value_and_grad(function))(learned)
        expected = sum(
            np.sum(g * keras.ops.convert_to_numpy(by)) for g, by in zip(first, along, strict=True)
        )
        assert abs(float(slope) / expected - 1) < 1e-3
        for one, other in zip((*found, *derivatives), (*first[: len(found)], *second), strict=True):
            assert relative(one, other) < 1e-4


def test_forward_mode_goes_through_a_raised_ridge(monkeypatch):
    monkeypatch.setattr(sys.modules[ops.kernel_regression.__module__], "_LEAST_RAISED", 0.125)
    features = keras.ops.ones((6, 4))
    along = keras.ops.convert_to_tensor(relu_like(0, 6, 4), dtype="float32")

    def tangent(ridge):
        def weights(features):
            return ops.fit_kernel_regression(features, np.eye(6), ridge)

        with backend.freely_differentiable():
            return keras.ops.convert_to_numpy(keras.ops.jvp(weights, (features,), (along,))[1])

    np.testing.assert_array_equal(tangent(0.0), tangent(0.125))
    assert np.abs(tangent(0.0)).max() > 0


@pytest.mark.parametrize("value", [-1e-6, float("nan"), float("inf"), True, "1e-6", None])
def test_bad_regularization(value):
    with pytest.raises(ValueError, match="`regularization` must .*Received: regularization="):
        ops.kernel_regression(np.eye(2), np.eye(2), np.eye(2), value)


def test_bad_shapes():
    with pytest.raises(ValueError, match="same number of rows. Received shapes: .*3, 2.*4, 5"):
        ops.kernel_regression(np.ones((1, 2)), np.ones((3, 2)), np.ones((4, 5)))
    with pytest.raises(ValueError, match="must be matrices"):
        ops.fit_kernel_regression(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="as wide as `synthetic_features`"):
        ops.kernel_regression(np.ones((1, 7)), np.ones((3, 2)), np.ones((3, 5)))
    with pytest.raises(ValueError, match="must be a square matrix .*Received shape: .*3, 2"):
        ops.fit_kernel_regression_from_kernel(np.ones((3, 2)), np.ones((3, 5)))
    with pytest.raises(ValueError, match="`synthetic_kernel` .*same number of rows.*3, 3.*4, 5"):
        ops.fit_kernel_regression_from_kernel(np.ones((3, 3)), np.ones((4, 5)))
    with pytest.raises(ValueError, match="as wide as `synthetic_kernel`.*2, 4.* 3 columns"):
        ops.kernel_regression_from_kernels(np.ones((2, 4)), np.ones((3, 3)), np.ones((3, 5)))


@needs_jax
def test_no_product_of_the_regression_is_rounded():
    """Accelerators round float32 products to fewer bits unless the program forbids it."""
    import jax

    def loss(features, labels):
        return keras.ops.sum(ops.kernel_regression(features, features, labels, 1e-6))

    features, labels = np.ones((12, 4), "float32"), np.ones((12, 3), "float32")
    for gradient in (jax.grad(loss), jax.grad(jax.jit(loss))):
        text = jax.jit(gradient).lower(features, labels).as_text()
        products = [line for line in text.splitlines() if "dot_general" in line]
        assert len(products) > 4
        assert all("precision = [HIGHEST, HIGHEST]" in line for line in products), products


def test_the_ridge_may_be_a_tensor():
    features, labels = relu_like(0, 6, 4), np.eye(6)
    ridge = keras.ops.convert_to_tensor(0.25, dtype="float32")
    found = ops.fit_kernel_regression(features, labels, ridge)
    np.testing.assert_array_equal(found, ops.fit_kernel_regression(features, labels, 0.25))
