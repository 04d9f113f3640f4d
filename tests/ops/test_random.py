import keras
import numpy as np
import pytest

from keras_isa.ops.random import KeySequence, some_rows


def make_key(seed=3):
    return keras.random.SeedGenerator(seed).next()


def test_next_is_the_key_plus_multiples_of_the_stride():
    key = make_key(5)
    seeds = KeySequence(key)
    expected = np.asarray(keras.ops.convert_to_numpy(key), dtype="int64")
    for draw in range(3):
        value = keras.ops.convert_to_numpy(seeds.next())
        np.testing.assert_array_equal(value, expected + [7919 * (draw + 1), 0])
        assert keras.backend.standardize_dtype(key.dtype) == value.dtype.name


def test_draws_are_distinct_and_deterministic():
    def draws(seed):
        seeds = KeySequence(make_key(seed))
        return [keras.ops.convert_to_numpy(keras.random.uniform((50,), seed=seeds))] + [
            keras.ops.convert_to_numpy(keras.random.normal((50,), seed=seeds)) for _ in range(2)
        ]

    first, again, other = draws(1), draws(1), draws(2)
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert np.all(one != three)
    assert np.all(first[1] != first[2])


def test_no_variable_is_created_and_config_is_refused():
    seeds = KeySequence(make_key())
    assert isinstance(seeds, keras.random.SeedGenerator)
    assert not hasattr(seeds, "state")
    with pytest.raises(TypeError, match="not serialisable"):
        seeds.get_config()


@pytest.mark.parametrize("key", [7, np.zeros((3,), "uint32"), np.zeros((2, 2), "uint32")])
def test_wrong_key_is_named(key):
    with pytest.raises(ValueError, match=r"`key` must be a seed tensor of shape \(2,\)"):
        KeySequence(key)


@pytest.mark.parametrize("name", ["lecun_normal", "glorot_uniform", "random_normal"])
def test_initializers_draw_fresh_weights_from_a_key(name):
    initializer = keras.initializers.get(name)

    def weights(seed):
        initializer.seed = KeySequence(make_key(seed))
        return [keras.ops.convert_to_numpy(initializer((3, 3, 4, 8))) for _ in range(2)]

    first, again, other = weights(0), weights(0), weights(1)
    np.testing.assert_array_equal(first, again)
    assert np.all(first[0] != first[1])
    assert np.all(first[0] != other[0])
    assert 0.5 * first[0].std() < first[1].std() < 2 * first[0].std()


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="traces with jax.jit")
def test_traced_keys_under_jit_cond_scan_and_vectorized_map():
    import jax

    def draw(key):
        seeds = KeySequence(key)
        return keras.random.uniform((4,), seed=seeds), keras.random.uniform((4,), seed=seeds)

    keys = np.stack([np.asarray(make_key(seed)) for seed in range(3)])
    eager = np.asarray([draw(key) for key in keys])  # (key, draw, 4)
    assert np.unique(eager).size == eager.size

    np.testing.assert_array_equal(np.asarray(jax.jit(draw)(keys[1])), eager[1])
    mapped = jax.jit(lambda keys: keras.ops.vectorized_map(draw, keys))(keys)
    np.testing.assert_array_equal(np.stack(mapped, axis=1), eager)
    _, scanned = jax.jit(lambda keys: keras.ops.scan(lambda c, key: (c, draw(key)), 0, keys))(keys)
    np.testing.assert_array_equal(np.stack(scanned, axis=1), eager)

    def branch(flag, key):
        return keras.ops.cond(flag, lambda: draw(key)[0], lambda: draw(key)[1])

    for flag, place in ((True, 0), (False, 1)):
        np.testing.assert_array_equal(jax.jit(branch)(flag, keys[2]), eager[2, place])


def test_some_rows_are_the_same_of_all_arrays_and_drawn_anew():
    images, labels = np.arange(7.0)[:, None] * np.ones(3), np.arange(7.0)
    seeds, drawn = keras.random.SeedGenerator(0), []
    for _ in range(2):
        found = [keras.ops.convert_to_numpy(one) for one in some_rows((images, labels), 4, seeds)]
        np.testing.assert_array_equal(found[0], found[1][:, None] * np.ones(3))
        assert len(set(found[1].tolist())) == 4
        drawn.append(found[1].tolist())
    assert drawn[0] != drawn[1]
    before = keras.ops.convert_to_numpy(seeds.state)
    whole = some_rows((images, labels), 7, seeds)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(whole[1]), labels)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(seeds.state), before)
