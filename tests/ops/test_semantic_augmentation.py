import keras
import numpy as np
import pytest

from keras_isa import ops
from keras_isa.ops import semantic_augmentation

INTERVALS = [(0.0, 0.5), (0, 1), (-1.0, 0.0), (-2.5, -1.25), (-0.3, 1.7), (0.4, 0.4), (0, 0)]
REDUCTIONS = ["class_mean", "half_sum"]


def integrated(residuals, partner_residuals, interval, reduction):
    """The mean over the interval by Gauss-Legendre quadrature in float64, for each row."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    low, high = interval
    total = 0.0
    for node, weight in zip(nodes, weights / 2, strict=True):
        alpha = low + (high - low) * (node + 1) / 2
        squares = (residuals + alpha * (residuals - partner_residuals)) ** 2
        loss = squares.mean(axis=1) if reduction == "class_mean" else squares.sum(axis=1) / 2
        total = total + weight * loss
    return total


def some_residuals(seed, rows=12, classes=5):
    return np.random.default_rng(seed).normal(size=(rows, classes))


def partners_of(features):
    return keras.ops.convert_to_numpy(ops.nearest_partners(features)).tolist()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("interval", INTERVALS)
def test_closed_form_equals_the_integral(interval, reduction):
    residuals, partners = some_residuals(0), some_residuals(1)
    loss = ops.isa_loss(residuals, partners, interval, reduction)
    assert loss.shape == (12,)
    expected = integrated(residuals, partners, interval, reduction)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_closed_form_equals_the_integral_on_random_intervals():
    rng = np.random.default_rng(7)
    for seed in range(20):
        interval = tuple(np.sort(rng.uniform(-3, 3, size=2)))
        residuals, partners = some_residuals(seed), some_residuals(100 + seed)
        expected = integrated(residuals, partners, interval, "class_mean")
        np.testing.assert_allclose(ops.isa_loss(residuals, partners, interval), expected, rtol=1e-5)


def test_interpolation_is_symmetric_in_the_pair():
    residuals, partners = some_residuals(0), some_residuals(1)
    np.testing.assert_allclose(
        ops.isa_loss(residuals, partners, (-1, 0)),
        ops.isa_loss(partners, residuals, (-1, 0)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("interval", INTERVALS)
def test_all_pairs_equal_the_double_loop(interval, reduction):
    residuals = some_residuals(3) + 1.0
    total = 0.0
    for first in residuals:
        for second in residuals:
            total += integrated(first[None], second[None], interval, reduction)[0]
    loss = ops.isa_loss_all_pairs(residuals, interval, reduction)
    assert loss.shape == ()
    assert float(loss) == pytest.approx(total / len(residuals) ** 2, rel=1e-5)


@pytest.mark.parametrize("interval", INTERVALS)
def test_gradients_equal_the_analytic(gradients, interval):
    residuals, partners = some_residuals(0), some_residuals(1)
    middle, width = sum(interval) / 2, interval[1] - interval[0]
    difference = residuals - partners
    inner = 2 * (residuals + middle * difference)
    spread = width**2 / 6 * difference
    found = gradients(
        lambda a, b: keras.ops.sum(ops.isa_loss(a, b, interval, "half_sum")),
        *(residuals, partners),
        compiled=True,
    )
    expected = ((1 + middle) * inner + spread) / 2, (-middle * inner - spread) / 2
    for gradient, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5)


def test_nearest_partners_equal_brute_force():
    features = np.random.default_rng(2).normal(size=(40, 6))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = [
        max((j for j in range(40) if j != i), key=lambda j, i=i: unit[i] @ unit[j])
        for i in range(40)
    ]
    assert partners_of(features) == expected
    assert partners_of(features * 1e-9) == expected
    dtype = ops.nearest_partners(features).dtype
    assert keras.backend.standardize_dtype(dtype) == "int32"


def test_identical_rows_pair_with_each_other_and_never_with_themselves():
    row, other = np.random.default_rng(0).uniform(size=(2, 500))
    assert partners_of(np.stack([row, other, row])) == [2, 0, 0]
    assert partners_of(np.ones((4, 3))) == [1, 0, 0, 0]


def test_rows_of_zeros_and_a_single_row():
    assert partners_of(np.zeros((3, 4))) == [1, 0, 0]
    assert partners_of([[0.0, 0.0], [1.0, 0.0], [1.0, 0.1]]) == [1, 2, 1]
    assert partners_of([[1.0, 2.0]]) == [0]


def test_same_class_partners():
    features = np.random.default_rng(4).normal(size=(30, 6))
    classes = np.random.default_rng(5).integers(0, 6, size=30)
    classes[7] = 99
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    partners = keras.ops.convert_to_numpy(ops.same_class_partners(features, classes)).tolist()
    for i, partner in enumerate(partners):
        others = [j for j in range(30) if j != i and classes[j] == classes[i]]
        expected = max(others, key=lambda j, i=i: unit[i] @ unit[j]) if others else i
        assert partner == expected
    assert partners[7] == 7


def test_partners_found_in_blocks_are_those_found_at_once(monkeypatch):
    features = np.random.default_rng(6).normal(size=(23, 4))
    classes = np.random.default_rng(7).integers(0, 4, size=23)

    def both():
        found = ops.nearest_partners(features), ops.same_class_partners(features, classes)
        return [keras.ops.convert_to_numpy(partners).tolist() for partners in found]

    at_once = both()
    monkeypatch.setattr(semantic_augmentation, "_MOST_SIMILARITIES", 5 * 23)
    assert both() == at_once


@pytest.mark.parametrize(
    "interval",
    [(1, 0), (0,), (0, 1, 2), (0, float("nan")), (0, float("inf")), (False, 1), "01", 0.5, None],
)
def test_bad_interval(interval):
    message = r"`interval` must be two finite numbers \(lo, hi\) with lo <= hi. Received: interval="
    for function in (lambda i: ops.isa_loss([[1.0]], [[1.0]], i), bad_all_pairs):
        with pytest.raises(ValueError, match=message):
            function(interval)


def bad_all_pairs(interval):
    return ops.isa_loss_all_pairs([[1.0]], interval)


def test_bad_reduction():
    message = "`reduction` must be one of 'class_mean', 'half_sum'. Received: reduction='sum'"
    with pytest.raises(ValueError, match=message):
        ops.isa_loss([[1.0]], [[1.0]], reduction="sum")
    with pytest.raises(ValueError, match=message):
        ops.isa_loss_all_pairs([[1.0]], reduction="sum")


def test_bad_shapes():
    with pytest.raises(ValueError, match="`partner_residuals` must have the shape"):
        ops.isa_loss(np.ones((3, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="`features` must be a matrix"):
        ops.nearest_partners(np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match="`class_ids` must be a vector .* for 3 rows"):
        ops.same_class_partners(np.ones((3, 2)), [0, 1])


# ------------------------------------------------------------------ the first rows of a batch only


def test_partners_among_allowed_rows_are_those_of_these_rows_alone():
    rng = np.random.default_rng(3)
    features, class_ids = rng.normal(size=(20, 6)), np.arange(20) % 3
    allowed = np.arange(20) < 8
    found = keras.ops.convert_to_numpy(ops.nearest_partners(features, allowed))
    assert found[:8].tolist() == partners_of(features[:8])
    found = keras.ops.convert_to_numpy(ops.same_class_partners(features, class_ids, allowed))
    alone = keras.ops.convert_to_numpy(ops.same_class_partners(features[:8], class_ids[:8]))
    assert found[:8].tolist() == alone.tolist()


@pytest.mark.parametrize("interval", INTERVALS)
def test_weights_and_an_interval_of_tensors(interval):
    residuals = some_residuals(4).astype("float32")
    ends = tuple(keras.ops.convert_to_tensor(end, dtype="float32") for end in interval)
    weights = np.where(np.arange(12) < 5, 0.2, 0.0).astype("float32")
    found = ops.isa_loss_all_pairs(residuals, ends, weights=weights)
    expected = ops.isa_loss_all_pairs(residuals[:5], interval)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    found = ops.isa_loss(residuals[:6], residuals[6:], ends)
    expected = ops.isa_loss(residuals[:6], residuals[6:], interval)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
