"""From the first batch to the evaluation and the file, on the active backend."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer
from keras_isa.asset.recipe import Recipe
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import ConvNet
from keras_isa.models.ensemble import stack_draws
from keras_isa.models.recorded_network import RecordedNetwork

CHANGES = {"steps": 6, "epochs": 2, "width": 4, "pool_size": 2, "batch_size": 32}


def make_run(digits, **changes):
    train, _ = digits
    trainer = FRePoTrainer.from_preset("digits", 1, verbose=False, **{**CHANGES, **changes})
    history = trainer.fit(train, validation_split=0.1, verbose=0).history
    return trainer, history


@pytest.fixture(scope="module")
def run(digits):
    return make_run(digits)


def test_fit_trains_and_validates(run, digits):
    trainer, history = run
    assert all(np.isfinite(values).all() for values in history.values())
    assert len(history["val_loss"]) == 2
    assert int(to_numpy(trainer.optimizer.iterations)) == 6
    scores = trainer.evaluate(digits[1], return_dict=True, verbose=0)
    assert 0.1 < scores["accuracy"] <= 1


def test_one_seed_one_result(run, digits):
    again, history = make_run(digits)
    assert history == run[1]
    for one, other in zip(again.variables, run[0].variables, strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other))


def test_many_steps_in_one_call_are_the_same_steps(run, digits):
    fused, _ = make_run(digits, steps_per_execution=3)
    expected = run[0].distilled.to_numpy()
    for one, other in zip(fused.distilled.to_numpy(), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_an_old_member_is_replaced(digits):
    trainer, _ = make_run(digits, pool_size=1, max_online_steps=2)
    # Ages 1, 2, 3, then the fourth step finds 3 > 2 and puts a new network in: 0, 1, 2.
    assert to_numpy(trainer.pool.ages).tolist() == [2]


def test_students_learn_the_set(run, digits):
    recipe = Recipe(width=8, steps=40, warmup_steps=5, augmentation=("crop", "cutout"))
    result = keras_isa.evaluate(
        run[0].distilled, digits[1], recipe=recipe, repeats=2, verbose=False
    ).to_dict()
    again = keras_isa.evaluate(
        run[0].distilled, digits[1], recipe=recipe, repeats=2, verbose=False
    ).to_dict()
    assert result["krr_accuracy_mean"] > 0.2
    assert result["accuracy_mean"] == again["accuracy_mean"]


def test_fresh_networks_start_as_published():
    """LeCun's normal: standard deviation 1 / sqrt(fan in), cut at two before it is scaled."""
    network = RecordedNetwork(lambda: ConvNet((8, 8, 16), 10, width=64), (8, 8, 16), 10)
    weights, _ = stack_draws(network, 2, keras.random.SeedGenerator(0))
    for drawn, variable in zip(weights, network.weights, strict=True):
        if variable.name != "kernel":
            np.testing.assert_array_equal(drawn, 0)
            continue
        deviation = 1 / np.sqrt(np.prod(variable.shape[:-1]))
        assert drawn.std() == pytest.approx(deviation, rel=0.05)
        # Keras on PyTorch lets four in a million pass.
        beyond = np.abs(drawn) > 2 / 0.87962566 * deviation * (1 + 1e-5)
        assert beyond.mean() < 1e-4
        assert np.abs(drawn[0] - drawn[1]).max() > 0


def test_students_have_no_normalisation():
    builder = Recipe().builder((8, 8, 1), 10, vectorized=False)
    kinds = {type(layer).__name__ for layer in builder().layers}
    assert not any("Normalization" in kind for kind in kinds), kinds


READ = """
import sys, numpy as np, keras, keras_isa
images, labels = keras_isa.load("FOLDER/set.keras").to_numpy("pixels")
whiten = keras_isa.load("FOLDER/whitened.keras").preprocessing
white = whiten(np.load(sys.argv[1])["pixels"])
back, white = (keras.ops.convert_to_numpy(x) for x in (whiten.inverse(white), white))
backend = keras.backend.backend()
np.savez(sys.argv[2], backend=backend, images=images, labels=labels, white=white, back=back)
"""


def test_a_saved_set_opens_on_every_backend(run, digits, on_backend, tmp_path):
    run[0].distilled.save(tmp_path / "set.keras")
    x, y = digits[0].x[:300], digits[0].y[:300]
    whitened = DistilledData.from_samples(x, y, 1, preprocessing="block_zca")
    whitened.save(tmp_path / "whitened.keras")
    found = on_backend(READ.replace("FOLDER", tmp_path.as_posix()), pixels=x[:20])
    np.testing.assert_allclose(found["white"], whitened.preprocess(x[:20]), atol=1e-4)
    np.testing.assert_allclose(found["back"], x[:20], atol=1e-2)
    images, labels = run[0].distilled.to_numpy("pixels")
    np.testing.assert_allclose(found["images"], images, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found["labels"], labels)
