import numpy as np
import pytest
from keras import ops

from keras_isa.ops.parts import in_parts


@pytest.mark.parametrize("count", [1, 4, 5, 8, 11, 23])
def test_parts_give_what_the_whole_gives(count):
    seen = []

    def function(rows):
        seen.append(rows.shape[0])
        return ops.sum(ops.square(rows), axis=1)

    batch = np.random.default_rng(count).normal(size=(count, 3)).astype("float32")
    found = ops.convert_to_numpy(in_parts(function, ops.convert_to_tensor(batch), most=4))
    np.testing.assert_allclose(found, (batch**2).sum(axis=1), rtol=1e-6)
    assert max(seen) <= 4
