"""fit and evaluate: sources of data, the compiled loop, validation, interruption."""

import os
import signal

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer, backend
from keras_isa.models import ConvNet
from keras_isa.ops.splits import validation_mask

compiles = pytest.mark.skipif(keras.backend.backend() == "torch", reason="nothing is compiled")
LOOPS = backend.current().LOOPS  # whether a call takes several steps
METRICS = {"loss", "accuracy", "label_margin", "inner_loss"}


class Dataset:
    name, class_names = "tiny", ("a", "b", "c")

    def __init__(self, x, y):
        self.x, self.y = x, y


def fit(trainer, *data, **options):
    options = {"batch_size": 24, "steps_per_epoch": 4, "verbose": 0, **options}
    return trainer.fit(*data, **options)


def networks(trainer):
    return [np.array(v) for v in trainer.pool.stacked_weights]


class Recorder(keras.callbacks.Callback):
    """The set, and everything Keras says, after each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs, self.logs, self.sets, self.calls = [], [], [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.calls += 1

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)
        self.logs.append(dict(logs))
        self.sets.append(self.model.distilled.to_numpy())


# ---------------------------------------------------------------- sources of data


def test_arrays_and_dataset_objects_are_the_same_to_fit(make_trainer, problem):
    x, y = problem
    sources = [(x, y), (Dataset(x[..., 0].astype("float64"), y.astype("uint8")),)]
    results = []
    for source in sources:
        trainer = make_trainer()
        start = trainer.distilled.to_numpy()[0]
        fit(trainer, *source)
        results.append(trainer.distilled.to_numpy()[0])
        assert int(trainer.optimizer.iterations.value) == 4
    assert np.abs(results[0] - start).max() > 1e-3
    np.testing.assert_allclose(*results, atol=1e-6)


def test_the_sampler_shuffles_and_repeats_nothing_before_the_data_are_used_up():
    from keras_isa.training.device_data import BatchSampler

    sampler = BatchSampler(10, 3, seed=0)
    epochs = [[np.array(sampler.next_rows()).tolist() for _ in range(3)] for _ in range(3)]
    for batches in epochs:
        rows = sum(batches, [])
        assert len(set(rows)) == 9 and set(rows) <= set(range(10))
    assert len({str(batches) for batches in epochs}) == 3
    assert epochs[0] != [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    other = BatchSampler(10, 3, seed=1)
    assert [np.array(other.next_rows()).tolist() for _ in range(3)] != epochs[0]


# ---------------------------------------------------------------- the compiled loop


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
def test_nothing_is_compiled_twice(make_trainer, problem, count_traces, steps_per_execution):
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


def test_the_fused_loop_equals_single_steps_with_a_remainder(make_trainer, problem):
    single = make_trainer(steps_per_execution=1)
    fused = make_trainer(steps_per_execution=5)
    recorders, histories = [Recorder(), Recorder()], []
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
def test_running_eagerly_gives_the_same(make_trainer, problem):
    results = []
    for run_eagerly in (False, True):
        trainer = make_trainer(run_eagerly=run_eagerly)
        fit(trainer, *problem, steps_per_epoch=1)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_allclose(*results, atol=1e-5)


def test_the_seed_decides(make_trainer, problem):
    results = []
    for seed in (4, 4, 5):
        trainer = make_trainer(seed=seed)
        fit(trainer, *problem)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-4


# ---------------------------------------------------------------- validation


class Spoil(keras.callbacks.Callback):
    """Turns the labels around before an epoch, so that an earlier set must be the best."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            labels = self.model.distilled.labels
            labels.assign(np.roll(keras.ops.convert_to_numpy(labels), 1, axis=1))


def test_the_best_set_is_restored(make_trainer, problem):
    trainer, recorder = make_trainer(keras.optimizers.Lamb(1e-3, epsilon=1e-6)), Recorder()
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


def test_scores_on_other_images_do_not_count(make_trainer, problem):
    x, y = problem
    trainer = make_trainer()
    fit(trainer, x, y, validation_data=(x, y))
    # With all classes wrong no later set can score as well as the first did.
    first, recorder = trainer.best.record("a judge", 6, 0.0), Recorder()
    fit(trainer, x, y, validation_data=(x, (y + 1) % 3), callbacks=[recorder])
    second = trainer.distilled.provenance["selection"]
    assert second["val_accuracy"] == recorder.logs[0]["val_accuracy"] < first["val_accuracy"]
    for kept, last in zip(trainer.distilled.to_numpy(), recorder.sets[0], strict=True):
        np.testing.assert_array_equal(kept, last)


def test_what_scored_best_on_the_same_images_stays_the_best(make_trainer, problem, tmp_path):
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


def test_without_validation_the_last_set_stays(make_trainer, problem):
    trainer, recorder = make_trainer(), Recorder()
    fit(trainer, *problem, epochs=3, callbacks=[recorder])
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[0], recorder.sets[-1][0])
    assert trainer.distilled.provenance["selection"] is None
    assert trainer.distilled.provenance["steps"] == 12


def test_held_out_images_never_reach_a_batch(make_trainer, problem):
    x, y = problem
    poisoned = x.copy()
    poisoned[validation_mask(y, 3, 0.25, seed=0)] = 1e6
    histories, pools = [], []
    for images in (x, poisoned):
        trainer = make_trainer()
        history = fit(trainer, images, y, epochs=3, validation_split=0.25, batch_size=12)
        histories.append(history.history)
        pools.append(networks(trainer))
    for name in METRICS:
        assert histories[0][name] == histories[1][name], name
    for one, other in zip(*pools, strict=True):
        np.testing.assert_array_equal(one, other)
    # The poison was where it should be.
    assert min(histories[1]["val_loss"]) > 1e6 > max(histories[0]["val_loss"])


def test_evaluate_averages_over_members_and_images(make_trainer, problem, monkeypatch):
    x, y = problem
    trainer = make_trainer(pool_size=3)
    whole = trainer.evaluate(x, y, verbose=0, return_dict=True)
    images, labels = (part.astype("float64") for part in trainer.distilled.to_numpy())
    synthetic = images.reshape(3, -1)
    kernel = synthetic @ synthetic.T
    kernel += 1e-2 * np.trace(kernel) / 3 * np.eye(3)
    predictions = x.reshape(48, -1) @ synthetic.T @ np.linalg.solve(kernel, labels)
    residuals = predictions - (np.eye(3)[y] - 1 / 3)
    assert whole["accuracy"] == pytest.approx((predictions.argmax(axis=1) == y).mean())
    assert whole["loss"] == pytest.approx(0.5 * np.square(residuals).sum(axis=1).mean(), rel=1e-5)
    # In chunks that do not divide the images: each still counts once.
    monkeypatch.setattr("keras_isa.training.device_data.VALIDATION_CHUNK", 10)
    parts = trainer.evaluate(Dataset(x[:47], y[:47]), verbose=0, return_dict=True)
    assert parts["accuracy"] == pytest.approx((predictions.argmax(axis=1) == y)[:47].mean())


# ---------------------------------------------------------------- interruption


class PressCtrlC(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("validation_split", [0.0, 0.25])
def test_ctrl_c_ends_training_and_loses_nothing(make_trainer, problem, validation_split):
    trainer = make_trainer(steps_per_execution=2)
    start = trainer.distilled.to_numpy()[0]
    handler = signal.getsignal(signal.SIGINT)
    options = {"validation_split": validation_split, "epochs": 5}
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, *problem, callbacks=[PressCtrlC()], **options)
    assert signal.getsignal(signal.SIGINT) is handler
    steps = int(trainer.optimizer.iterations.value)
    assert (2 if LOOPS else 1) <= steps <= 4
    images, labels = trainer.distilled.to_numpy()
    assert np.isfinite(images).all() and np.isfinite(labels).all()
    assert np.abs(images - start).max() > 1e-3
    assert trainer.distilled.provenance["method"]
    # It can go on.
    fit(trainer, *problem, validation_split=validation_split)
    assert int(trainer.optimizer.iterations.value) == steps + 4


def test_the_handler_is_restored_after_an_error(make_trainer, problem):
    class Fail(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            assert signal.getsignal(signal.SIGINT) is not handler
            raise RuntimeError("from the user")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="from the user"):
        fit(make_trainer(), *problem, callbacks=[Fail()])
    assert signal.getsignal(signal.SIGINT) is handler


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((48, 4, 4, 1))}, ValueError, r"`x`.*\(3, 3, 1\), .*Received: \(4, 4, 1\)"),
        ({"y": np.arange(48) % 4}, ValueError, "`y`.*0 to 2. Received: a label 3"),
        ({"y": np.zeros(47, int)}, ValueError, "`y`"),
        ({"y": np.zeros(48)}, TypeError, "`y`"),
        ({"x": np.full((48, 3, 3, 1), np.nan)}, ValueError, "`x` must hold finite"),
        ({"batch_size": 0}, ValueError, "`batch_size`.*Received: batch_size=0"),
        ({"batch_size": -2}, ValueError, "`batch_size`.*Received: batch_size=-2"),
        ({"steps_per_epoch": 0}, ValueError, "`steps_per_epoch`.*Received: steps_per_epoch=0"),
        ({"steps_per_epoch": 2.5}, ValueError, "`steps_per_epoch`.*Received: steps_per_epoch=2.5"),
        ({"epochs": 0}, ValueError, "`epochs`.*Received: epochs=0"),
        ({"validation_split": 1.0}, ValueError, "Received"),
        ({"validation_data": (np.zeros((4, 2, 2, 1)), np.zeros(4, int))}, ValueError, "Received"),
    ],
)
def test_unusable_data_are_refused(make_trainer, problem, change, error, message):
    arguments = {"x": problem[0], "y": problem[1], "batch_size": 24, "verbose": 0, **change}
    with pytest.raises(error, match=message):
        make_trainer().fit(**arguments)


def test_a_trainer_has_to_be_compiled(problem):
    distilled = DistilledData.from_samples(*problem, 1, preprocessing=None)
    trainer = FRePoTrainer(distilled, lambda: ConvNet((3, 3, 1), 3, width=2), pool_size=2)
    with pytest.raises(ValueError, match="call `compile` first"):
        fit(trainer, *problem)


def test_a_checkpoint_of_the_whole_trainer_is_refused(make_trainer, problem, tmp_path):
    Checkpoint = keras.callbacks.ModelCheckpoint
    with pytest.raises(ValueError, match=r"save_weights_only=True.*resume.*distilled.save"):
        fit(make_trainer(), *problem, callbacks=[Checkpoint(tmp_path / "trainer.keras")])
    weights = tmp_path / "trainer.weights.h5"
    fit(make_trainer(), *problem, callbacks=[Checkpoint(weights, save_weights_only=True)])
    assert weights.is_file()


def test_batches_cannot_be_split(make_trainer, problem):
    with pytest.raises(ValueError, match="`validation_split` needs arrays.*Received: x=list"):
        make_trainer().fit([problem], validation_split=0.2, verbose=0)


def test_a_shortage_of_memory_names_what_to_change(make_trainer, problem):
    """A step that asks for more than any machine has: the error is the framework's own."""
    trainer = make_trainer()

    def greedy(images, class_ids):
        trainer.means["loss"].update_state(
            keras.ops.sum(keras.random.uniform((10**7, 10**7), seed=0))
        )

    trainer.distillation_step = greedy
    with pytest.raises(MemoryError, match="lower `batch_size`, `width`, `pool_size`"):
        trainer.fit(*problem, batch_size=8, steps_per_epoch=1, verbose=0)
