"""What every trainer gets: presets, data, settings, plan."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.datasets import Dataset, split_train_validation
from keras_isa.methods import DistillationTrainer, DMConfig
from keras_isa.presets import Settings


def test_a_preset_says_what_it_resolved_to(capsys):
    tiny = {"width": 4, "depth": 1, "pool_size": 2, "steps": 7}
    FRePoTrainer.from_preset("mnist-cpu", 1, **tiny)
    said = capsys.readouterr().out
    assert "preset mnist-cpu" in said and "steps = 7" in said and "width = 4" in said
    FRePoTrainer.from_preset("mnist-cpu", 1, verbose=False, **tiny)
    assert capsys.readouterr().out == ""


def test_only_a_distilled_set_is_trained(problem):
    with pytest.raises(TypeError, match="`distilled` must be a DistilledData. Received: ndarray"):
        FRePoTrainer(problem[0], lambda: None)


def test_another_backend_is_named_before_any_work(monkeypatch, problem):
    distilled = DistilledData.from_samples(*problem, images_per_class=1)
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    built = []
    with pytest.raises(RuntimeError, match="'numpy'.*KERAS_BACKEND=jax"):
        FRePoTrainer(distilled, lambda: built.append(1))
    assert not built


def test_a_trainer_for_a_dataset_splits_adapts_and_draws_itself(problem):
    train = Dataset(*problem, ("ant", "bee", "cat"), "tiny", "train", (-4.0, 4.0))
    settings = Settings(
        images_per_class=(1, 2, 1), width=4, depth=1, pool_size=1, batch_size=12, steps=1, epochs=1
    )
    trainer = FRePoTrainer.for_data(train, settings, seed=3)
    distilled = trainer.distilled
    assert distilled.class_names == train.class_names and distilled.pixel_range == (-4.0, 4.0)
    assert distilled.class_counts == (1, 2, 1) and distilled.empty
    trainer.compile(keras.optimizers.SGD(0.0))
    trainer.fit(train, validation_split=0.25, verbose=0)
    fitted, held_out = split_train_validation(train, 0.25, seed=3)
    expected = DistilledData.from_samples(fitted.x, fitted.y, (1, 2, 1), seed=3)
    for found, wanted in zip(distilled.to_numpy(), expected.to_numpy(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    selection = distilled.provenance["selection"]
    assert selection["images"] == len(held_out) and selection["validation_split"] == 0.25
    assert selection["by"] == "val_accuracy of kernel ridge regression on held-out training images"


class WithoutPredictor(DistillationTrainer):
    metric_names = ("loss",)

    def outer_loss(self, learned, batch, context):
        loss = keras.ops.sum(keras.ops.square(learned["images"]))
        return loss, {"loss": loss}


def test_a_method_may_have_no_predictor_and_then_takes_no_held_out_images(problem):
    distilled = DistilledData.from_samples(*problem, 1, learn_labels=False)
    trainer = WithoutPredictor(distilled)
    trainer.compile(keras.optimizers.SGD(0.1))
    before = np.abs(distilled.to_numpy()[0]).sum()
    trainer.fit(*problem, batch_size=8, steps_per_epoch=1, verbose=0)
    assert np.abs(distilled.to_numpy()[0]).sum() < before
    assert distilled.provenance["batch_size"] == 8 and distilled.recipe["predictor"] == {}
    with pytest.raises(ValueError, match="need a `predictor`.*WithoutPredictor, which has none"):
        trainer.fit(*problem, validation_split=0.25, verbose=0)


def test_what_is_no_dataset_or_has_other_settings_is_refused(problem):
    train = Dataset(*problem, ("ant", "bee", "cat"), "tiny", "train", (-4.0, 4.0))
    with pytest.raises(TypeError, match="`train` must be"):
        FRePoTrainer.for_data(problem, Settings(images_per_class=1))
    with pytest.raises(TypeError, match="`settings` must be"):
        FRePoTrainer.for_data(train, DMConfig(images_per_class=1))
    whitened = Settings(images_per_class=1, preprocessing="block_zca")
    sequences = Dataset(problem[0][..., 0], problem[1], ("a", "b", "c"), "", "train", (0, 1), "NTF")
    with pytest.raises(ValueError, match="block_zca"):
        FRePoTrainer.for_data(sequences, whitened)
