"""Where the training data live: on the device, whitened there or not, or read batch by batch."""

import numpy as np
import pytest

import keras_isa
from keras_isa import backend
from keras_isa.inputs.arrays import StoredImages
from keras_isa.layers import Standardization
from keras_isa.layers.zca_whitening import ZCAWhitening
from keras_isa.training import device_data
from keras_isa.training.device_data import CountedBatches, HostBatches, StepData, placement_of


@pytest.fixture
def stored(problem, tmp_path):
    """The problem with its images in a memory-mapped file."""
    x, y = problem
    np.save(tmp_path / "x.npy", x)
    return StoredImages(np.load(tmp_path / "x.npy", mmap_mode="r")), y


def room_for(monkeypatch, count):
    """Lets the data take `count` bytes of the device."""
    monkeypatch.setattr(backend, "free_bytes", lambda: count / device_data._DATA_SHARE)


def fitted(trainer, x, y, preprocessing, **options):
    trainer.distilled.preprocessing = preprocessing.adapt(x)
    trainer.distilled.draw_real_images(x, y)
    options = {"batch_size": 24, "steps_per_epoch": 4, "verbose": 0, **options}
    trainer.fit(x, y, **options)
    return trainer.distilled.to_numpy()


# ---------------------------------------------------------------- which placement


def test_the_form_follows_from_preprocessing_and_room(problem, stored, monkeypatch, make_trainer):
    x, _ = problem
    distilled = make_trainer().distilled
    for preprocessing, count, in_memory, on_disk in (
        (Standardization(1), 1e9, "pixels", "pixels"),
        (Standardization(1), x.nbytes - 1, "pixels", "host"),
        (ZCAWhitening(), 1e9, "prepared", "prepared"),
        (ZCAWhitening(), x.nbytes - 1, "pixels", "host"),
    ):
        room_for(monkeypatch, count)
        distilled.preprocessing = preprocessing
        assert placement_of(distilled, x) == in_memory
        assert placement_of(distilled, stored[0]) == on_disk


def test_bytes_that_fit_as_they_are_but_not_whitened(stored, monkeypatch, make_trainer):
    distilled = make_trainer().distilled
    distilled.preprocessing = ZCAWhitening()
    images = StoredImages(np.zeros((50, 3, 3, 1), "uint8"))
    room_for(monkeypatch, 2 * images.nbytes)  # whitened they take four times as much
    assert placement_of(distilled, images) == "pixels"


# ---------------------------------------------------------------- the same result


def test_whitening_once_or_batch_by_batch_is_the_same(make_trainer, problem, monkeypatch):
    once = fitted(make_trainer(), *problem, ZCAWhitening())
    room_for(monkeypatch, 0)
    each_batch = fitted(make_trainer(), *problem, ZCAWhitening())
    for one, other in zip(once, each_batch, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    assert np.abs(once[0]).max() > 0.1


def test_stored_images_that_fit_are_as_good_as_an_array(make_trainer, problem, stored):
    from_array = fitted(make_trainer(), *problem, Standardization(1), validation_split=0.25)
    from_disk = fitted(make_trainer(), *stored, Standardization(1), validation_split=0.25)
    for one, other in zip(from_array, from_disk, strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_too_large_for_the_device_are_read_as_they_are_drawn(
    make_trainer, stored, monkeypatch
):
    room_for(monkeypatch, 10)
    trainer = make_trainer()
    start = trainer.distilled.to_numpy()[0]
    first = fitted(trainer, *stored, Standardization(1), validation_split=0.25)
    assert trainer.sampler is None  # nothing was drawn on the device
    assert int(trainer.optimizer.iterations.value) == 4
    assert trainer.distilled.provenance["selection"]["images"] == 12
    again = fitted(make_trainer(), *stored, Standardization(1), validation_split=0.25)
    np.testing.assert_array_equal(first[0], again[0])
    assert np.abs(first[0] - start).max() > 1e-3


def test_a_dataset_on_disk_trains_from_a_preset(tmp_path, monkeypatch):
    train, _ = keras_isa.datasets.load("digits")
    np.save(tmp_path / "x.npy", train.x)
    room_for(monkeypatch, 10)
    x = StoredImages(np.load(tmp_path / "x.npy", mmap_mode="r"))
    trainer = keras_isa.FRePoTrainer.from_preset(
        "digits", verbose=False, width=4, depth=1, pool_size=2, steps=4, batch_size=64
    )
    trainer.fit(x, train.y, validation_split=0.1, verbose=0)
    assert int(trainer.optimizer.iterations.value) == 4
    assert np.isfinite(trainer.distilled.to_numpy()[0]).all()


# ---------------------------------------------------------------- batches from the host


def test_batches_are_passes_without_replacement():
    x = np.arange(10).reshape(10, 1)
    batches = HostBatches(StoredImages(x), x[:, 0] * 2, batch_size=3, seed=0)
    for number in range(4):
        drawn = [batches[3 * number + place] for place in range(3)]
        rows = np.concatenate([images[:, 0] for images, _ in drawn])
        assert len(set(rows.tolist())) == 9
        for images, class_ids in drawn:
            np.testing.assert_array_equal(class_ids, 2 * images[:, 0])
    passes = [np.concatenate([batches[3 * n + p][0] for p in range(3)]) for n in range(2)]
    assert not np.array_equal(*passes)


def test_batches_depend_on_seed_and_index_alone():
    x = np.arange(100).reshape(100, 1)

    def batch(index, seed=0, first=0):
        return HostBatches(x, x[:, 0], 8, seed, first)[index][0].tolist()

    assert batch(17) == batch(17) == batch(3, first=14)
    assert batch(17) != batch(17, seed=1)


def test_every_image_has_its_turn():
    x = np.arange(10).reshape(10, 1)
    batches = HostBatches(x, x[:, 0], batch_size=3, seed=0)
    seen = np.concatenate([batches[index][1] for index in range(30)])
    assert set(seen.tolist()) == set(range(10))


def test_every_process_reads_its_part_of_each_batch(monkeypatch):
    x = np.arange(20).reshape(20, 1)
    whole = [HostBatches(x, x[:, 0], 8, seed=0)[index][0].ravel() for index in range(4)]
    parts = []
    for process in range(2):
        monkeypatch.setattr(backend.current(), "process", lambda process=process: (process, 2))
        batches = HostBatches(x, x[:, 0], 8, seed=0)
        parts.append([batches[index][0].ravel() for index in range(4)])
    for expected, one, other in zip(whole, *parts, strict=True):
        assert len(one) == len(other) == 4
        assert sorted([*one, *other]) == expected.tolist()


def test_a_batch_that_devices_cannot_share_is_refused(monkeypatch):
    monkeypatch.setattr(device_data, "data_shards", lambda: 3)
    device_data.check_divided(6)
    with pytest.raises(ValueError, match="multiple of the 3 devices.*Received: batch_size=8"):
        device_data.check_divided(8)


class OwnBatches(StepData):
    settings = None
    steps_per_execution = 5


def test_batches_of_the_methods_own_take_single_steps():
    trainer, own = OwnBatches(), CountedBatches(seed=0)
    assert trainer._training_data(None, None, None, 2, 30, own) == (own, 30)
    assert trainer.steps_per_execution == 1 and trainer.drawn_rows is None
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        trainer._training_data(None, None, None, 2, None, own)
