"""fit and evaluate: sources of data, the compiled loop, validation, refusals."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer, backend
from keras_isa.models import ConvNet
from keras_isa.training import training_loop

compiles = pytest.mark.skipif(keras.backend.backend() == "torch", reason="nothing is compiled")
LOOPS = backend.current().LOOPS  # whether a call takes several steps
METRICS = set(FRePoTrainer.metric_names)


class Dataset:
    name, class_names = "tiny", ("a", "b", "c")

    def __init__(self, x, y):
        self.x, self.y = x, y


# ---------------------------------------------------------------- sources of data


def test_arrays_and_dataset_objects_are_the_same_to_fit(make_trainer, problem, fit):
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


def test_the_seed_decides(make_trainer, problem, fit):
    results = []
    for seed in (4, 4, 5):
        trainer = make_trainer(seed=seed)
        fit(trainer, *problem)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-4


def test_fit_on_arrays_can_be_read_in_six_files(make_trainer, problem, fit):
    package = Path(training_loop.__file__).parents[1]
    trainer, entered, before = make_trainer(), set(), sys.getprofile()

    def enter(frame, event, argument):
        entered.add(frame.f_code.co_filename)

    sys.setprofile(enter)
    try:
        fit(trainer, *problem)
    finally:
        sys.setprofile(before)
    rooms = (package / "training", package / "methods")
    found = {path.name for path in map(Path, entered) if path.parent in rooms}
    assert {"training_loop.py", "base.py"} < found
    assert len(found) <= 6, sorted(found)


def test_a_set_that_was_made_before_keeps_its_record_apart(make_trainer, problem, fit):
    trainer = make_trainer()
    record = trainer.distilled.provenance
    record |= {"imported": {"format": "rcig"}, "evaluation": {"accuracy_mean": 0.5}}
    before = dict(record)
    fit(trainer, *problem)
    assert record["method"] == "frepo" and "imported" not in record and "evaluation" not in record
    assert record["started_from"] == before
    record["evaluation"] = {"accuracy_mean": 0.6}
    fit(trainer, *problem)  # it goes on with its own set
    assert record["started_from"] == before and "evaluation" not in record


# ---------------------------------------------------------------- validation


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


def test_a_trainer_has_to_be_compiled(problem, fit):
    distilled = DistilledData.from_samples(*problem, 1, preprocessing=None)
    trainer = FRePoTrainer(distilled, lambda: ConvNet((3, 3, 1), 3, width=2), pool_size=2)
    with pytest.raises(ValueError, match="call `compile` first"):
        fit(trainer, *problem)


def test_a_checkpoint_of_the_whole_trainer_is_refused(make_trainer, problem, tmp_path, fit):
    Checkpoint = keras.callbacks.ModelCheckpoint
    with pytest.raises(ValueError, match=r"save_weights_only=True.*resume.*distilled.save"):
        fit(make_trainer(), *problem, callbacks=[Checkpoint(tmp_path / "trainer.keras")])
    weights = tmp_path / "trainer.weights.h5"
    fit(make_trainer(), *problem, callbacks=[Checkpoint(weights, save_weights_only=True)])
    assert weights.is_file()


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
