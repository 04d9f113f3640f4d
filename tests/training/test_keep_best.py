"""The set that scored best on held-out images."""

import keras
import numpy as np
import pytest

from keras_isa import FRePoTrainer
from keras_isa.presets import Settings
from keras_isa.training.keep_best import KeepBest

METRICS = set(FRePoTrainer.metric_names)


class Spoil(keras.callbacks.Callback):
    """Turns the labels around before an epoch, so that an earlier set must be the best."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            labels = self.model.distilled.labels
            labels.assign(np.roll(keras.ops.convert_to_numpy(labels), 1, axis=1))


def test_the_best_set_is_restored(make_trainer, problem, fit, make_recorder):
    trainer, recorder = make_trainer(keras.optimizers.Lamb(1e-3, epsilon=1e-6)), make_recorder()
    history = fit(
        trainer, *problem, epochs=3, validation_split=0.25, callbacks=[Spoil(2), recorder]
    )
    assert set(history.history) == METRICS | {"val_loss", "val_accuracy"}
    assert [set(logs) for logs in recorder.logs] == [set(history.history)] * 3
    scores = [(logs["val_accuracy"], -logs["val_loss"]) for logs in recorder.logs]
    best = scores.index(max(scores))
    assert best < 2 and scores[2][0] < max(scores)[0]
    for result, wanted in zip(trainer.distilled.to_numpy(), recorder.sets[best], strict=True):
        np.testing.assert_array_equal(result, wanted)
    selection = trainer.distilled.provenance["selection"]
    assert selection["epoch"] == best + 1
    assert selection["val_accuracy"] == pytest.approx(scores[best][0])
    assert selection["images"] == 12


def test_scores_on_other_images_do_not_count(make_trainer, problem, fit, make_recorder):
    x, y = problem
    trainer = make_trainer()
    fit(trainer, x, y, validation_data=(x, y))
    # With all classes wrong no later set can score as well as the first did.
    first, recorder = trainer.best.record("a judge", 6, 0.0), make_recorder()
    fit(trainer, x, y, validation_data=(x, (y + 1) % 3), callbacks=[recorder])
    second = trainer.distilled.provenance["selection"]
    assert second["val_accuracy"] == recorder.logs[0]["val_accuracy"] < first["val_accuracy"]
    for kept, last in zip(trainer.distilled.to_numpy(), recorder.sets[0], strict=True):
        np.testing.assert_array_equal(kept, last)


def test_what_scored_best_on_the_same_images_stays_the_best(make_trainer, problem, tmp_path, fit):
    first = make_trainer(keras.optimizers.Lamb(1e-4, epsilon=1e-6))
    fit(first, *problem, validation_data=problem)
    kept, record = first.distilled.to_numpy(), first.best.record("a judge", 6, 0.0)
    first.save_weights(tmp_path / "trainer.weights.h5")
    other = make_trainer(keras.optimizers.Lamb(1e-4, epsilon=1e-6))
    other.load_weights(tmp_path / "trainer.weights.h5")
    for trainer in (first, other):
        fit(trainer, *problem, validation_data=problem, callbacks=[Spoil(0)])
        assert trainer.best.record("a judge", 6, 0.0) == record
        for found, wanted in zip(trainer.distilled.to_numpy(), kept, strict=True):
            np.testing.assert_array_equal(found, wanted)
        fit(trainer, *problem)  # without validation: what was found about the set stays
        assert trainer.best.record("a judge", 6, 0.0) == record


def test_without_validation_the_last_set_stays(make_trainer, problem, fit, make_recorder):
    trainer, recorder = make_trainer(), make_recorder()
    fit(trainer, *problem, epochs=3, callbacks=[recorder])
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[0], recorder.sets[-1][0])
    assert trainer.distilled.provenance["selection"] is None
    assert trainer.distilled.provenance["steps"] == 12


def learned(value):
    return {"images": keras.Variable(np.full((2, 3), value, "float32"))}


def test_scores_decide_and_ties_go_by_the_loss():
    variables = learned(0.0)
    best = KeepBest(variables)
    offers = [(0.5, 2.0, True), (0.5, 3.0, False), (0.5, 1.0, True), (0.4, 0.1, False)]
    offers.append((0.9, float("nan"), False))
    for epoch, (accuracy, loss, kept) in enumerate(offers):
        variables["images"].assign(np.full((2, 3), epoch, "float32"))
        assert best.offer(variables, accuracy, loss, epoch) is kept
    best.restore(variables)
    np.testing.assert_array_equal(variables["images"], np.full((2, 3), 2.0))


def test_training_waits_for_a_better_score_as_long_as_it_is_told():
    best = KeepBest(learned(0.0))
    assert best.waits(7, 1)  # nothing has been scored
    best.offer(learned(1.0), 0.5, 1.0, 3)
    assert best.waits(4, 2) and not best.waits(5, 2) and best.waits(100, None)


@pytest.fixture
def patient(make_trainer):
    """A trainer whose settings have a patience, and whose set gets worse from the third epoch."""

    def make(patience):
        trainer = make_trainer(keras.optimizers.Lamb(1e-3, epsilon=1e-6))
        trainer.settings = Settings(images_per_class=1, patience=patience)
        return trainer

    return make


def test_training_stops_when_no_set_scores_better(patient, problem, fit, capsys, make_recorder):
    trainer, recorder = patient(2), make_recorder()
    options = {"epochs": 9, "validation_split": 0.25, "verbose": 2}
    history = fit(trainer, *problem, callbacks=[Spoil(2), recorder], **options)
    best = trainer.distilled.provenance["selection"]["epoch"]
    assert best < 3 and history.epoch == list(range(best + 2))
    said = capsys.readouterr().out
    line = (
        f"training stopped after epoch {best + 2} of 9: no set had scored better on the held-out "
        "images for 2 epochs\n"
    )
    assert said.count(line) == 1 and said.endswith(line)
    for result, wanted in zip(trainer.distilled.to_numpy(), recorder.sets[best - 1], strict=True):
        np.testing.assert_array_equal(result, wanted)
    assert trainer.distilled.provenance["steps"] == 4 * (best + 2)


def test_a_run_that_has_stopped_is_finished(patient, problem, fit, tmp_path):
    options = {"epochs": 9, "validation_split": 0.25, "resume": tmp_path}
    first = fit(patient(2), *problem, callbacks=[Spoil(2)], **options)
    assert 0 < len(first.epoch) < 9
    again = patient(2)
    assert fit(again, *problem, **options).epoch == []
    assert again.distilled.provenance["selection"]["epoch"] == len(first.epoch) - 2


def test_without_held_out_images_nothing_stops_early(patient, problem, fit):
    assert fit(patient(1), *problem, epochs=4).epoch == [0, 1, 2, 3]
