"""KIP: its loss against NumPy, its settings, and regression."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, KIPTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import InfiniteSemanticAugmentation
from keras_isa.methods import Batch, KIPConfig
from keras_isa.ops import infinite_width_kernel

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(3, 4, 4, 1)), RNG.normal(size=(8, 4, 4, 1))
Y, C = np.eye(3) - 1 / 3, np.arange(8) % 3


def made(**options):
    distilled = DistilledData.from_arrays(X.astype("float32"), Y.astype("float32"))
    return KIPTrainer(distilled, **{"depth": 1, "regularization": 0.01, **options})


def batch():
    kinds = ((T, "float32"), (C, "int32"))
    return Batch(*(keras.ops.convert_to_tensor(one.astype(kind)) for one, kind in kinds))


@pytest.mark.parametrize("architecture", ["convolutional", "fully_connected"])
def test_the_loss_is_that_of_the_regression(architecture):
    trainer = made(architecture=architecture, kind="nngp")
    learned = dict(zip(("images", "labels"), (X, Y), strict=True))
    learned = {k: keras.ops.convert_to_tensor(v.astype("float32")) for k, v in learned.items()}
    loss, metrics = trainer.outer_loss(learned, batch(), None)
    x, t = (a.reshape(len(a), -1) if architecture == "fully_connected" else a for a in (X, T))
    own, cross = (to_numpy(infinite_width_kernel(a, x, 1)).astype("float64") for a in (x, t))
    ridge = 0.01 * np.trace(own) / 3 * np.eye(3)
    residuals = cross @ np.linalg.solve(own + ridge, Y) - Y[C] / np.sqrt(0.3)
    assert float(to_numpy(loss)) == pytest.approx(np.mean(residuals**2), rel=1e-3)
    assert float(to_numpy(metrics["loss"])) == pytest.approx(float(to_numpy(loss)))


def test_the_module_keeps_the_hardest():
    learned = dict(zip(("images", "labels"), (X, Y), strict=True))
    learned = {k: keras.ops.convert_to_tensor(v.astype("float32")) for k, v in learned.items()}
    augmentation = InfiniteSemanticAugmentation((0.0, 0.5))
    plain = made().outer_loss(learned, batch(), None)[0]
    both = made(crucial_fraction=0.5, augmentation=augmentation).outer_loss(learned, batch(), None)
    assert float(to_numpy(both[0])) > float(to_numpy(plain))


def test_rows_with_targets_are_distilled():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 5)).astype("float32")
    y = np.sin(x[:, :1]) + x[:, 1:2]
    distilled = DistilledData.from_samples(x, y.astype("float32"), 10, task="regression")
    settings = KIPConfig.derived((5,), 1, 80, 10, accelerated=False, task="regression")
    settings = settings.with_changes(steps=200, epochs=2, batch_size=40, learning_rate=0.03)
    trainer = KIPTrainer.from_settings(settings, distilled)
    history = trainer.fit(x, y, validation_split=0.2, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert max(history["val_r2"]) > 0.7


def test_what_is_not_usable_is_refused_and_what_is_not_used_is_named():
    with pytest.raises(ValueError, match="`architecture` must be"):
        made(architecture="transformer")
    with pytest.raises(ValueError, match="`kind` must be"):
        made(kind="rbf")
    with pytest.raises(ValueError, match="`regularization`"):
        made(regularization=-1.0)
    with pytest.raises(ValueError, match="`normalization` must be"):
        KIPConfig(images_per_class=1, normalization="batch")
    assert "width: Not used" in KIPConfig.__doc__


def test_a_cpu_takes_as_many_steps_as_the_kernel_allows():
    small, large = (
        KIPConfig.derived((side, side, 1), 10, 50_000, 10, accelerated=False) for side in (8, 32)
    )
    assert small.steps > large.steps >= 100


def test_its_cost_grows_with_the_pairs():
    settings = KIPConfig.derived((4, 4, 1), 3, 60, 1, accelerated=False)
    cost = KIPTrainer.from_settings(settings, DistilledData.from_arrays(
        X.astype("float32"), Y.astype("float32"))).cost()  # fmt: skip
    assert cost.step(20, 10) == cost.pair * 10 * 30
    assert cost.terms(20, 10) == (200, 100)
