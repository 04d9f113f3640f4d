"""The log for TensorBoard; test_logs.py has resumed runs and runs with all logs."""

import pytest

from keras_isa.callbacks import TensorBoardLog

FIT = {"batch_size": 8, "steps_per_epoch": 1, "verbose": 0}


def test_epochs_are_logged_once_and_a_shorter_run_replaces_a_longer_one(
    make, problem, tmp_path, read_events
):
    for epochs in (3, 2):
        make().fit(*problem, callbacks=[TensorBoardLog(tmp_path)], epochs=epochs, **FIT)
        events = read_events(tmp_path / "train")
        assert {"epoch_loss", "epoch_learning_rate"} <= set(events)
        for name, found in events.items():
            assert name.startswith("epoch_")  # no batches, and no graph
            assert [step for step, _ in found] == list(range(epochs)), name


def test_bad_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("hello")
    with pytest.raises(ValueError, match="must "):
        TensorBoardLog(tmp_path / "file" / "log")
    with pytest.raises(TypeError, match="must be a string or a path"):
        TensorBoardLog(3)
