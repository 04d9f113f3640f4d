"""The pool: fresh weights, replacement, and training that equals a plain Keras model's."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import MLP, ConvNet, ModelPool, model_pool

SHAPE = (6, 6, 1)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(5, *SHAPE)).astype("float32")
NATIVE = {64, 36}  # parts of 100 images of 24x24 pixels where Keras convolves
LABELS = RNG.normal(size=(5, 3)).astype("float32")


def small_network(normalize=True, dropout=0.0):
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", kernel_initializer="lecun_normal")(inputs)
    x = keras.layers.ReLU()(x)
    if normalize:
        # After the ReLU: a bias right before a normalisation has no gradient but rounding.
        x = keras.layers.BatchNormalization(momentum=0.1)(x)
    x = keras.layers.AveragePooling2D(2)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=1)(x)  # PyTorch would draw by itself
    features = keras.layers.Flatten()(x)
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])


class SubclassedNetwork(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = keras.layers.Conv2D(4, 3, activation="relu")
        self.normalization = keras.layers.BatchNormalization()
        self.dropout = keras.layers.Dropout(0.5)
        self.flatten = keras.layers.Flatten()
        self.head = keras.layers.Dense(3)

    def call(self, images, training=False):
        x = self.normalization(self.convolution(images), training=training)
        features = self.flatten(self.dropout(x, training=training))
        return self.head(features), features


def make_pool(build=small_network, size=2, limit=100, seed=0, rate=1e-2):
    pool = ModelPool(build, SHAPE, 3, size=size, max_online_steps=limit, seed=seed)
    pool.set_optimizer(keras.optimizers.Adam(rate, epsilon=1e-8))
    return pool


def stepper(pool):
    """`advance` compiled, as in the trainer: `step(index)` trains a member and returns the loss."""
    loss = keras.Variable(0.0, name="loss")

    def advance(index):
        pair = (ops.convert_to_tensor(array) for array in (IMAGES, LABELS))
        loss.assign(pool.advance(index, pool.read(index), *pair))

    compiled = backend.current().looped(advance, [*pool.variables, loss])

    def step(index):
        compiled(1, np.int32(index))
        return float(loss.numpy())

    return step


def arrays(member):
    """Every array of a member, copied."""
    return [np.array(v) for v in [*member.weights, *member.state, *member.slots, member.age]]


def set_age(pool, index, age):
    pool.write(index, pool.read(index)._replace(age=age))


def by_name(pool, member, name):
    paths = [v.path for v in pool.network.weights + pool.network.state]
    values = [*member.weights, *member.state]
    (found,) = [v for path, v in zip(paths, values, strict=True) if path.endswith(name)]
    return np.array(found)


# ---------------------------------------------------------------- fresh weights


def test_fresh_weights_come_from_each_layers_own_initializer():
    def build():
        inputs = keras.Input(SHAPE)
        x = keras.layers.Flatten()(inputs)
        x = keras.layers.Dense(500, kernel_initializer="lecun_normal", name="normal")(x)
        x = keras.layers.Dense(
            4,
            kernel_initializer="identity",
            bias_initializer=keras.initializers.Constant(0.7),
            name="constant",
        )(x)
        x = keras.layers.Dense(
            200, kernel_initializer=keras.initializers.RandomUniform(2.0, 3.0), name="uniform"
        )(x)
        x = keras.layers.BatchNormalization(gamma_initializer="zeros", name="normalization")(x)
        return keras.Model(inputs, [keras.layers.Dense(3, name="head")(x), x])

    pool = ModelPool(build, SHAPE, 3, size=1)
    draw = backend.current().compiled(pool.network.draw)  # as a replacement does it
    weights, state = draw(keras.random.SeedGenerator(3).next())
    member = pool.read(0)._replace(weights=weights, state=state)

    normal = by_name(pool, member, "normal/kernel")
    assert normal.mean() == pytest.approx(0.0, abs=0.005)
    assert normal.std() == pytest.approx(1 / 6, rel=0.03)  # fan-in 36
    assert np.abs(normal).max() < 2.3 / 6  # truncated at two standard deviations before rescaling
    np.testing.assert_array_equal(by_name(pool, member, "constant/kernel"), np.eye(500, 4))
    np.testing.assert_array_equal(by_name(pool, member, "constant/bias"), np.float32(0.7))
    uniform = by_name(pool, member, "uniform/kernel")
    assert 2 <= uniform.min() < 2.05 and 2.95 < uniform.max() <= 3
    np.testing.assert_array_equal(by_name(pool, member, "normalization/gamma"), 0)
    np.testing.assert_array_equal(by_name(pool, member, "moving_variance"), 1)


def test_layers_of_the_same_shape_get_different_weights():
    def build():
        inputs = keras.Input(SHAPE)
        x = keras.layers.Flatten()(inputs)
        x = keras.layers.Dense(36, name="first")(x)
        x = keras.layers.Dense(36, name="second")(x)
        return keras.Model(inputs, [keras.layers.Dense(3)(x), x])

    pool = make_pool(build, size=1)
    member = pool.read(0)
    first, second = by_name(pool, member, "first/kernel"), by_name(pool, member, "second/kernel")
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_members_differ_and_the_seed_decides():
    kernels = np.array(make_pool(size=3, seed=4).stacked_weights[0].value)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(kernels[one] - kernels[other]).max() > 0.05
    np.testing.assert_array_equal(kernels, make_pool(size=3, seed=4).stacked_weights[0].value)
    assert (
        np.abs(kernels - np.array(make_pool(size=3, seed=5).stacked_weights[0].value)).max() > 0.05
    )


def test_every_replacement_draws_anew_also_with_a_seeded_initializer():
    def build():
        inputs = keras.Input(SHAPE)
        features = keras.layers.Flatten()(inputs)
        initializer = keras.initializers.GlorotUniform(seed=7)
        return keras.Model(
            inputs, [keras.layers.Dense(3, kernel_initializer=initializer)(features), features]
        )

    pool = make_pool(build, size=1, limit=1)
    step, drawn = stepper(pool), [np.array(pool.read(0).weights[0])]
    for _ in range(3):
        set_age(pool, 0, 2)
        step(0)
        drawn.append(np.array(pool.read(0).weights[0]))
    for i in range(4):
        for j in range(i):
            assert np.abs(drawn[i] - drawn[j]).max() > 0.05, (i, j)


@pytest.mark.parametrize(
    ("size", "limit", "ages"),
    [(4, 100, [0, 25, 50, 75]), (3, 100, [0, 33, 66]), (1, 7, [0]), (5, 3, [0] * 5)],
)
def test_first_ages_are_staggered(size, limit, ages):
    assert np.array(make_pool(size=size, limit=limit).ages.value).tolist() == ages


# ---------------------------------------------------------------- replacement


def test_a_member_is_replaced_strictly_above_the_age_limit():
    pool = make_pool(limit=3, size=2)
    set_age(pool, 1, 0)
    step, ages, kernels = stepper(pool), [], [np.array(pool.read(1).weights[0])]
    for _ in range(6):
        step(1)
        ages.append(int(pool.read(1).age))
        kernels.append(np.array(pool.read(1).weights[0]))
    # Ages 0, 1, 2 and 3 train; age 4 is replaced, which costs the step; then training goes on.
    assert ages == [1, 2, 3, 4, 0, 1]
    moves = [np.abs(b - a).max() for a, b in zip(kernels, kernels[1:], strict=False)]
    training, replacement = moves[:4] + moves[5:], moves[4]
    assert 0 < min(training) and max(training) < 0.02  # Adam at 1e-2
    assert replacement > 0.1


def test_replacement_clears_moments_and_statistics_and_does_not_train():
    pool = make_pool(limit=3, size=1)
    step = stepper(pool)
    for _ in range(2):
        step(0)
    used = pool.read(0)
    assert all(np.abs(np.array(slot)).max() > 0 for slot in used.slots)
    assert np.abs(by_name(pool, used, "moving_mean")).max() > 0
    set_age(pool, 0, 4)
    step(0)
    fresh = pool.read(0)
    assert len(fresh.slots) == 1 + 2 * len(fresh.weights)  # Adam: iterations and two moments
    for slot in fresh.slots:
        np.testing.assert_array_equal(slot, 0)
    assert int(fresh.age) == 0
    np.testing.assert_array_equal(by_name(pool, fresh, "moving_mean"), 0)
    np.testing.assert_array_equal(by_name(pool, fresh, "moving_variance"), 1)
    np.testing.assert_array_equal(by_name(pool, fresh, "beta"), 0)  # a training step would move it
    np.testing.assert_array_equal(by_name(pool, fresh, "gamma"), 1)


def test_optimizer_state_that_does_not_start_at_zero_is_restored():
    pool = ModelPool(small_network, SHAPE, 3, size=1, max_online_steps=2)
    pool.set_optimizer(keras.optimizers.Adagrad(1e-2, initial_accumulator_value=0.25))
    step = stepper(pool)
    step(0)
    assert not all((np.array(slot) == 0.25).all() for slot in pool.read(0).slots[1:])
    set_age(pool, 0, 3)
    step(0)
    for slot in pool.read(0).slots[1:]:
        np.testing.assert_array_equal(slot, np.float32(0.25))


# ---------------------------------------------------------------- training


def independent_copy(pool, build, index):
    """The same network outside of the pool, with the member's weights."""
    member, network = pool.read(index), build()
    for variable, value in zip(network.trainable_variables, member.weights, strict=True):
        variable.assign(value)
    for variable, value in zip(network.non_trainable_variables, member.state, strict=True):
        variable.assign(value)
    return network


class HalfSquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return 0.5 * ops.sum(ops.square(y_pred - y_true), axis=-1)


@pytest.mark.parametrize(("normalize", "dropout"), [(False, 0.0), (True, 0.5)])
def test_a_step_equals_keras_training_of_a_copy(normalize, dropout):
    def build():
        return small_network(normalize, dropout)

    pool = make_pool(build, size=3)
    before = [arrays(pool.read(i)) for i in range(3)]
    copy = independent_copy(pool, build, 1)
    copy.compile(
        keras.optimizers.Adam(1e-2, epsilon=1e-8), loss=[HalfSquaredError(), None], run_eagerly=True
    )
    step = stepper(pool)
    for _ in range(3):
        loss = step(1)
        expected = copy.train_on_batch(IMAGES, [LABELS, None])
        expected = expected[0] if isinstance(expected, (list, tuple)) else expected
        assert loss == pytest.approx(float(expected), rel=1e-5)
    member = pool.read(1)
    results = [*member.weights, *member.state]
    variables = copy.trainable_variables + copy.non_trainable_variables
    for variable, result in zip(variables, results, strict=True):
        np.testing.assert_allclose(
            np.array(result), np.array(variable), rtol=1e-4, atol=1e-5, err_msg=variable.path
        )
    assert int(member.age) == 33 + 3
    for i in (0, 2):
        for old, new in zip(before[i], arrays(pool.read(i)), strict=True):
            np.testing.assert_array_equal(old, new)


def test_each_member_has_its_own_dropout_stream():
    pool = make_pool(lambda: small_network(dropout=0.5), size=3)
    (position,) = [i for i, v in enumerate(pool.network.state) if "seed_generator_state" in v.path]
    streams = np.array(pool.stacked_state[position].value)
    assert len({tuple(stream) for stream in streams.tolist()}) == 3
    # Equal weights, different streams: other units are dropped.
    first = pool.read(0)
    pool.write(1, first._replace(state=pool.read(1).state))
    losses = list(map(stepper(pool), (0, 1)))
    assert losses[0] != losses[1]
    # And a stream moves on.
    advanced = np.array(pool.stacked_state[position].value)
    assert (advanced[0] != streams[0]).any() and (advanced[2] == streams[2]).all()


def test_features_use_the_running_statistics_and_drop_nothing():
    pool = make_pool(lambda: small_network(dropout=0.5), size=1)
    member = pool.read(0)
    features = to_numpy(pool.features(member, IMAGES))
    assert features.shape == (5, 36)
    network = independent_copy(pool, lambda: small_network(dropout=0.5), 0)
    expected = to_numpy(network(IMAGES, training=False)[1])
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
    one_by_one = [to_numpy(pool.features(member, image[None]))[0] for image in IMAGES]
    np.testing.assert_allclose(features, one_by_one, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="measures with JAX's compiler")
def test_a_batch_beyond_the_budget_goes_through_in_parts_that_take_less_memory(monkeypatch):
    monkeypatch.setattr(backend, "has_accelerator", lambda: True)
    shape = (16, 16, 3)
    pool = ModelPool(lambda: ConvNet(shape, 3, width=16), shape, 3, size=1)
    images = RNG.normal(size=(206, *shape)).astype("float32")
    found = []
    for budget in (model_pool._BUDGET, 25 * 2 * pool._largest):
        monkeypatch.setattr(model_pool, "_BUDGET", budget)
        call, extra = backend.current().compiled_ahead(
            lambda images: pool.features(pool.read(0), images), (images,)
        )
        found.append((extra, np.asarray(call(images))))
    (most, expected), (less, features) = found
    assert less < 0.5 * most
    np.testing.assert_allclose(features, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "shape", "parts"),
    [
        # 56 images of 24x24 pixels make a part, so 100 make two of 50; features have no pixels.
        (
            lambda: ConvNet((24, 24, 1), 3, width=4),
            (24, 24, 1),
            {50} if keras.backend.backend() == "jax" else NATIVE,
        ),
        (lambda: MLP((5000,), 3, width=4), (5000,), {100}),
        (lambda: ConvNet((24, 24, 1), 3, width=4, implementation="native"), (24, 24, 1), NATIVE),
    ],
)
def test_parts_of_a_batch_on_a_cpu(monkeypatch, build, shape, parts):
    monkeypatch.setattr(backend, "has_accelerator", lambda: False)
    pool = ModelPool(build, shape, 3, size=1)
    seen = set()
    apply = pool.network.apply

    def recorded(weights, state, images, training):
        seen.add(images.shape[0])
        return apply(weights, state, images, training)

    monkeypatch.setattr(pool.network, "apply", recorded)
    images = np.zeros((100, *shape), "float32")
    assert pool.features(pool.read(0), images).shape[0] == 100
    assert seen == parts


def test_subclassed_networks_train():
    pool = make_pool(SubclassedNetwork, size=2)
    others = arrays(pool.read(1))
    losses = list(map(stepper(pool), [0] * 60))
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
    assert np.array(pool.features(pool.read(0), IMAGES)).shape == (5, 64)
    for old, new in zip(others, arrays(pool.read(1)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_features_of_any_rank_become_rows():
    def build():
        inputs = keras.Input(SHAPE)
        x = keras.layers.Conv2D(4, 3)(inputs)
        return keras.Model(inputs, [keras.layers.Dense(3)(keras.layers.Flatten()(x)), x])

    pool = make_pool(build, size=1)
    assert np.array(pool.features(pool.read(0), IMAGES)).shape == (5, 4 * 4 * 4)


# ---------------------------------------------------------------- refusals


def test_building_leaves_keras_as_it_was():
    original = keras.layers.Layer.add_weight
    make_pool(size=1)
    assert keras.layers.Layer.add_weight is original
    with pytest.raises(RuntimeError, match="from the user"):
        make_pool(_raise)
    assert keras.layers.Layer.add_weight is original


def _raise():
    raise RuntimeError("from the user")


def _one_output():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))


def _wrong_logits():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(4)(features), features])


def _wrong_order():
    network = small_network()
    return keras.Model(network.input, network.outputs[::-1])


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (small_network(), TypeError, "without arguments.*Received"),
        ("ConvNet", TypeError, "without arguments.*Received: 'ConvNet'"),
        (lambda: None, TypeError, "return a keras.Model. Received: NoneType"),
        (lambda: keras.layers.Dense(3), TypeError, "return a keras.Model. Received: Dense"),
        (_one_output, ValueError, r"two outputs, \[logits, features\]"),
        (_wrong_logits, ValueError, r"logits \(B, 3\).*logits \(2, 4\)"),
        (_wrong_order, ValueError, r"logits \(B, 3\).*logits \(2, 36\)"),
    ],
)
def test_unsuitable_feature_extractors_are_refused(build, error, message):
    with pytest.raises(error, match=f"`feature_extractor`.*{message}"):
        ModelPool(build, SHAPE, 3, size=1)


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("size", {"size": 0}),
        ("size", {"size": 2.0}),
        ("size", {"size": True}),
        ("max_online_steps", {"max_online_steps": 0}),
        ("max_online_steps", {"max_online_steps": 1.5}),
    ],
)
def test_sizes_out_of_range_are_refused(argument, options):
    with pytest.raises(ValueError, match=f"`{argument}` must be a positive integer. Received"):
        ModelPool(small_network, SHAPE, 3, **options)
