"""What the numbers of a batch mean is what those of the first batch mean."""

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.batch_consistency import BatchConsistency
from keras_isa.training.reading import BatchReader

BYTES = np.random.default_rng(0).integers(0, 256, size=(20, 4, 4, 3)).astype("uint8")
FLOATS = (BYTES.astype("float32") + 1).clip(0, 255)
CLASSES = np.arange(20) % 2


def through_from_batches(batches):
    datasets.from_batches(batches)


def through_a_reader(batches):
    shape = np.shape(batches[0][0])[1:]
    read = BatchReader(DistilledData(shape, 2, 1, class_names=("a", "b")))
    for number, batch in enumerate(batches):
        read(batch, number)


BOTH = pytest.mark.parametrize("read", [through_from_batches, through_a_reader])


@BOTH
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (BYTES, FLOATS / 255, "batch 0 of uint8, batch 1 of float32"),
        (BYTES, BYTES.astype("uint16") * 257, "batch 0 of uint8, batch 1 of uint16"),
        (FLOATS, FLOATS / 255, "batch 0 from .*, batch 1 from .*"),
        (FLOATS / 255, FLOATS, "batch 0 from .*, batch 1 from .*"),
    ],
)
def test_pixel_units(read, first, second, message):
    with pytest.raises(ValueError, match=f"must have the pixel unit of batch 0.*{message}$"):
        read([(first, CLASSES), (second, CLASSES)])


@BOTH
def test_frames_need_the_same_columns(read):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"age": [1.0, 2.0], "size": [0.5, 0.25]})
    read([(table, [0, 1])] * 2)
    with pytest.raises(ValueError, match="Received: the columns size, age in batch 1, the columns"):
        read([(table, [0, 1]), (table.select(["size", "age"]), [0, 1])])


@BOTH
def test_names_beside_numbers(read):
    x = np.zeros((2, 7), "uint8")
    with pytest.raises(ValueError, match="labels of one kind, .* Received: int64 in batch 1, <U1"):
        read([(x, ["a", "b"]), (x, [0, 1])])


def test_the_first_batch_may_have_any_number():
    same = BatchConsistency("x")
    same.check(BYTES, BYTES, CLASSES, 3)
    with pytest.raises(ValueError, match="batch 3 of uint8, batch 1 of float32"):
        same.check(FLOATS, FLOATS, CLASSES, 1)
