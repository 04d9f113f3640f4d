"""The preprocessing layers by name."""

import itertools

import numpy as np
import pytest

from keras_isa.layers.preprocessing import PREPROCESSING, preprocessing_layer
from keras_isa.layers.standardization import Standardization
from keras_isa.layers.zca_whitening import ZCAWhitening

RNG = np.random.default_rng(0)


def test_each_name_stands_for_its_layer():
    assert PREPROCESSING == ("none", "standardize", "zca", "block_zca")
    assert preprocessing_layer("none", (4, 4, 3)) is None
    standard = preprocessing_layer("standardize", (4, 4, 3))
    assert type(standard) is Standardization and standard.channels == 3 and standard.elementwise
    for kind, blocks in (("zca", 1), ("block_zca", 2)):
        layer = preprocessing_layer(kind, (4, 4, 3))
        assert type(layer) is ZCAWhitening and not layer.elementwise
        assert (layer.regularization, layer.blocks, layer.standardize) == (0.1, blocks, True)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *itertools.product(PREPROCESSING[1:], [(4, 6, 3), (4, 6, 1)]),
        *itertools.product(("standardize", "zca"), [(7,)]),
    ],
)
def test_every_layer_goes_there_and_back(kind, shape):
    images = RNG.integers(0, 256, (40, *shape)).astype("uint8")
    layer = preprocessing_layer(kind, shape).adapt(images)
    result = layer(images)
    assert np.abs(np.array(result).mean()) < 1e-4
    np.testing.assert_allclose(layer.inverse(result), images, atol=0.01)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="one of 'none', 'standardize', 'zca', .*Received: .*pca"):
        preprocessing_layer("pca", (4, 4, 3))


@pytest.mark.parametrize("shape", [(5, 4, 3), (4, 5, 3), (8,)])
def test_blocks_need_an_even_height_and_width(shape):
    with pytest.raises(ValueError, match=r"even height and width. Received: image_shape=\("):
        preprocessing_layer("block_zca", shape)
