"""Experts of a trainer: made, given, refused, and how many serve."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, TrajectoryMatchingTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import MTTConfig, experts
from keras_isa.training.expert_buffer import ExpertBuffer

SHAPE = (8, 8, 1)
SMALL = {
    "width": 4, "depth": 1, "steps": 4, "epochs": 2, "batch_size": 20, "student_steps": 3,
    "experts": 1, "expert_epochs": 3, "expert_steps": 2, "most_start": 2, "expert_span": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def without_experts():
    experts._last.clear()


def made(data, **changes):
    settings = MTTConfig.derived(SHAPE, 3, 60, 1, accelerated=False)
    settings = settings.with_changes(**{**SMALL, **changes})
    return TrajectoryMatchingTrainer.from_settings(settings, DistilledData.from_samples(*data, 1))


def test_experts_are_made_where_none_are_given_and_it_is_said(data, tmp_path, capsys):
    trainer = made(data)
    trainer.fit(*data, verbose=0, resume=tmp_path)
    said = capsys.readouterr().out
    assert "making 1 experts of 3 epochs, as none were given" in said
    assert str(tmp_path / "experts") in said and len(ExpertBuffer(tmp_path / "experts")) == 1
    rate = trainer.distilled.recipe["learning_rate"]
    assert rate == pytest.approx(float(to_numpy(trainer.step_size)))
    record = trainer.distilled.provenance["experts"]
    assert record["epochs"] == 3 and record["data"] == trainer.experts.about["data"]


def test_experts_that_were_made_before_are_taken(data, tmp_path, capsys):
    first = made(data)
    first.make_experts(*data, validation_split=0.2, folder=tmp_path, note=None)
    trainer = made(data)
    trainer.give_experts(tmp_path)
    trainer.fit(*data, validation_split=0.2, verbose=0)
    assert capsys.readouterr().out == ""
    other = made(data)
    other.give_experts(str(tmp_path))
    other.fit(*data, validation_split=0.3, verbose=0)
    assert "the experts were trained on other images than those" in capsys.readouterr().out


def test_experts_that_do_not_fit_are_refused(data, tmp_path):
    made(data).make_experts(*data, folder=tmp_path, note=None)
    with pytest.raises(ValueError, match="`experts` must be networks of the architecture"):
        made(data, width=5).give_experts(tmp_path)
    with pytest.raises(ValueError, match="`experts` must hold at least one trajectory"):
        made(data, most_start=4, expert_epochs=9).give_experts(tmp_path)
    with pytest.raises(ValueError, match="`experts` must be a folder that"):
        made(data).give_experts(tmp_path / "none")
    trainer = made(data)
    trainer.give_experts(tmp_path)
    trainer.experts.about["space"] = [100.0, 70.0]  # such as pixels as they are
    with pytest.raises(ValueError, match="with the same preprocessing"):
        trainer.fit(*data, verbose=0)


def test_devices_do_not_divide_weights(data, monkeypatch):
    trainer = made(data)
    monkeypatch.setattr(keras.distribution, "distribution", object)
    with pytest.raises(RuntimeError, match="without `keras.distribution`"):
        trainer.own_batches(*data, None)


def test_images_have_no_place_in_a_step(data):
    with pytest.raises(TypeError, match="`train_on_batch` has no meaning"):
        made(data).train_on_batch(data[0][:8], data[1][:8])


def test_a_run_uses_as_many_experts_as_it_asks_for(data, capsys):
    more = made(data, experts=2)
    more.fit(*data, verbose=0)
    one = made(data)
    one.fit(*data, verbose=0)
    alone = made(data)
    experts._last.clear()
    alone.fit(*data, verbose=0)
    assert len(one.experts) == 2 and one.expert_count == 1
    assert (more.about_experts["count"], one.about_experts["count"]) == (2, 1)
    np.testing.assert_array_equal(one.distilled.to_numpy()[0], alone.distilled.to_numpy()[0])


def test_a_stream_is_read_where_experts_are_made(data, capsys):
    x, y = data
    batches = [(x[start : start + 12], y[start : start + 12]) for start in range(0, 60, 12)]
    trainer = made(data)
    trainer.fit(batches, steps_per_epoch=2, epochs=1, verbose=0)
    assert "trained on the first 60 images of the stream" in capsys.readouterr().out
    trainer.fit(batches, steps_per_epoch=2, epochs=1, verbose=0)
    assert capsys.readouterr().out == ""
