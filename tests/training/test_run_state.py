"""A run that was stopped goes on as if it had not been."""

import random
import shutil

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages, to_numpy
from keras_isa.training import device_data
from keras_isa.training.run_state import Position, RunFolder, fingerprint, state_variables

FIT = {"batch_size": 8, "epochs": 3, "steps_per_epoch": 4, "validation_split": 0.25, "verbose": 0}


class Killed(Exception):
    pass


class KillAfter(keras.callbacks.Callback):
    """Ends the process, as far as the run can tell, after so many calls."""

    def __init__(self, calls):
        super().__init__()
        self.left = calls

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise Killed


def end(trainer):
    return [to_numpy(variable) for variable in state_variables(trainer)]


@pytest.fixture(scope="module")
def whole_run(make_trainer, problem):
    """A run that nothing disturbs: its end, and its set."""
    random.seed(1)  # other seeds, where nobody gives one, than those of the runs beside it
    trainer = make_trainer()
    trainer.fit(*problem, **FIT)
    return end(trainer), trainer.distilled.to_numpy()


@pytest.fixture(scope="module")
def finished_run(make_trainer, problem, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    trainer = make_trainer()
    trainer.fit(*problem, resume=RunFolder(folder, 0), **FIT)
    return folder, trainer.distilled


@pytest.fixture
def finished(finished_run, tmp_path):
    """The set of a finished run, which is in the folder of `fit`."""
    folder, distilled = finished_run
    shutil.copytree(folder, tmp_path / "run")
    return distilled


@pytest.fixture
def fit(make_trainer, problem, tmp_path):
    """`fit(kills=(5, 3))` runs, is killed after so many calls each time, and ends."""

    def call(kills=(), x=None, y=None, seconds=0, resume=True, **changes):
        options = {name: changes.pop(name) for name in [*changes] if name not in FIT}
        x, y = (problem[0], problem[1]) if x is None else (x, y)
        for calls in kills:
            trainer = make_trainer(**options)
            folder = RunFolder(tmp_path / "run", seconds)
            with pytest.raises(Killed):
                trainer.fit(x, y, resume=folder, callbacks=[KillAfter(calls)], **{**FIT, **changes})
        trainer = make_trainer(**options)
        folder = RunFolder(tmp_path / "run", seconds) if resume else None
        history = trainer.fit(x, y, resume=folder, **{**FIT, **changes})
        return trainer, history

    return call


@pytest.mark.parametrize("kills", [(4,), (5, 4, 2), (11,)])
def test_ends_bit_equal(fit, whole_run, kills):
    resumed, history = fit(kills)
    assert history.epoch[-1] == 2
    for one, other in zip(end(resumed), whole_run[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_steps_per_call(fit):
    whole, _ = fit(resume=False, steps_per_execution=2)
    resumed, _ = fit((3,), steps_per_execution=2)
    for one, other in zip(end(resumed), end(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_that_are_read_batch_by_batch(fit, problem, monkeypatch):
    monkeypatch.setattr(device_data.backend, "free_bytes", lambda: 0)
    x, y = StoredImages(problem[0]), problem[1]
    whole, _ = fit(x=x, y=y, resume=False)
    resumed, _ = fit((6,), x=x, y=y)
    for one, other in zip(end(resumed), end(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_between_saves_a_part_of_an_epoch_is_run_again(fit, whole_run):
    resumed, history = fit((7,), seconds=1000)
    assert history.epoch == [1, 2]
    np.testing.assert_array_equal(resumed.distilled.to_numpy()[0], whole_run[1][0])


def test_a_finished_run_is_there_at_once(fit, finished):
    again, history = fit()
    assert history.epoch == []
    np.testing.assert_array_equal(again.distilled.to_numpy()[0], finished.to_numpy()[0])
    assert again.distilled.provenance["steps"] == finished.provenance["steps"] == 12
    assert again.distilled.provenance["selection"] == finished.provenance["selection"]


def test_a_finished_run_can_be_continued_for_more_epochs(fit, whole_run):
    fit(epochs=1)
    continued, history = fit(epochs=3)
    assert history.epoch == [1, 2]
    for one, other in zip(end(continued), whole_run[0], strict=True):
        np.testing.assert_array_equal(one, other)


class StopAt(keras.callbacks.Callback):
    """Stops as Ctrl-C does, in a call of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.stop_training = True


@pytest.mark.parametrize(
    "stops",
    [
        [(0, 3), (1, 1)],  # in the last call of an epoch, then in the next epoch
        [(1, 2), (1, 0)],  # again while the steps that were taken are counted through
    ],
)
def test_ctrl_c_is_resumed_without_the_validation_of_a_part(
    fit, whole_run, make_trainer, problem, tmp_path, stops
):
    for stop in stops:
        folder = RunFolder(tmp_path / "run")
        make_trainer().fit(*problem, resume=folder, callbacks=[StopAt(*stop)], **FIT)
    resumed, history = fit(seconds=300)
    assert history.epoch[-1] == 2
    for one, other in zip(end(resumed), whole_run[0], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"epochs": 2}, "epochs is 2, and 3"),
        ({"batch_size": 6}, "batch_size is 6, and 8"),
        ({"regularization": 0.5}, "regularization is 0.5, and 0.01"),
        ({"seed": 1}, "seed is 1, and 0"),
        ({"validation_split": 0.5}, "data is"),
        ({"optimizer": keras.optimizers.Lamb(0.5)}, "optimizer: "),
    ],
)
@pytest.mark.usefixtures("finished")
def test_another_configuration_is_refused(fit, changes, named):
    with pytest.raises(ValueError, match=f"`resume` must hold the same run.*{named}"):
        fit(**changes)


@pytest.mark.usefixtures("finished")
def test_another_data_set_is_refused(fit, problem):
    x = problem[0].copy()
    x[0] += 1
    with pytest.raises(ValueError, match="`resume` must hold the same run.*data is"):
        fit(x=x, y=problem[1], validation_split=0.0)
    with pytest.raises(ValueError, match="data is"):
        fit(x=problem[0], y=problem[1][::-1])


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.usefixtures("finished")
def test_a_damaged_file_is_refused(fit, tmp_path, share):
    path = tmp_path / "run" / "run.npz"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match="run.npz is damaged.*remove it to start afresh"):
        fit()


def test_a_half_written_file_is_swept_away(fit, whole_run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run-abc.npz").write_bytes(b"PK")
    resumed, _ = fit()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.npz"]
    np.testing.assert_array_equal(resumed.distilled.to_numpy()[0], whole_run[1][0])


def test_what_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`resume` must be a folder.*file"):
        RunFolder(tmp_path / "file")


def test_an_iterable_cannot_be_resumed(make_trainer, problem, tmp_path):
    batches = [(problem[0][:8], problem[1][:8])] * 4
    with pytest.raises(ValueError, match="`resume` needs arrays"):
        make_trainer().fit(iter(batches), resume=tmp_path, steps_per_epoch=4)


def test_a_set_that_is_not_finite_is_not_written(make_trainer, problem, tmp_path):
    trainer, folder = make_trainer(), RunFolder(tmp_path / "run")
    assert folder.restore(trainer, {}) == Position()
    trainer.distilled.images.assign(np.full(trainer.distilled.images.shape, np.nan))
    folder.save(trainer, Position(1, 0, 0.0))
    assert not folder.path.exists()


def test_a_fingerprint_sees_shape_type_labels_and_images():
    x, y = np.zeros((5, 2, 2, 1), "uint8"), np.arange(5)
    others = [x[:4], x.astype("float32"), x.reshape(5, 4, 1, 1), x + 1]
    known = fingerprint(x, y)
    assert known == fingerprint(StoredImages(x), y)
    assert len({known, *(fingerprint(other, y[: len(other)]) for other in others)}) == 5
    assert known != fingerprint(x, y[::-1])
