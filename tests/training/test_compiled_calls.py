"""What one call of a compiled step is given and does."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_isa import FRePoTrainer, backend
from keras_isa.training.compiled_calls import divided

compiles = pytest.mark.skipif(keras.backend.backend() == "torch", reason="nothing is compiled")


LOOPS = backend.current().LOOPS  # whether a call takes several steps


METRICS = set(FRePoTrainer.metric_names)


@pytest.fixture
def count_traces(monkeypatch):
    def count(trainer):
        traces = {"distillation_step": 0, "validation_step": 0}
        for name in traces:
            original = getattr(trainer, name)

            def counted(*args, name=name, original=original):
                traces[name] += 1
                return original(*args)

            monkeypatch.setattr(trainer, name, counted)
        return traces

    return count


@compiles
@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_nothing_is_compiled_twice(make_trainer, problem, count_traces, steps_per_execution, fit):
    trainer = make_trainer(steps_per_execution=steps_per_execution)
    traces = count_traces(trainer)
    for _ in range(2):
        fit(trainer, *problem, epochs=3, steps_per_epoch=5, validation_split=0.25)
        assert traces == {"distillation_step": 1, "validation_step": 1}
    assert int(trainer.optimizer.iterations.value) == 30


@compiles
def test_batches_compile_once(make_trainer, problem, count_traces):
    trainer = make_trainer()
    traces = count_traces(trainer)
    for _ in range(2):
        trainer.fit([problem] * 3, epochs=2, verbose=0)
    assert traces["distillation_step"] == 1


def test_the_fused_loop_equals_single_steps_with_a_remainder(
    make_trainer, problem, fit, networks, make_recorder
):
    single = make_trainer(steps_per_execution=1)
    fused = make_trainer(steps_per_execution=5)
    recorders, histories = [make_recorder(), make_recorder()], []
    for trainer, recorder in zip((single, fused), recorders, strict=True):
        history = fit(trainer, *problem, steps_per_epoch=7, epochs=2, callbacks=[recorder])
        histories.append(history.history)
        assert int(trainer.optimizer.iterations.value) == 14
    for one, other in zip(single.distilled.to_numpy(), fused.distilled.to_numpy(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for one, other in zip(networks(single), networks(fused), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_array_equal(single.pool.ages.value, fused.pool.ages.value)
    # The metrics are means over the steps of an epoch, however they were run.
    assert set(histories[0]) == set(histories[1]) == METRICS
    for name in METRICS:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-4)
    assert [recorder.calls for recorder in recorders] == [14, 4 if LOOPS else 14]
    assert recorders[0].epochs == recorders[1].epochs == [0, 1]


@pytest.mark.slow
def test_running_eagerly_gives_the_same(make_trainer, problem, fit):
    results = []
    for run_eagerly in (False, True):
        trainer = make_trainer(run_eagerly=run_eagerly)
        fit(trainer, *problem, steps_per_epoch=1)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_allclose(*results, atol=1e-5)


def test_classes_of_a_single_batch_are_checked(make_trainer, problem):
    x, y = problem
    for labels, error, message in (
        (y + 1, ValueError, "from 0 to 2.* label 3"),
        (y - 1, ValueError, "label -1"),
        (y / 2, TypeError, "`y` must be class numbers"),
    ):
        with pytest.raises(error, match=message):
            make_trainer().train_on_batch(x, labels)


def test_the_distribution_is_as_before_after_a_failure(monkeypatch):
    distribution = SimpleNamespace(auto_shard_dataset=True)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: distribution)
    with pytest.raises(KeyError), divided():
        assert distribution.auto_shard_dataset is False
        raise KeyError
    assert distribution.auto_shard_dataset is True
