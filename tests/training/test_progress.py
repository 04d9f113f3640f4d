"""The progress bar: its steps, its seconds per step, and its metrics."""

import re
from types import SimpleNamespace

import keras
import pytest

from keras_isa import backend
from keras_isa.training import progress
from keras_isa.training.progress import StepBar, StepBarLogger
from keras_isa.training.run_state import RunFolder

FIT = {"batch_size": 8, "epochs": 2, "steps_per_epoch": 4, "validation_split": 0.25}


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so: `clock(3)`."""
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def wait(seconds):
        now[0] += seconds

    return wait


def last_line(printed):
    return re.split(r"[\r\n]", re.sub(r"\x1b\[\d*m|\x08", "", printed.rstrip()))[-1]


def test_a_call_that_compiles_is_left_out_once_there_is_another(clock, capsys):
    bar = StepBar(1000)
    clock(50)
    bar.update(100)
    assert "500ms/step" in last_line(capsys.readouterr().out)  # all that is known
    clock(1)
    bar._last_update = 0  # Keras prints seldom
    bar.update(200)
    assert last_line(capsys.readouterr().out).endswith("8s 10ms/step")  # 800 steps are left


def test_a_validation_after_the_last_step_is_left_out(clock, capsys):
    bar = StepBar(100, compiled=True)
    clock(1)
    bar.update(100, finalize=False)
    clock(30)
    bar.update(100, finalize=True)
    assert "100/100" in (line := last_line(capsys.readouterr().out)) and "10ms/step" in line


def test_steps_of_an_earlier_process_take_no_time(clock, capsys):
    bar = StepBar(1000, done=800)
    for done in (200, 400, 600, 800):
        clock(0.5)
        bar.measure(done)
    clock(20)
    bar.measure(850)
    clock(1)
    bar.update(900)
    assert last_line(capsys.readouterr().out).endswith(" 2s 20ms/step")  # 100 steps are left


@pytest.mark.parametrize("verbose", [1, 2])
def test_counts_steps_not_calls(make_trainer, problem, capsys, verbose):
    trainer = make_trainer(steps_per_execution=2)
    history = trainer.fit(*problem, verbose=verbose, **FIT)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[\d*m|\x08", "", capsys.readouterr().out))
    seen = [line.split()[0] for line in lines if re.match(r"\d/4 ", line)]
    if backend.current().LOOPS:  # otherwise a call is a step
        assert set(seen) <= {"2/4", "4/4"}
    assert seen.count("4/4") >= 2
    ends = [line for line in lines if "val_accuracy" in line]
    assert len(ends) == 2
    for epoch, line in enumerate(ends):
        shown = dict(re.findall(r"(\w+): (\S+)", line))
        assert set(shown) == set(history.history)
        for name, value in shown.items():
            assert float(value) == pytest.approx(history.history[name][epoch], abs=1e-4)


def test_one_line_per_epoch_where_nobody_looks(make_trainer, problem, capsys):
    make_trainer().fit(*problem, **FIT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Epoch", "4/4", "Epoch", "4/4"]


def test_ctrl_c_shows_the_steps_that_were_taken(make_trainer, problem, capsys):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    make_trainer().fit(*problem, callbacks=[Stop()], **FIT)
    assert capsys.readouterr().out.splitlines()[-1].startswith("3/4 - ")


def test_a_bar_of_the_user_stays_the_only_one(make_trainer, problem, capsys):
    make_trainer().fit(*problem, callbacks=[StepBarLogger()], **FIT)
    assert capsys.readouterr().out.count("4/4") == 2


def test_the_means_of_a_resumed_epoch_are_those_of_the_whole_epoch(make_trainer, problem, tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyError

    whole = make_trainer().fit(*problem, verbose=0, **FIT).history
    with pytest.raises(KeyError):
        folder = RunFolder(tmp_path / "run", seconds=0)
        make_trainer().fit(*problem, verbose=0, resume=folder, callbacks=[Kill()], **FIT)
    resumed = make_trainer().fit(*problem, verbose=0, resume=tmp_path / "run", **FIT).history
    assert resumed == whole


def test_a_long_training_is_forecast_once(monkeypatch):
    now, said = [0.0], []
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    callback = progress.Forecast(600, said.append)
    # 60 steps an epoch, 50 a call.
    for first, last, seconds in ((0, 49, 30.0), (50, 59, 1.0), (0, 49, 9.0)):
        callback.on_train_batch_begin(first)
        now[0] += seconds
        callback.on_train_batch_end(last, {"loss": 1.0})
    assert said == ["training: about 54 s (540 steps of 0.1 s)"]
    short = progress.Forecast(150, said.append)
    for last in (49, 99):
        short.on_train_batch_begin(last - 49)
        now[0] += 5.0
        short.on_train_batch_end(last)
    assert len(said) == 1


def test_a_run_that_goes_on_is_forecast_from_where_it_stood(clock):
    said = []
    callback = progress.Forecast(6000, said.append)
    callback.set_params({"epochs": 6, "steps": 1000})
    callback.set_model(SimpleNamespace(steps_to_skip=2))
    callback.on_epoch_begin(4)
    for batch in range(4):  # two steps are counted through, one compiles
        callback.on_train_batch_begin(batch)
        clock(0 if callback.model.steps_to_skip else 0.1)
        callback.model.steps_to_skip = max(0, callback.model.steps_to_skip - 1)
        callback.on_train_batch_end(batch)
    assert said == ["training: about 200 s (1,996 steps of 0.1 s)"]
