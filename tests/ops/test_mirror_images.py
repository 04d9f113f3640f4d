"""Sets joined by their mirror images."""

import numpy as np

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.mirror_images import with_mirror_images


def test_mirror_images_follow_left_to_right():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4, 5, 2)).astype("float32"), rng.normal(size=(3, 2))
    images, labels = (to_numpy(one) for one in with_mirror_images(x, y.astype("float32")))
    np.testing.assert_array_equal(images, np.concatenate([x, x[:, :, ::-1]]))
    np.testing.assert_array_equal(labels, np.concatenate([y, y]).astype("float32"))
