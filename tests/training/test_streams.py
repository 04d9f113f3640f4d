"""Streams of batches: first images, and the part of a batch that each process takes."""

import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, backend
from keras_isa.training import streams
from keras_isa.training.reading import BatchReader, opened
from keras_isa.training.streams import first_images, local_batches


class Batches(keras.utils.PyDataset):
    """Four batches of six images, two of each of three classes."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        images = np.arange(6.0).reshape(6, 1, 1, 1) + 6 * index
        return images.astype("float32"), np.arange(6) % 3


def two_processes(monkeypatch, number, auto_shard_dataset=True):
    """Lets this process pass for one of two; tf.data is divided as Keras does."""
    distribution = SimpleNamespace(
        auto_shard_dataset=auto_shard_dataset, distribute_dataset=refuse_batches
    )
    monkeypatch.setattr(keras.distribution, "distribution", lambda: distribution)
    engine = SimpleNamespace(process=lambda: (number, 2))
    monkeypatch.setattr(backend, "current", lambda: engine)
    return distribution


def refuse_batches(dataset):
    raise ValueError("no tf.data.Dataset")


def test_first_images_of_a_pydataset():
    images, class_ids = first_images(Batches(), [3, 4, 2])
    assert images.ravel().tolist() == list(range(12))
    assert class_ids.tolist() == [0, 1, 2, 0, 1, 2] * 2
    with pytest.raises(ValueError, match=r"at least images_per_class=9 .* Received: 8 of class 1"):
        first_images(Batches(), [1, 9, 1])


def test_an_endless_stream_without_a_class_ends_at_the_memory(monkeypatch):
    monkeypatch.setattr(streams, "_FIRST_LOOK", 100)
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 1000)
    with pytest.raises(ValueError, match=r"0 of class 3 among \d+ images; going on needs"):
        first_images(itertools.repeat(Batches()[0]), [1, 1, 1, 1])


def test_the_parts_of_all_processes_make_up_the_batch(monkeypatch):
    parts = []
    for number in (0, 1):
        two_processes(monkeypatch, number)
        parts.append(local_batches(Batches()))
    assert [part.num_batches for part in parts] == [4, 4]
    for index in range(4):
        images, class_ids = (
            np.concatenate(halves) for halves in zip(*(part[index] for part in parts), strict=True)
        )
        whole, of_class = Batches()[index]
        assert (images == whole).all() and (class_ids == of_class).all()


def test_a_batch_that_cannot_be_divided_is_refused(monkeypatch):
    two_processes(monkeypatch, 0)
    batches = local_batches(Batches())
    monkeypatch.setattr(Batches, "__getitem__", lambda *_: (np.zeros((5, 1)), np.zeros(5)))
    with pytest.raises(ValueError, match="a multiple of 2 images.* Received: 5"):
        batches[0]


def test_what_is_divided_already_or_needs_no_division_is_left_alone(monkeypatch):
    batches = Batches()
    assert local_batches(batches) is batches
    two_processes(monkeypatch, 1, auto_shard_dataset=False)
    assert local_batches(batches) is batches


def test_batches_of_other_kinds_have_to_come_divided(monkeypatch):
    two_processes(monkeypatch, 1)
    with pytest.raises(ValueError, match=r"auto_shard_dataset=False. Received: list_iterator"):
        local_batches(iter([Batches()[0]]))


@pytest.mark.parametrize("endless", [False, True])
def test_parts_are_read_as_the_whole_is(monkeypatch, endless):
    class Halved(list):
        """Batches of which Keras gives half to a process, as of a tf.data.Dataset."""

        def __iter__(self):
            return iter([(x[half], y[half]) for x, y in super().__iter__()])

    class Loader:
        def __iter__(self):
            return iter([named])

    distilled = DistilledData((1, 1, 1), 3, 1, class_names=("1", "2", "3"))
    images, class_ids = Batches()[0]
    named = images.astype("float64"), class_ids + 1
    for number in (0, 1):
        half = slice(3 * number, 3 * number + 3)
        for batches in ([named], Loader()):
            with pytest.warns(UserWarning, match="labels are matched to the names"):
                stream = opened(batches, BatchReader(distilled))
            distribution = two_processes(monkeypatch, number)
            distribution.distribute_dataset = lambda given: Halved(given)
            part = local_batches(stream, endless)
            found = part[0] if isinstance(part, keras.utils.PyDataset) else next(iter(part))
            assert found[0].dtype == "float32" and found[0].tolist() == images[half].tolist()
            assert found[1].tolist() == class_ids[half].tolist()
            monkeypatch.undo()


def test_a_stream_without_an_end_is_divided_too(monkeypatch):
    two_processes(monkeypatch, 1)
    part = local_batches(Batches(), endless=True)
    assert part.num_batches is None
    images, class_ids = part[6]  # the third batch again
    assert images.ravel().tolist() == [15, 16, 17] and class_ids.tolist() == [0, 1, 2]


def test_what_can_be_read_only_once_is_left_alone():
    batches = iter([Batches()[0]])
    assert local_batches(batches, endless=True) is batches
