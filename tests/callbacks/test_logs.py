"""CSV, TensorBoard and pictures: every epoch once, with the numbers of the history."""

import io
import random

import keras
import numpy as np
import pytest
from PIL import Image

from keras_isa.callbacks import CSVLog, DistilledImages, NaNGuard, TensorBoardLog
from keras_isa.training.run_state import RunFolder

EPOCHS, STEPS = 4, 3
FIT = {"batch_size": 8, "epochs": EPOCHS, "steps_per_epoch": STEPS, "verbose": 0}
FIT["validation_split"] = 0.25


class Kill(keras.callbacks.Callback):
    """Ends the process, as far as the run can tell, in a call or at the end of an epoch."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyError

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.at:
            raise KeyError


@pytest.fixture
def logs(tmp_path):
    """`logs()` gives new callbacks for the log in `tmp_path`."""

    def make():
        images = DistilledImages(tmp_path, every=1)
        return [CSVLog(tmp_path / "log.csv"), TensorBoardLog(tmp_path), images]

    return make


@pytest.fixture
def check(tmp_path, read_csv, read_events):
    """`check(history)` compares all logs with a history."""

    def compare(history):
        epochs = list(range(len(history["loss"])))
        assert read_csv(tmp_path / "log.csv") == (epochs, history)
        train, held_out = read_events(tmp_path / "train"), read_events(tmp_path / "validation")
        for name, values in history.items():
            events = held_out if name.startswith("val_") else train
            found = events[f"epoch_{name.removeprefix('val_')}"]
            assert [step for step, _ in found] == epochs
            np.testing.assert_array_equal([v for _, v in found], np.float32(values))
        assert [step for step, _ in train["epoch_learning_rate"]] == epochs
        by_steps = held_out["evaluation_loss_vs_iterations"]
        assert [step for step, _ in by_steps] == [STEPS * (epoch + 1) for epoch in epochs]
        assert not any(tag.startswith("batch_") for tag in train)
        pictures = sorted(path.name for path in (tmp_path / "images").glob("*.png"))
        assert pictures == [f"epoch-{epoch:04d}.png" for epoch in epochs]
        ((tag, shown),) = read_events(tmp_path / "images").items()
        assert tag == "distilled_set" and [step for step, _ in shown] == epochs
        for name, (_, content) in zip(pictures, shown, strict=True):
            with (
                Image.open(tmp_path / "images" / name) as one,
                Image.open(io.BytesIO(content)) as other,
            ):
                assert np.array_equal(np.asarray(one), np.asarray(other))

    return compare


@pytest.fixture(scope="module")
def whole(make, problem):
    """The history of a run that nothing disturbs."""
    random.seed(1)  # other seeds, where nobody gives one, than those of the runs beside it
    return make().fit(*problem, **FIT).history


def test_a_run_and_another_in_its_place(make, problem, logs, check):
    history = make().fit(*problem, callbacks=logs(), **FIT)
    check(history.history)
    shorter = make(rate=5e-3).fit(*problem, callbacks=logs(), **{**FIT, "epochs": 2})
    assert shorter.history["loss"] != history.history["loss"][:2]
    check(shorter.history)


@pytest.mark.parametrize(
    "kills",
    [
        [(2, 0), (2, 1), (3, 2)],
        [(0, None), (3, None)],  # logged, and the state is not saved: the epoch runs again
    ],
)
def test_a_run_that_was_killed(make, problem, whole, logs, check, tmp_path, kills):
    for kill in kills:
        folder = RunFolder(tmp_path / "run", seconds=0)
        with pytest.raises(KeyError):
            make().fit(*problem, resume=folder, callbacks=[*logs(), Kill(*kill)], **FIT)
    make().fit(*problem, resume=tmp_path / "run", callbacks=[NaNGuard(), *logs()], **FIT)
    check(whole)
    make().fit(*problem, resume=tmp_path / "run", callbacks=logs(), **FIT)  # nothing is left to do
    check(whole)


def test_an_epoch_is_logged_before_it_counts_as_done(make, problem, logs, tmp_path, monkeypatch):
    """A run that is killed between the two has too many rows in its log, never too few."""
    order = []
    save, row = RunFolder.save, CSVLog.on_epoch_end
    monkeypatch.setattr(RunFolder, "save", lambda *a: (order.append("state"), save(*a)))
    monkeypatch.setattr(CSVLog, "on_epoch_end", lambda *a: (order.append("row"), row(*a)))
    make().fit(*problem, resume=tmp_path / "run", callbacks=logs(), **{**FIT, "epochs": 2})
    assert order == ["row", "state"] * 2


def test_an_epoch_that_diverged_is_logged_once(make, problem, logs, read_csv, tmp_path):
    class Poison(keras.callbacks.Callback):
        times = 1

        def on_train_batch_end(self, batch, logs=None):
            if batch == 1 and self.times:
                self.times = 0
                images = self.model.distilled.images
                images.assign(np.full(images.shape, np.nan))

    with pytest.warns(UserWarning, match="diverged"):
        callbacks = [Poison(), NaNGuard(), *logs()]
        history = make().fit(*problem, callbacks=callbacks, **FIT)
    epochs, columns = read_csv(tmp_path / "log.csv")
    assert epochs == [0, 1, 2, 3] and columns == history.history
    assert all(np.isfinite(values).all() for values in columns.values())


def test_a_torn_row_and_a_torn_event_are_left_out(make, problem, whole, logs, check, tmp_path):
    with pytest.raises(KeyError):
        folder = RunFolder(tmp_path / "run", seconds=0)
        make().fit(*problem, resume=folder, callbacks=[*logs(), Kill(2, 0)], **FIT)
    with open(tmp_path / "log.csv", "a") as file:
        file.write("2,0.5")
    for path in (tmp_path / "train").iterdir():
        path.write_bytes(path.read_bytes() + b"\x18\0\0")
    make().fit(*problem, resume=tmp_path / "run", callbacks=logs(), **FIT)
    check(whole)


SCRIPT = """
import json, os, sys
import keras
import numpy as np
from keras_isa import DistilledData, FRePoTrainer, callbacks

def network():
    inputs = keras.Input((3, 3, 1))
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])

folder = os.path.dirname(sys.argv[2])
rng = np.random.default_rng(0)
x, y = rng.normal(size=(24, 3, 3, 1)).astype("float32"), np.arange(24) % 3
trainer = FRePoTrainer(DistilledData.from_samples(x, y, 1), network, pool_size=2)
trainer.compile()
logs = [callbacks.CSVLog(folder + "/log.csv"), callbacks.TensorBoardLog(folder)]
logs.append(callbacks.DistilledImages(folder, every=1))
history = trainer.fit(
    x, y, batch_size=8, epochs=4, steps_per_epoch=3, validation_split=0.25, callbacks=logs,
    verbose=0)
np.savez(sys.argv[2], backend=keras.backend.backend(), **history.history)
"""


@pytest.mark.slow
def test_every_backend_logs(on_backend, check):
    found = on_backend(SCRIPT)
    check({name: list(found[name]) for name in found.files if name != "backend"})
