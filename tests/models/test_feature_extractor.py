"""Logits and features of any Keras model, and pools of such models."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import with_features
from keras_isa.models.feature_extractor import FeatureExtractor
from keras_isa.models.recorded_network import RecordedNetwork

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).normal(size=(6, *SHAPE)).astype("float32")


def body():
    return [
        keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="convolution"),
        keras.layers.BatchNormalization(momentum=0.5, name="normalization"),
        keras.layers.Dropout(0.5, seed=1),  # PyTorch would draw by itself
        keras.layers.Flatten(),
    ]


def head():
    return keras.layers.Dense(3, name="classes")


def chained(x, layers):
    for layer in layers:
        x = layer(x)
    return x


def functional():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chained(inputs, [*body(), head()]))


def sequential():
    return keras.Sequential([keras.Input(SHAPE), *body(), head()])


def unbuilt_sequential():
    return keras.Sequential([*body(), head()])


def nested():
    inner, inputs = keras.Input(SHAPE), keras.Input(SHAPE)
    backbone = keras.Model(inner, chained(inner, body()), name="backbone")
    return keras.Model(inputs, head()(backbone(inputs)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.body, self.classes = body(), head()

    def call(self, images):
        return self.classes(chained(images, self.body))


class Block(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.body = body()

    def call(self, x):
        return chained(x, self.body)


class Composed(keras.Model):
    def __init__(self):
        super().__init__()
        self.block, self.classes = Block(name="block"), head()

    def call(self, images):
        return self.classes(self.block(images))


KINDS = [functional, sequential, unbuilt_sequential, nested, Subclassed, Composed]
# One model with a graph and one without are tested by default; the others take longer.
SOME_KINDS = [functional, Subclassed]
OTHER_KINDS = [pytest.param(x, marks=pytest.mark.slow) for x in KINDS if x not in SOME_KINDS]


def drawn(network, seed=0):
    return network.draw(keras.random.SeedGenerator(seed).next())


@pytest.fixture(scope="module")
def reference():
    """A graph with the output of every layer, built without the library."""
    model = functional()
    return model, keras.Model(model.input, {x.name: x.output for x in model.layers[1:]})


# ---------------------------------------------------------------- what comes out


@pytest.mark.parametrize("build", KINDS)
def test_logits_and_features_are_the_layers_own(build, reference):
    plain, graph = reference
    network = RecordedNetwork(with_features(build, "normalization", 3), SHAPE, 3)
    weights, state = drawn(network)
    variables = network.weights + network.state
    values = dict(zip(map(id, variables), weights + state, strict=True))
    plain.set_weights([values[id(v)] for v in network.network.weights])
    for training in (False, True):
        logits, features, after = network.apply(weights, state, IMAGES, training=training)
        expected = graph(IMAGES, training=training)
        flat = to_numpy(expected["normalization"]).reshape(6, -1)
        np.testing.assert_allclose(to_numpy(features), flat, rtol=1e-4, atol=1e-5)
        if not training:
            classes = to_numpy(expected["classes"])
            np.testing.assert_allclose(to_numpy(logits), classes, rtol=1e-4, atol=1e-5)
    before, after = (
        {v.name: np.array(value) for v, value in zip(network.state, values, strict=True)}
        for values in (state, after)
    )
    layer = plain.get_layer("normalization")
    np.testing.assert_allclose(after["moving_mean"], layer.moving_mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after["moving_variance"], layer.moving_variance, rtol=1e-4)
    assert (after["seed_generator_state"] != before["seed_generator_state"]).any()


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="draws nothing when vectorised")
@pytest.mark.parametrize("build", [functional, Composed])
def test_networks_are_vectorised(build):
    network = RecordedNetwork(with_features(build, "convolution", 3), SHAPE, 3)
    members = [drawn(network, seed) for seed in (0, 1)]
    lists = zip(*members, strict=True)
    stacked = [[np.stack(pair) for pair in zip(*both, strict=True)] for both in lists]
    logits, features, state = ops.vectorized_map(
        lambda member: network.apply(*member, IMAGES, training=True), stacked
    )
    for index, (weights, before) in enumerate(members):
        expected = network.apply(weights, before, IMAGES, training=True)
        np.testing.assert_allclose(features[index], expected[1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(logits[index], expected[0], rtol=1e-4, atol=1e-5)
        for value, wanted in zip(state, expected[2], strict=True):
            np.testing.assert_allclose(value[index], wanted, rtol=1e-4, atol=1e-5)


def test_graphs_are_followed_and_other_models_watched():
    assert not isinstance(with_features(sequential, "dropout", 3)(), FeatureExtractor)
    assert isinstance(with_features(nested, "dropout", 3)(), FeatureExtractor)
    watched = with_features(Subclassed, "dropout", 3)()
    watched(IMAGES)
    assert "results" not in vars(watched.layer) and watched.layer.call == watched.layer.call
    assert watched.layer.call.__func__ is keras.layers.Dropout.call  # as it was before


@pytest.mark.parametrize("build", [functional, Subclassed])
def test_a_head_is_added_to_a_model_without_logits(build):
    network = RecordedNetwork(with_features(build, "convolution", 5), SHAPE, 5)
    weights, state = drawn(network)
    logits, features, _ = network.apply(weights, state, IMAGES, training=False)
    assert features.shape == (6, 36) and logits.shape == (6, 5)
    kernel, bias = weights[-2:]
    np.testing.assert_allclose(logits, features @ kernel + bias, rtol=1e-4, atol=1e-5)
    assert np.array(kernel).std() * 6 == pytest.approx(1.0, abs=0.1)
    np.testing.assert_array_equal(bias, 0)
    # The graph ends at the features; layers that only the old logits needed are left out.
    if build is functional:
        assert [tuple(w.shape) for w in weights] == [(3, 3, 1, 4), (4,), (36, 5), (5,)]


def test_the_number_of_classes_may_be_the_models_own():
    assert with_features(functional, "flatten")().outputs[0].shape == (None, 3)
    backbone = lambda: keras.Sequential([keras.Input(SHAPE), body()[0]])  # noqa: E731
    with pytest.raises(ValueError, match="`num_classes` must be given .*Received"):
        with_features(backbone, "convolution")()


def test_images_of_no_fixed_size():
    def build():
        inputs = keras.Input((None, None, 1))
        x = keras.layers.Conv2D(4, 3, name="convolution")(inputs)
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))

    network = RecordedNetwork(with_features(build, "convolution", 3), SHAPE, 3)
    logits, features, _ = network.apply(*drawn(network), IMAGES, training=False)
    assert logits.shape == (6, 3) and features.shape == (6, 144)


def test_dictionaries():
    def build():
        inputs = keras.Input(SHAPE, name="images")
        x = keras.layers.Flatten()(inputs)
        outputs = {"small": keras.layers.Dense(2, name="small")(x), "same": x}
        return keras.Model({"images": inputs}, outputs)

    logits, features = with_features(build, "small", 4)()(IMAGES)
    assert logits.shape == (6, 4) and features.shape == (6, 2)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["backbone/dropout", "dropout"])
def test_names_stay_when_a_model_is_built_again(name):
    keras.layers.Dropout(0.5)  # takes the first automatic name outside
    build = with_features(nested, name, 3)
    assert build().layer.name == build().layer.name == "dropout"
    assert keras.layers.Dropout(0.5).name != "dropout"  # names outside count on


# ---------------------------------------------------------------- what cannot be


class Probabilities(Subclassed):
    def __init__(self):
        super().__init__()
        self.classes.activation = keras.activations.softmax


def with_softmax_operation():
    model = functional()
    return keras.Model(model.input, ops.softmax(model.output))


@pytest.mark.parametrize(
    "build",
    [
        Probabilities,
        with_softmax_operation,
        lambda: keras.Sequential([keras.Input(SHAPE), *body(), head(), keras.layers.Softmax()]),
        lambda: keras.Sequential([*body(), head(), keras.layers.Activation("softmax")]),
    ],
)
def test_probabilities_are_no_logits(build):
    with pytest.raises(ValueError, match="must end in logits.*classifier_activation=None.*Rec"):
        RecordedNetwork(with_features(build, "convolution", 3), SHAPE, 3)
    # With another number of classes the probabilities are not used.
    RecordedNetwork(with_features(build, "convolution", 4), SHAPE, 4)


def called_twice():
    layer = keras.layers.Dense(64, name="twice")
    inputs = keras.Input(SHAPE)
    x = layer(layer(keras.layers.Flatten()(inputs)))
    return keras.Model(inputs, keras.layers.Dense(3)(x))


class CalledTwice(keras.Model):
    def __init__(self, calls=2):
        super().__init__()
        self.twice, self.classes, self.calls = keras.layers.Dense(1, name="twice"), head(), calls

    def build(self, input_shape):
        self.twice.build(input_shape)
        self.classes.build((None, 64))

    def call(self, images):
        for _ in range(self.calls):
            images = self.twice(images)
        return self.classes(ops.reshape(images, (-1, 64)))


def with_states():
    inputs = keras.Input(SHAPE)
    x = keras.layers.Reshape((8, 8))(inputs)
    x = keras.layers.SimpleRNN(4, return_state=True, name="twice")(x)
    return keras.Model(inputs, keras.layers.Dense(3)(x[0]))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (called_twice, "called 2 times"),
        (CalledTwice, "called 2 times"),
        (lambda: CalledTwice(0), "called 0 times"),
        (with_states, "returns 2"),
    ],
)
def test_a_feature_is_one_tensor_of_one_call(build, reason):
    with pytest.raises(ValueError, match=f"`feature_layer` must name a layer .*Rec.*{reason}"):
        RecordedNetwork(with_features(build, "twice", 3), SHAPE, 3)


def test_models_of_two_inputs_are_refused():
    def build():
        inputs = [keras.Input((4,)), keras.Input((4,))]
        return keras.Model(inputs, keras.layers.Add(name="sum")(inputs))

    with pytest.raises(ValueError, match="`feature_extractor` must .* one input.*Received: 2"):
        with_features(build, "sum", 3)()


def test_arguments_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError, match="`feature_extractor` must be a function .*Received"):
        with_features(functional(), "convolution", 3)
    with pytest.raises(TypeError, match="`feature_extractor` must return a keras.Model. Received"):
        with_features(head, "convolution", 3)()
    with pytest.raises(TypeError, match="`feature_layer` must be the name .*Received"):
        with_features(functional, 3, 3)
    with pytest.raises(ValueError, match="`num_classes` must be .*Received"):
        with_features(functional, "convolution", 0)


# ---------------------------------------------------------------- distilling through them


def distil(digits, build, layer, size=None):
    """Two steps on the digits 0 to 2; returns the trainer and its pool before and after."""
    train, _ = digits
    rows = np.flatnonzero(train.y < 3)[:60]
    x, y = train.x[rows], train.y[rows]
    if size is not None:
        x = np.pad(x, ((0, 0), (0, size - 8), (0, size - 8), (0, 0))).repeat(3, axis=-1)
    distilled = DistilledData.from_samples(x, y, images_per_class=1)
    trainer = FRePoTrainer(distilled, build, feature_layer=layer, pool_size=1)
    trainer.compile(keras.optimizers.Lamb(1e-2, epsilon=1e-6))
    images = np.array(distilled.images)
    before = [np.array(v) for v in trainer.pool.stacked_weights]
    history = trainer.fit(x, y, batch_size=20, steps_per_epoch=2, verbose=0).history
    after = [np.array(v) for v in trainer.pool.stacked_weights]
    assert np.isfinite([history["loss"], history["inner_loss"]]).all()
    assert np.abs(np.array(distilled.images) - images).max() > 1e-3
    return trainer, before, after


@pytest.mark.parametrize("build", SOME_KINDS + OTHER_KINDS)
def test_every_kind_of_model_distils(build, digits):
    trainer, before, after = distil(digits, build, "flatten")
    for value, start in zip(after, before, strict=True):
        assert (value != start).any()
    state = {
        v.name: np.array(s)
        for v, s in zip(trainer.pool.network.state, trainer.pool.stacked_state, strict=True)
    }
    assert (state["moving_variance"] != 1).all()
    assert np.array(trainer.pool.ages) == [2]


@pytest.mark.slow
def test_keras_applications_distil(digits):
    def build():
        return keras.applications.MobileNetV2(
            input_shape=(32, 32, 3),
            alpha=0.35,
            weights=None,
            classes=3,
            classifier_activation=None,
        )

    trainer, before, after = distil(digits, build, "global_average_pooling2d", size=32)
    assert sum((a != b).any() for a, b in zip(after, before, strict=True)) > 0.9 * len(after)
    assert len(trainer.pool.network.weights) == 158


@pytest.mark.slow
def test_keras_hub_distils(digits):
    keras_hub = pytest.importorskip("keras_hub")

    def build():
        backbone = keras_hub.models.ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[3],
            stackwise_num_filters=[64, 64],
            stackwise_num_blocks=[1, 1],
            stackwise_num_strides=[1, 2],
            block_type="basic_block",
            image_shape=(32, 32, 3),
        )
        return keras_hub.models.ImageClassifier(backbone, num_classes=3)

    trainer, before, after = distil(digits, build, "pooler", size=32)
    assert all((a != b).any() for a, b in zip(after, before, strict=True))
