import keras
import numpy as np
import pytest

from keras_isa import ops
from keras_isa.layers import InfiniteSemanticAugmentation

PAIRINGS = ["nearest", "random", "all", "same_class"]
INTERVALS = [(0.0, 0.5), (-1.0, 0.0), (-1.3, 2.1), (-0.7, -0.7), (0.0, 0.0)]
ROWS, CLASSES = 14, 5
CLASS_IDS = np.arange(ROWS) % 4


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    residuals = rng.normal(size=(ROWS, CLASSES)) + 0.5
    return residuals.astype("float32"), rng.normal(size=(ROWS, 8)).astype("float32"), CLASS_IDS


def integrated(residuals, partners, interval, reduction):
    """The mean over rows of the integral over the interval by trapezoids, in float64."""
    residuals = residuals.astype("float64")
    difference = residuals - residuals[partners]
    alphas = np.linspace(*interval, 2001)
    losses = []
    for alpha in alphas:
        squares = (residuals + alpha * difference) ** 2
        losses.append(squares.mean() if reduction == "class_mean" else squares.sum(1).mean() / 2)
    losses = np.array(losses)
    return (losses[:-1] + losses[1:]).mean() / 2


def expected_loss(layer, inputs, pairing, interval, reduction):
    residuals, features, class_ids = inputs
    if pairing == "all":
        shifts = [(np.arange(ROWS) + shift) % ROWS for shift in range(ROWS)]
        return np.mean([integrated(residuals, shift, interval, reduction) for shift in shifts])
    if pairing == "random":
        # A copy of the layer's generator draws the same permutation.
        partners = keras.random.shuffle(np.arange(ROWS), seed=keras.random.SeedGenerator(3))
    elif pairing == "nearest":
        partners = ops.nearest_partners(features)
    else:
        partners = ops.same_class_partners(features, class_ids)
    partners = np.asarray(partners)
    assert pairing == "same_class" or sorted(set(partners)) != [0]
    return integrated(residuals, partners, interval, reduction)


@pytest.mark.parametrize("reduction", ["class_mean", "half_sum"])
@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_equals_the_integral(inputs, pairing, interval, reduction):
    layer = InfiniteSemanticAugmentation(interval, pairing, reduction, seed=3)
    loss = layer(*inputs)
    assert loss.shape == layer.compute_output_shape((ROWS, CLASSES)) == ()
    expected = expected_loss(layer, inputs, pairing, interval, reduction)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_zero_interval_needs_no_partners(inputs):
    for pairing in PAIRINGS:
        layer = InfiniteSemanticAugmentation((0, 0), pairing)
        assert float(layer(inputs[0])) == pytest.approx(float((inputs[0] ** 2).mean()), rel=1e-6)


def test_random_pairing_is_fresh_in_each_call_and_repeats_with_the_seed(inputs):
    draws = []
    for _ in range(2):
        layer = InfiniteSemanticAugmentation((0, 1), "random", seed=11)
        draws.append([float(layer(inputs[0])) for _ in range(4)])
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 4


def test_only_the_random_pairing_holds_state():
    for pairing in PAIRINGS:
        layer = InfiniteSemanticAugmentation(pairing=pairing, seed=1)
        assert layer.built and layer.weights == []
        assert len(layer.non_trainable_variables) == (pairing == "random")


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_gradient_flows_to_residuals_and_not_to_features(gradients, inputs, pairing):
    residuals, features, class_ids = inputs

    def loss(residuals, features):
        layer = InfiniteSemanticAugmentation((-0.2, 0.9), pairing, "half_sum", seed=3)
        return layer(residuals, features, class_ids)

    by_residuals, by_features = gradients(loss, residuals, features)
    assert not np.any(by_features)
    layer = InfiniteSemanticAugmentation((-0.2, 0.9), pairing, "half_sum", seed=3)
    rng = np.random.default_rng(1)
    direction = rng.normal(size=residuals.shape)
    step = 1e-4
    ends = [
        expected_loss(
            layer,
            (residuals.astype("float64") + sign * step * direction, features, class_ids),
            pairing,
            (-0.2, 0.9),
            "half_sum",
        )
        for sign in (1, -1)
    ]
    slope = (ends[0] - ends[1]) / (2 * step)
    assert np.sum(by_residuals * direction) == pytest.approx(slope, rel=1e-4)


def test_keeps_float32_under_a_mixed_policy(inputs):
    expected = float(InfiniteSemanticAugmentation()(*inputs))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        loss = InfiniteSemanticAugmentation()(*inputs)
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert float(loss) == expected


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_serialises(inputs, pairing):
    layer = InfiniteSemanticAugmentation((-1, 0.25), pairing, "half_sum", seed=5, name="named")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(restored) is InfiniteSemanticAugmentation
    assert restored.get_config() == layer.get_config()
    assert (restored.interval, restored.seed) == ((-1.0, 0.25), 5)
    assert float(restored(*inputs)) == float(layer(*inputs))


@pytest.mark.parametrize("pairing", ["nearest", "random", "all"])
def test_in_a_saved_functional_model(inputs, pairing, tmp_path):
    ends = [keras.Input((CLASSES,)), keras.Input((8,))]
    layer = InfiniteSemanticAugmentation((0, 1), pairing, seed=None)
    model = keras.Model(ends, layer(*ends))
    model(list(inputs[:2]))
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    # The random generator continues from its state, although its seed was drawn at random.
    for _ in range(2):
        assert float(restored(list(inputs[:2]))) == float(model(list(inputs[:2])))


@pytest.mark.parametrize("interval", [(1, 0), (0, float("inf")), (0, True), 0.5, "ab", (0, 1, 2)])
def test_bad_interval_is_refused_at_construction(interval):
    with pytest.raises(ValueError, match="`interval` must be two finite numbers .*Received: "):
        InfiniteSemanticAugmentation(interval)


def test_bad_words_are_refused_at_construction():
    message = (
        "`pairing` must be one of 'nearest', 'random', 'all', 'same_class'. Received: pairing="
    )
    for word in ("near", None):
        with pytest.raises(ValueError, match=message):
            InfiniteSemanticAugmentation(pairing=word)
    message = "`reduction` must be one of 'class_mean', 'half_sum'. Received: reduction='mean'"
    with pytest.raises(ValueError, match=message):
        InfiniteSemanticAugmentation(reduction="mean")


def test_bad_calls(inputs):
    residuals, features, _ = inputs
    with pytest.raises(ValueError, match="`features` must be given with pairing='nearest'"):
        InfiniteSemanticAugmentation()(residuals)
    with pytest.raises(ValueError, match="`features` must have as many rows as `residuals`"):
        InfiniteSemanticAugmentation()(residuals, features[:-1])
    with pytest.raises(ValueError, match="`class_ids` must be given with pairing='same_class'"):
        InfiniteSemanticAugmentation(pairing="same_class")(residuals, features)
