"""Networks as pure functions: which weights are drawn, which are kept, what a call changes."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import MLP, ConvNet
from keras_isa.models.recorded_network import RecordedNetwork

SHAPE = (6,)
FEATURES = np.random.default_rng(0).normal(size=(5, *SHAPE)).astype("float32")


class Subclassed(keras.Model):
    """Makes its layers at the first call; the inner ones hear of training from Keras alone."""

    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(40, kernel_initializer="orthogonal", name="hidden")
        self.normalization = keras.layers.BatchNormalization(momentum=0.5, name="norm")
        self.dropout = keras.layers.Dropout(0.5, seed=1)  # PyTorch would draw by itself
        self.head = keras.layers.Dense(3)

    def call(self, images):
        features = self.dropout(self.normalization(self.hidden(images)))
        return self.head(features), features


class Scaled(keras.layers.Layer):
    """Has variables that `add_weight` did not make."""

    def __init__(self):
        super().__init__()
        self.table = keras.Variable(np.arange(6, dtype="float32"), trainable=False, name="table")
        self.scale = keras.Variable("random_normal", shape=SHAPE, name="scale")

    def call(self, x):
        return x * self.scale + self.table


def recorded(build):
    return RecordedNetwork(build, SHAPE, 3)


def drawn(network, seed=0):
    """Weights and state by the end of their paths, as NumPy arrays."""
    weights, state = network.draw(keras.random.SeedGenerator(seed).next())
    variables = network.weights + network.state
    values = [np.array(value) for value in [*weights, *state]]
    return {"/".join(v.path.split("/")[-2:]): a for v, a in zip(variables, values, strict=True)}


def functional(*layers):
    """The function that builds a functional network of fresh layers."""

    def build():
        inputs = x = keras.Input(SHAPE)
        for make in layers:
            x = make()(x)
        return keras.Model(inputs, [keras.layers.Dense(3, name="head")(x), x])

    return build


def test_fresh_weights_come_from_each_layers_own_initializer():
    def build():
        inputs = x = keras.Input((36,))
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

    network = RecordedNetwork(build, (36,), 3)
    draw = backend.current().compiled(network.draw)  # as a replacement does it
    weights, state = draw(keras.random.SeedGenerator(3).next())
    paths = ["/".join(v.path.split("/")[-2:]) for v in network.weights + network.state]
    values = {path: np.array(v) for path, v in zip(paths, [*weights, *state], strict=True)}

    normal = values["normal/kernel"]
    assert normal.mean() == pytest.approx(0.0, abs=0.005)
    assert normal.std() == pytest.approx(1 / 6, rel=0.03)  # fan-in 36
    assert np.abs(normal).max() < 2.3 / 6  # truncated at two standard deviations before rescaling
    np.testing.assert_array_equal(values["constant/kernel"], np.eye(500, 4))
    np.testing.assert_array_equal(values["constant/bias"], np.float32(0.7))
    uniform = values["uniform/kernel"]
    assert 2 <= uniform.min() < 2.05 and 2.95 < uniform.max() <= 3
    np.testing.assert_array_equal(values["normalization/gamma"], 0)
    np.testing.assert_array_equal(values["normalization/moving_variance"], 1)


def test_layers_that_are_made_at_the_first_call_are_drawn_by_their_own_initializers():
    network = recorded(Subclassed)
    first, second = drawn(network, 1), drawn(network, 2)
    assert len(network.weights) == 6 and len(network.state) == 3
    kernels = first["hidden/kernel"], second["hidden/kernel"]
    for kernel in kernels:
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(6), atol=1e-5)
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1
    np.testing.assert_array_equal(first["norm/moving_variance"], 1)
    (seed,) = [path for path in first if path.endswith("/seed_generator_state")]
    assert (first[seed] != second[seed]).any()


def test_inner_layers_hear_of_training_and_the_network_stays_as_it_was():
    network = recorded(Subclassed)
    weights, state = network.draw(keras.random.SeedGenerator(0).next())
    before = [np.array(v) for v in network.state]
    kernel = np.array(weights[0])
    _, features, after = network.apply(weights, state, FEATURES, training=True)
    names = [v.name for v in network.state]
    mean = 0.5 * (FEATURES @ kernel).mean(axis=0)
    np.testing.assert_allclose(after[names.index("moving_mean")], mean, rtol=1e-4, atol=1e-6)
    seed = names.index("seed_generator_state")
    assert (np.array(after[seed]) != np.array(state[seed])).any()
    assert 0.3 < (np.array(features) == 0).mean() < 0.7  # dropped
    _, features, after = network.apply(weights, state, FEATURES, training=False)
    assert np.all(np.array(features) != 0)
    for value, expected in zip(after, state, strict=True):
        np.testing.assert_array_equal(value, expected)
    for variable, expected in zip(network.state, before, strict=True):
        np.testing.assert_array_equal(variable.value, expected)


def test_dropout_differs_from_step_to_step_and_not_between_equal_states():
    network = recorded(functional(lambda: keras.layers.Dropout(0.5, seed=1)))
    weights, state = network.draw(keras.random.SeedGenerator(0).next())
    ones = np.ones((9, *SHAPE), "float32")
    _, first, later = network.apply(weights, state, ones, training=True)
    again = network.apply(weights, state, ones, training=True)[1]
    second = network.apply(weights, later, ones, training=True)[1]
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != np.array(second)).any()


def test_variables_made_without_add_weight():
    network = recorded(functional(Scaled))
    first, second = drawn(network, 1), drawn(network, 2)
    np.testing.assert_array_equal(first["table"], np.arange(6))
    assert (first["scale"] != second["scale"]).all()


def test_flat_features():
    network = RecordedNetwork(lambda: MLP(SHAPE, 3, width=200), SHAPE, 3)
    (kernel,) = [value for value in drawn(network).values() if value.shape == (200, 200)]
    assert kernel.std() * np.sqrt(200) == pytest.approx(1.0, abs=0.02)
    values, state = network.draw(keras.random.SeedGenerator(0).next())
    logits, features, _ = network.apply(values, state, FEATURES, training=False)
    assert logits.shape == (5, 3) and features.shape == (5, 200)


def test_values_that_build_assigns_are_kept():
    loaded = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")

    def build():
        inputs = keras.Input(SHAPE)
        normalization = keras.layers.Normalization()
        normalization.adapt(FEATURES)
        hidden = keras.layers.Dense(4, name="loaded")
        features = hidden(keras.layers.Rescaling(2.0)(normalization(inputs)))
        hidden.set_weights([loaded, np.ones(4)])
        return keras.Model(inputs, [keras.layers.Dense(3, name="head")(features), features])

    network = recorded(build)
    first, second = drawn(network, 1), drawn(network, 2)
    for draw in (first, second):
        np.testing.assert_array_equal(draw["loaded/kernel"], loaded)
        np.testing.assert_array_equal(draw["loaded/bias"], 1)
    assert (first["head/kernel"] != second["head/kernel"]).any()
    weights, state = network.draw(keras.random.SeedGenerator(0).next())
    _, features, _ = network.apply(weights, state, FEATURES, training=False)
    normal = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
    np.testing.assert_allclose(features, 2 * normal @ loaded + 1, rtol=1e-3, atol=1e-4)


def test_frozen_layers_are_drawn_but_not_trained():
    def frozen():
        layer = keras.layers.Dense(4, name="frozen")
        layer.trainable = False
        return layer

    network = recorded(functional(frozen))
    assert [v.path.split("/")[-2] for v in network.weights] == ["head", "head"]
    assert (drawn(network, 1)["frozen/kernel"] != drawn(network, 2)["frozen/kernel"]).all()


class Noise(keras.layers.Layer):
    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def call(self, x):
        return x + keras.random.normal((6,), seed=self.generator)


class Shared(keras.Model):
    """One dense layer called twice, one generator held twice."""

    def __init__(self):
        super().__init__()
        self.generator = keras.random.SeedGenerator(0)
        self.noise = Noise(self.generator)
        self.twice = keras.layers.Dense(6)
        self.head = keras.layers.Dense(3)

    def call(self, images):
        features = self.twice(self.noise(self.twice(images)))
        return self.head(features), features


def test_what_is_used_twice_is_one():
    network = recorded(Shared)
    assert [tuple(v.shape) for v in network.weights] == [(6, 6), (6,), (6, 3), (3,)]
    assert len(network.state) == 1
    weights, state = network.draw(keras.random.SeedGenerator(0).next())
    _, first, later = network.apply(weights, state, FEATURES, training=True)
    _, second, _ = network.apply(weights, later, FEATURES, training=True)
    assert (np.array(first) != np.array(second)).any()


def test_weights_from_before_the_call_are_refused_unless_frozen():
    shared = keras.layers.Dense(4, name="shared")
    build = functional(lambda: shared)
    recorded(build)  # makes the weights of the layer
    with pytest.raises(ValueError, match="`feature_extractor` must make .*Received.*shared/kernel"):
        recorded(build)
    shared.trainable = False
    kernel = np.array(shared.kernel)
    np.testing.assert_array_equal(drawn(recorded(build))["shared/kernel"], kernel)


@pytest.mark.parametrize("built", [MLP(SHAPE, 3, width=2), None, "mlp"])
def test_what_is_no_function_is_refused(built):
    with pytest.raises(TypeError, match="`feature_extractor` must be a function .*Received"):
        recorded(built)


@pytest.mark.parametrize("built", [keras.layers.Dense(3), None])
def test_what_builds_no_model_is_refused(built):
    with pytest.raises(TypeError, match="`feature_extractor` must return a keras.Model. Received"):
        recorded(lambda: built)


def test_keras_is_left_as_it_was():
    def fail():
        raise RuntimeError("from the user")

    originals = keras.Variable.__init__, keras.Variable.assign
    recorded(Subclassed)
    with pytest.raises(RuntimeError, match="from the user"):
        recorded(fail)
    assert (keras.Variable.__init__, keras.Variable.assign) == originals


def outputs_of(choose):
    """A function that builds a network whose outputs are made of its features."""

    def build():
        inputs = keras.Input(SHAPE)
        features = keras.layers.Dense(36)(inputs)
        return keras.Model(inputs, choose(features))

    return build


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda x: keras.layers.Dense(3)(x), r"two outputs, \[logits, features\]"),
        (lambda x: [keras.layers.Dense(4)(x), x], r"logits \(B, 3\).*logits \(2, 4\)"),
        (lambda x: [x, keras.layers.Dense(3)(x)], r"logits \(B, 3\).*logits \(2, 36\)"),
    ],
)
def test_other_outputs_are_refused(choose, message):
    with pytest.raises(ValueError, match=f"`feature_extractor`.*{message}"):
        recorded(outputs_of(choose))


def test_first_values_are_not_compiled_and_fresh_ones_come_from_the_initializers():
    seen = {}

    def build():
        dense = keras.layers.Dense(7, kernel_initializer="he_normal", bias_initializer="ones")
        inputs = keras.Input((5,))
        features = dense(inputs)
        seen["kernel"], seen["bias"] = (to_numpy(variable) for variable in dense.weights)
        return keras.Model(inputs, [keras.layers.Dense(3)(features), features])

    network = RecordedNetwork(build, (5,), 3)
    assert 0.01 < np.abs(seen["kernel"]).max() < 0.5 and (seen["bias"] == 1).all()
    (kernel, bias, *_), _ = network.draw(keras.random.SeedGenerator(0).next())
    assert to_numpy(kernel).std() == pytest.approx(np.sqrt(2 / 5), rel=0.4)
    assert (to_numpy(bias) == 1).all()
    if keras.backend.backend() == "jax":
        from keras_isa.backend.compile_log import CompileLog

        log = CompileLog()
        RecordedNetwork(lambda: ConvNet((9, 11, 2), 3, width=5), (9, 11, 2), 3)
        assert not {"_truncated_normal", "_normal", "_uniform"} & set(log.programs)
