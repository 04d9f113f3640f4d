"""Valid input of any shape works and keeps its promises; what is drawn outside is refused."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from keras_isa import DistilledData, FRePoTrainer, layers, models, ops
from keras_isa.evaluation import Recipe
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_labels import check_labels
from keras_isa.ops.splits import validation_mask

# Shapes are compiled anew for each example, which takes most of the time.
few = settings(derandomize=True, deadline=None, max_examples=6, database=None)
many = settings(few, max_examples=30)

# XLA takes what is smaller than the least normal number for zero.
numbers = st.floats(-100, 100, width=32, allow_subnormal=False)
seeds = st.integers(0, 2**31 - 1)
shares = st.sampled_from([0.01, 0.5, np.float32(0.25), 1, 1.0]) | st.floats(0.01, 1)
bad_counts = st.sampled_from([None, True, np.nan, "3", 2.0]) | st.integers(max_value=0)
bad_numbers = st.sampled_from([None, True, np.nan, np.inf, -np.inf, "0.5", 1j])
image_shapes = st.one_of(
    st.tuples(st.integers(1, 9)),
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3])),
)


def matrix(rows, columns):
    return arrays("float32", (rows, columns), elements=numbers)


# ---------------------------------------------------------------------------------------- ops


@few
@given(arrays("float32", st.integers(1, 30), elements=numbers), shares)
def test_crucial_samples_lose_at_least_as_much_as_the_others(losses, fraction):
    chosen = np.asarray(ops.crucial_indices(losses, fraction))
    assert len(set(chosen.tolist())) == len(chosen) == max(1, int(fraction * len(losses)))
    assert (np.diff(losses[chosen]) <= 0).all()
    left = np.delete(losses, chosen)
    assert not left.size or losses[chosen].min() >= left.max()
    easiest = np.asarray(ops.crucial_indices(losses, fraction, keep="easiest"))
    assert sorted(losses[easiest]) == sorted(losses)[: len(easiest)]


@many
@given(bad_numbers | st.floats(max_value=0) | st.floats(1, exclude_min=True))
def test_fractions_outside_are_refused(fraction):
    for refuse in (
        lambda: ops.crucial_indices([1.0], fraction),
        lambda: layers.CrucialSamples(fraction),
    ):
        with pytest.raises(ValueError, match="`fraction`.*Received: fraction="):
            refuse()


@few
@given(st.data(), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_kernel_regression_is_that_of_numpy(data, targets, rows, features, classes):
    rng = np.random.default_rng(data.draw(seeds))
    z, s = rng.normal(size=(targets, features)), rng.normal(size=(rows, features))
    y, ridge = rng.normal(size=(rows, classes)), data.draw(st.floats(0.05, 2))
    kernel = s @ s.T
    weights = np.linalg.solve(kernel + ridge * np.trace(kernel) / rows * np.eye(rows), y)
    found = np.asarray(layers.KernelRidgeRegression(ridge)((z, s, y)))
    np.testing.assert_allclose(found, z @ s.T @ weights, rtol=1e-3, atol=1e-3)


@few
@given(st.data(), st.integers(1, 5), st.integers(2, 4))
def test_isa_is_the_mean_over_virtual_samples(data, rows, classes):
    residuals, partners = data.draw(matrix(rows, classes)), data.draw(matrix(rows, classes))
    low, high = sorted(data.draw(st.tuples(st.floats(-2, 2), st.floats(-2, 2))))
    # The integrand is quadratic in a, so that Simpson's rule is exact.
    values = [
        np.mean((residuals + a * (residuals - partners.astype(float))) ** 2, axis=1)
        for a in (low, (low + high) / 2, high)
    ]
    found = np.asarray(ops.isa_loss(residuals, partners, (low, high)))
    expected = (values[0] + 4 * values[1] + values[2]) / 6
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)
    pairs = [(i, j) for i in range(rows) for j in range(rows)]
    each = [ops.isa_loss(residuals[[i]], residuals[[j]], (low, high))[0] for i, j in pairs]
    everything = float(ops.isa_loss_all_pairs(residuals, (low, high)))
    np.testing.assert_allclose(everything, np.mean(each), rtol=1e-2, atol=0.1)


@few
@given(st.data(), st.integers(2, 8), st.integers(1, 4))
def test_partners_are_others_of_the_same_class_where_asked(data, rows, features):
    values = data.draw(matrix(rows, features))
    class_ids = np.array(data.draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows)))
    own = np.arange(rows)
    assert (np.asarray(ops.nearest_partners(values)) != own).all()
    partners = np.asarray(ops.same_class_partners(values, class_ids))
    assert (class_ids[partners] == class_ids).all()
    assert ((partners == own) == (np.bincount(class_ids)[class_ids] == 1)).all()


@few
@given(st.tuples(numbers, numbers))
def test_intervals_are_taken_in_order_only(interval):
    assume(interval[0] != interval[1])
    layer = layers.InfiniteSemanticAugmentation(tuple(sorted(interval)))
    assert (
        layers.InfiniteSemanticAugmentation.from_config(layer.get_config()).interval
        == layer.interval
    )
    with pytest.raises(ValueError, match="`interval`.*Received: interval="):
        layers.InfiniteSemanticAugmentation(tuple(sorted(interval, reverse=True)))


@few
@given(
    st.integers(2, 12),
    st.lists(st.integers(0, 1000), min_size=1, max_size=6),
    st.sampled_from(["uint16", "int32", "int64"]),
)
def test_labels_have_mean_zero_and_the_greatest_margin(classes, draws, dtype):
    class_ids = np.array(draws, dtype) % classes
    labels = np.asarray(ops.encode_labels(class_ids, np.int64(classes)))
    assert labels.argmax(axis=1).tolist() == class_ids.tolist()
    np.testing.assert_allclose(labels.sum(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(ops.label_margin(labels), 1 / classes, rtol=1e-5)


@settings(few, max_examples=2)
@given(st.data(), image_shapes.filter(lambda shape: len(shape) == 3), seeds)
def test_moving_images_keeps_their_shape_and_the_identity_every_bit(data, shape, seed):
    images = data.draw(arrays("float32", (2, *shape), elements=numbers))
    same = ops.apply_affine(images, ops.affine_parameters())
    np.testing.assert_array_equal(same, images)
    layer = layers.EvaluationAugmentation(seed=np.int64(seed))
    moved = np.asarray(layer(images, training=True))
    assert moved.shape == images.shape and np.isfinite(moved).all()


# ------------------------------------------------------------------------------------- counts

available = st.lists(st.integers(1, 50), min_size=1, max_size=8)


@pytest.mark.filterwarnings("ignore:there are fewer images")
@many
@given(available, st.integers(1, 30))
def test_proportional_counts_sum_up(there, mean):
    counts = ops.class_counts(f"proportional:{mean}", there)
    assert all(1 <= count <= most for count, most in zip(counts, there, strict=True))
    wanted = mean * len(there)
    exact = [wanted * count / sum(there) for count in there]
    if min(exact) >= 1 and all(share <= most - 1 for share, most in zip(exact, there, strict=True)):
        assert sum(counts) == wanted


@many
@given(available, bad_counts)
def test_counts_that_are_none_are_refused(there, count):
    for wanted in ([count] * len(there), dict.fromkeys(range(len(there)), count)):
        with pytest.raises(ValueError, match="`images_per_class` must be a positive.*Received"):
            ops.class_counts(wanted, there)


@many
@given(available.filter(lambda there: max(there) > 1), st.floats(0.01, 0.99), seeds)
def test_a_split_leaves_every_class_an_image(there, fraction, seed):
    y = np.repeat(np.arange(len(there)), there)
    mask = validation_mask(y, len(there), fraction, seed)
    assert mask.any() and set(y[~mask]) == set(y)
    np.testing.assert_array_equal(mask, validation_mask(y, len(there), fraction, np.int64(seed)))


# ------------------------------------------------------------------------------------- checks


# Shapes of every kind: what they are is said, as some leave it open.
AXES_BY_RANK = {2: "NF", 3: "NHW", 4: "NHWC"}


@many
@given(
    arrays(
        st.sampled_from(["uint8", "int64", "float16", "float64"]),
        array_shapes(max_dims=5),
        elements=st.integers(0, 9),
    )
)
def test_images_are_taken_by_their_rank(images):
    if images.ndim in AXES_BY_RANK:
        found = check_images(images, "x", AXES_BY_RANK[images.ndim])
        assert found.dtype == (np.uint8 if images.dtype == np.uint8 else np.float32)
        assert found.ndim in (2, 4) and found.size == images.size
    else:
        with pytest.raises(ValueError, match="`x` must h.*Received: shape="):
            check_images(images, "x")


@many
@given(st.data(), st.sampled_from([np.nan, np.inf, -np.inf]), seeds)
def test_one_pixel_that_is_not_finite_is_found(data, value, seed):
    images = np.zeros(data.draw(array_shapes(min_dims=2, max_dims=4)))
    place = np.random.default_rng(seed).integers(images.size)
    images.flat[place] = value
    row = place // (images.size // len(images))
    said = rf"`x` must hold finite.*Received: 1 such.* (index|row) {row}, "
    with pytest.raises(ValueError, match=said):
        check_images(images, "x", AXES_BY_RANK[images.ndim])


@many
@given(st.lists(st.integers(-3, 5), min_size=1, max_size=9), st.sampled_from(["int8", "int64"]))
def test_labels_are_class_numbers(labels, dtype):
    given_ = np.array(labels, dtype)
    if min(labels) >= 0:
        assert check_labels(given_, len(labels), "y").tolist() == labels
    else:
        with pytest.raises(ValueError, match="`y`.*Received: .*a label -"):
            check_labels(given_, len(labels), "y")
    with pytest.raises(TypeError, match="`y`.*Received: dtype=float"):
        check_labels(given_ / 2, len(labels), "y")


@many
@given(st.sampled_from(["width", "steps", "batch_size", "depth"]), st.integers(1, 9), bad_counts)
def test_recipes_take_positive_integers(field, good, bad):
    assert getattr(Recipe(**{field: np.int32(good)}), field) == good
    if bad is None and field in ("steps", "depth"):
        return
    with pytest.raises(ValueError, match=f"`{field}` must be .*Received: {field}="):
        Recipe(**{field: bad})


# -------------------------------------------------------------------------- sets and trainers


def samples(shape, per_class, seed):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(per_class)), per_class))
    return rng.integers(0, 256, (len(y), *shape)).astype("uint8"), y


@few
@given(image_shapes, st.lists(st.integers(1, 3), min_size=2, max_size=4), seeds)
def test_a_set_holds_real_images_in_the_order_of_classes(shape, counts, seed):
    x, y = samples(shape, [count + 1 for count in counts], seed)
    wanted = {k: np.int64(count) for k, count in enumerate(counts)}
    distilled = DistilledData.from_samples(x, y, wanted, seed=seed)
    assert distilled.class_counts == tuple(counts)
    images, labels = distilled.to_numpy("pixels")
    assert labels.argmax(axis=1).tolist() == np.repeat(np.arange(len(counts)), counts).tolist()
    for image, class_id in zip(images, distilled.class_ids, strict=True):
        distances = np.abs(x[y == class_id] - image).reshape(-1, image.size).max(axis=1)
        assert distances.min() < 1e-2
    model = distilled.to_numpy()
    again = DistilledData.from_arrays(*model, images_per_class=counts)
    for one, other in zip(again.to_numpy(), model, strict=True):
        np.testing.assert_array_equal(one, other)


@many
@given(bad_counts)
def test_sets_refuse_sizes_that_are_none(size):
    for argument, made in (
        ("image_shape", lambda: DistilledData((4, size, 1), 2, 1)),
        ("num_classes", lambda: DistilledData((4, 4, 1), size, 1)),
        ("images_per_class", lambda: DistilledData((4, 4, 1), 2, size)),
        ("input_shape", lambda: models.ConvNet((size, 4, 1), 2)),
        ("channels", lambda: layers.Standardization(size)),
    ):
        with pytest.raises(ValueError, match=f"`{argument}` must .*Received: "):
            made()


@settings(few, max_examples=3)
@given(
    image_shapes, st.integers(2, 3), st.integers(1, 12), st.sampled_from([0.0, 0.3]), st.booleans()
)
def test_a_tiny_problem_is_distilled(shape, classes, batch_size, validation_split, learn_labels):
    def build():
        inputs = keras.Input(shape)
        features = keras.layers.Flatten()(inputs)
        return keras.Model(inputs, [keras.layers.Dense(classes)(features), features])

    x, y = samples(shape, [4] * classes, 0)
    distilled = DistilledData.from_samples(x, y, 1, learn_labels=learn_labels)
    trainer = FRePoTrainer(
        distilled, build, pool_size=1, regularization=np.float32(0.1), crucial_fraction=0.5
    )
    trainer.compile(keras.optimizers.Lamb(1e-2, epsilon=1e-6))
    start = distilled.to_numpy()
    history = trainer.fit(
        x,
        y.astype("uint8"),
        batch_size=np.int64(batch_size),
        epochs=np.int32(1),
        steps_per_epoch=np.int64(2),
        validation_split=np.float32(validation_split),
        verbose=0,
    )
    assert np.isfinite(history.history["loss"]).all()
    assert ("val_accuracy" in history.history) == bool(validation_split)
    images, labels = distilled.to_numpy()
    assert np.isfinite(images).all() and images.shape == start[0].shape
    assert learn_labels or (labels == start[1]).all()
