"""Networks side by side: their draws, their features and two ways of training them."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import MLP, ConvNet, Ensemble, ensemble
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.optimizers import SGD, Adam

SHAPE = (6, 6, 1)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(5, *SHAPE)).astype("float32")
NATIVE = {64, 36}  # parts of 100 images of 24x24 pixels where Keras convolves


def small_network(dropout=0.0):
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.BatchNormalization(momentum=0.1)(x)
    x = keras.layers.AveragePooling2D(2)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=1)(x)
    features = keras.layers.Flatten()(x)
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])


def make(build=small_network, size=2, shape=SHAPE, **options):
    return Ensemble(RecordedNetwork(build, shape, 3), size=size, **options)


def by_name(networks, index, name):
    paths = [v.path for v in networks.network.weights]
    (found,) = [
        value
        for path, value in zip(paths, networks.read(index).weights, strict=True)
        if path.endswith(name)
    ]
    return np.array(found)


def arrays(member):
    """Every array of a network, copied."""
    return [np.array(v) for v in [*member.weights, *member.state, *member.slots]]


# ---------------------------------------------------------------- draws


def test_layers_of_the_same_shape_get_different_weights():
    def build():
        inputs = keras.Input(SHAPE)
        x = keras.layers.Flatten()(inputs)
        x = keras.layers.Dense(36, name="first")(x)
        x = keras.layers.Dense(36, name="second")(x)
        return keras.Model(inputs, [keras.layers.Dense(3)(x), x])

    networks = make(build, size=1)
    first, second = (by_name(networks, 0, f"{name}/kernel") for name in ("first", "second"))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_networks_differ_and_the_seed_decides():
    kernels, same, other = (
        to_numpy(make(size=3, seed=seed).stacked_weights[0]) for seed in (4, 4, 5)
    )
    for one, another in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(kernels[one] - kernels[another]).max() > 0.05
    np.testing.assert_array_equal(kernels, same)
    assert np.abs(kernels - other).max() > 0.05


def test_each_network_has_its_own_dropout_stream():
    networks = make(lambda: small_network(dropout=0.5), size=3)
    variables = networks.network.state
    (position,) = [i for i, v in enumerate(variables) if "seed_generator_state" in v.path]
    streams = to_numpy(networks.stacked_state[position])
    assert len({tuple(stream) for stream in streams.tolist()}) == 3


def test_a_network_is_written_where_it_belongs():
    networks = make(size=3)
    networks.set_optimizer(Adam(0.1))
    before = [arrays(networks.read(index)) for index in range(3)]
    networks.write(
        1, type(networks.read(2))(*([v + 1 for v in group] for group in networks.read(2)))
    )
    for index in (0, 2):
        for one, other in zip(arrays(networks.read(index)), before[index], strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(arrays(networks.read(1)), before[2], strict=True):
        np.testing.assert_array_equal(one, other + 1)


# ---------------------------------------------------------------- features


def test_features_use_the_running_statistics_and_drop_nothing():
    networks = make(lambda: small_network(dropout=0.5), size=1)
    member = networks.read(0)
    features = to_numpy(networks.features(member, IMAGES))
    assert features.shape == (5, 36)
    alone = small_network()
    values = [v for v in member.state if v.shape != (2,)]  # without the generator of the dropout
    variables = alone.trainable_variables + alone.non_trainable_variables
    for variable, value in zip(variables, [*member.weights, *values], strict=True):
        variable.assign(value)
    expected = to_numpy(alone(IMAGES, training=False)[1])
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
    one_by_one = [to_numpy(networks.features(member, image[None]))[0] for image in IMAGES]
    np.testing.assert_allclose(features, one_by_one, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="measures with JAX's compiler")
def test_a_batch_beyond_the_budget_goes_through_in_parts_that_take_less_memory(monkeypatch):
    monkeypatch.setattr(backend, "has_accelerator", lambda: True)
    shape = (16, 16, 3)
    networks = make(lambda: ConvNet(shape, 3, width=16), size=1, shape=shape)
    images = RNG.normal(size=(206, *shape)).astype("float32")
    found = []
    for budget in (ensemble._BUDGET, 25 * 2 * networks._largest):
        monkeypatch.setattr(ensemble, "_BUDGET", budget)
        call, extra = backend.current().compiled_ahead(
            lambda images: networks.features(networks.read(0), images), (images,)
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
    networks = make(build, size=1, shape=shape)
    seen = set()
    apply = networks.network.apply

    def recorded(weights, state, images, training):
        seen.add(images.shape[0])
        return apply(weights, state, images, training)

    monkeypatch.setattr(networks.network, "apply", recorded)
    images = np.zeros((100, *shape), "float32")
    assert networks.features(networks.read(0), images).shape[0] == 100
    assert seen == parts


def test_features_of_any_rank_become_rows():
    def build():
        inputs = keras.Input(SHAPE)
        x = keras.layers.Conv2D(4, 3)(inputs)
        return keras.Model(inputs, [keras.layers.Dense(3)(keras.layers.Flatten()(x)), x])

    networks = make(build, size=1)
    assert np.array(networks.features(networks.read(0), IMAGES)).shape == (5, 4 * 4 * 4)


# ---------------------------------------------------------------- optimizers


def gradients_of(networks, step):
    """Gradients of the stacked weights, other ones in each step and for each network."""
    rng = np.random.default_rng(step)
    shapes = [v.shape for v in networks.stacked_weights]
    return [ops.convert_to_tensor(rng.normal(size=shape).astype("float32")) for shape in shapes]


def stepped(networks, count):
    """Takes so many steps, one network at a time or all together, as the optimizer was set."""
    for step in range(count):
        gradients = gradients_of(networks, step)
        state = [ops.convert_to_tensor(v) + step for v in networks.stacked_state]
        if not networks.stacked_slots:
            networks.step_all(gradients, state)
            continue
        for index in range(networks.size):
            own = [gradient[index] for gradient in gradients]
            after = [value[index] for value in state]
            networks.write(index, networks.step(networks.read(index), own, after))


@pytest.mark.parametrize(
    "optimizer", [lambda: Adam(0.1), lambda: SGD(0.1, momentum=0.9, weight_decay=0.1)]
)
def test_networks_that_train_together_are_those_that_train_one_at_a_time(optimizer):
    found = []
    for together in (False, True):
        networks = make(size=3, seed=1)
        start = arrays(networks.read(2))
        networks.set_optimizer(optimizer(), together=together)
        stepped(networks, 3)
        found.append([arrays(networks.read(index)._replace(slots=[])) for index in range(3)])
        assert np.abs(found[-1][2][0] - start[0]).max() > 0.1
    for apart, joint in zip(*found, strict=True):
        for one, other in zip(apart, joint, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_caller_may_take_the_common_step():
    networks, seen = make(), []
    optimizer = SGD(0.1)
    networks.set_optimizer(optimizer, together=True)
    networks.step_all([1, 2], networks.stacked_state, lambda *given: seen.append(given))
    assert seen == [(optimizer, [1, 2], networks.stacked_weights)]


@pytest.mark.parametrize("together", [False, True])
def test_a_restart_leaves_nothing_but_the_learning_rate(together):
    networks = make(size=2)
    optimizer = keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.25)
    networks.set_optimizer(optimizer, together=together)
    stepped(networks, 2)
    optimizer.learning_rate = 0.5
    networks.restart(keras.random.SeedGenerator(7))
    fresh = make(size=2, seed=7)
    for one, other in zip(
        networks.stacked_weights + networks.stacked_state,
        fresh.stacked_weights + fresh.stacked_state,
        strict=True,
    ):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other))
    (rate,) = [v for v in networks.shared if v is optimizer._learning_rate]
    assert float(rate.value) == 0.5
    steps, *sums = networks.stacked_slots or [v for v in networks.shared if v is not rate]
    assert not to_numpy(steps).any() and len(sums) == len(networks.stacked_weights)
    for sum_of_squares in sums:
        np.testing.assert_array_equal(to_numpy(sum_of_squares), np.float32(0.25))


def test_a_fresh_network_is_as_at_the_start_of_a_training():
    networks = make(size=2)
    networks.set_optimizer(Adam(0.1))
    stepped(networks, 1)
    member = networks.fresh(keras.random.SeedGenerator(3).next())
    assert np.abs(arrays(member)[0] - arrays(networks.read(0))[0]).max() > 0.05
    for slot in member.slots:
        np.testing.assert_array_equal(slot, 0)
    assert len(member.slots) == len(networks.stacked_slots)
    assert make().fresh(keras.random.SeedGenerator(3).next()).slots == []


def test_sizes_out_of_range_are_refused():
    for size in (0, 2.0, True):
        with pytest.raises(ValueError, match="`size` must be a positive integer. Received"):
            make(size=size)
