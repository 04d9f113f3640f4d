"""Random numbers of JAX: prepared keys give the same ones."""

import keras
import numpy as np
import pytest
from keras import random

from keras_isa import backend
from keras_isa.models import ConvNet
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops import KeySequence

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX alone")
SHAPE = (3, 3, 4, 5)
DRAWS = {
    "normal": lambda seed: random.normal(SHAPE, seed=seed),
    "truncated_normal": lambda seed: random.truncated_normal(SHAPE, seed=seed),
    "uniform": lambda seed: random.uniform(SHAPE, seed=seed),
    "randint": lambda seed: random.randint(SHAPE, 0, 1000, seed=seed),
    "number": lambda seed: random.uniform((), seed=seed),
    "gamma": lambda seed: random.gamma(SHAPE, 0.5, seed=seed),
    "shuffle": lambda seed: random.shuffle(keras.ops.arange(50), seed=seed),
    "dropout": lambda seed: random.dropout(keras.ops.ones(SHAPE), 0.5, seed=seed),
    "categorical": lambda seed: random.categorical(keras.ops.ones((4, 3)), 5, seed=seed),
}


class OneKey(random.SeedGenerator):
    """A generator of one key, as `KeySequence` is one of several."""

    def __init__(self, key):
        self.key = key

    def next(self, ordered=True):
        return self.key


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_stay_what_they_are(name):
    draw, key = DRAWS[name], random.SeedGenerator(7).next()
    prepared = backend.current().random_key(key)
    wanted, found = (keras.ops.convert_to_numpy(draw(OneKey(k))) for k in (key, prepared))
    # Gamma is computed from other draws, and its rounding depends on the order of operations.
    np.testing.assert_allclose(found, wanted, rtol=1e-6 if name == "gamma" else 0)


def test_a_network_is_drawn_as_its_initializers_draw():
    network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 3, width=4), (8, 8, 1), 3)
    key = random.SeedGenerator(3).next()
    seeds = KeySequence(key)
    for variable, value in zip(network.weights, network.draw(key)[0], strict=True):
        if variable.path.endswith("kernel"):
            initializer = keras.initializers.LecunNormal(seed=seeds)
            wanted = keras.ops.convert_to_numpy(initializer(variable.shape))
        else:
            wanted = np.zeros(variable.shape)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(value), wanted)


def test_another_generator_of_jax_is_left_alone():
    import jax

    with jax.default_prng_impl("rbg"):
        assert backend.current().random_key("key") == "key"
