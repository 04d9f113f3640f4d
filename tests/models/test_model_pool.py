"""The pool: ages, replacement, and training that equals a plain Keras model's."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import ModelPool

SHAPE = (6, 6, 1)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(5, *SHAPE)).astype("float32")
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
    return [np.array(v) for v in [*member.weights, *member.state, *member.slots]]


def set_age(pool, index, age):
    pool.ages.assign(np.where(np.arange(pool.size) == index, age, to_numpy(pool.ages)))


def by_name(pool, member, name):
    paths = [v.path for v in pool.network.weights + pool.network.state]
    values = [*member.weights, *member.state]
    (found,) = [v for path, v in zip(paths, values, strict=True) if path.endswith(name)]
    return np.array(found)


# ---------------------------------------------------------------- fresh weights


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
        ages.append(int(pool.ages[1]))
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
    assert int(pool.ages[0]) == 0
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
    assert to_numpy(pool.ages).tolist() == [0, 33 + 3, 66]
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


def test_subclassed_networks_train():
    pool = make_pool(SubclassedNetwork, size=2)
    others = arrays(pool.read(1))
    losses = list(map(stepper(pool), [0] * 60))
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
    assert np.array(pool.features(pool.read(0), IMAGES)).shape == (5, 64)
    for old, new in zip(others, arrays(pool.read(1)), strict=True):
        np.testing.assert_array_equal(old, new)


# ---------------------------------------------------------------- refusals


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


# ---------------------------------------------------------------- several steps at a time


def trainer_of(pool):
    """`advance_by` compiled: `train(index, steps)`."""

    def train(index, steps):
        pair = (ops.convert_to_tensor(array) for array in (IMAGES, LABELS))
        pool.advance_by(index, pool.read(index), *pair, steps)

    compiled = backend.current().looped(train, pool.variables)
    return lambda index, steps: compiled(1, np.int32(index), np.int32(steps))


def test_several_steps_are_as_many_single_ones():
    together, single = make_pool(size=2, limit=100), make_pool(size=2, limit=100)
    for pool in (together, single):
        set_age(pool, 1, 0)
    trainer_of(together)(1, 3)
    step = stepper(single)
    for _ in range(3):
        step(1)
    for found, expected in zip(arrays(together.read(1)), arrays(single.read(1)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert to_numpy(together.ages).tolist() == to_numpy(single.ages).tolist() == [0, 3]


def test_a_member_with_enough_steps_is_replaced():
    pool = ModelPool(small_network, SHAPE, 3, size=2, max_online_steps=5, stagger=False)
    pool.set_optimizer(keras.optimizers.Adam(1e-2, epsilon=1e-8))
    assert to_numpy(pool.ages).tolist() == [0, 0]
    train, before = trainer_of(pool), arrays(pool.read(0))
    train(0, 4)
    assert to_numpy(pool.ages).tolist() == [4, 0]
    assert np.abs(arrays(pool.read(0))[0] - before[0]).max() < 0.1  # four steps of Adam at 1e-2
    train(0, 2)
    assert to_numpy(pool.ages).tolist() == [0, 0]
    assert np.abs(arrays(pool.read(0))[0] - before[0]).max() > 0.1
    assert not any(np.any(one) for one in [to_numpy(v) for v in pool.read(0).slots])
