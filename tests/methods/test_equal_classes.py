"""Methods whose batches hold as many images of each class as of any other."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import method

SHAPE, CLASSES = (8, 8, 1), 3


@pytest.mark.parametrize("name", ["dm", "dsa"])
def test_batches_have_as_many_images_of_each_class(name, data):
    x, y = data
    config = method(name).Config.derived(SHAPE, CLASSES, 60, 1, accelerated=False)
    distilled = DistilledData.from_samples(x, y, 1)
    trainer = method(name).from_settings(config.with_changes(width=2), distilled)
    assert [trainer.most_rows(*one) for one in ((12, 60), (90, 61), (9, 2))] == [12, 60, 3]
    sampler = trainer.batch_sampler(y, 12)
    assert np.bincount(y[to_numpy(sampler.next_rows())]).tolist() == [4, 4, 4]
