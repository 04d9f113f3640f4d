"""Networks of other architectures."""

import keras
import numpy as np
import pytest

from keras_isa import models
from keras_isa.asset.recipe import ARCHITECTURES, Recipe
from keras_isa.inputs.arrays import to_numpy

BUILDERS = [models.AlexNet, models.VGG11, models.ResNet18, models.ImageMLP]
# Trainable numbers of DC's networks with 10 classes and instance normalisation, counted by hand:
# kernels and biases of the convolutions, two for each normalised channel, and the last layer.
ALEXNET = sum(k * k * i * o + 3 * o for k, i, o in (
    (5, 3, 128), (5, 128, 192), (3, 192, 256), (3, 256, 192), (3, 192, 192)
)) + 192 * 16 * 10 + 10  # fmt: skip
VGG = [3, 64, 128, 256, 256, 512, 512, 512, 512]
VGG11 = sum(9 * i * o + 3 * o for i, o in zip(VGG, VGG[1:], strict=False)) + 512 * 10 + 10


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (17, 9, 2), (2, 2, 1)])
def test_images_of_any_size_get_logits_and_features(build, shape):
    model = build(shape, 4, width=4)
    logits, features = model(np.ones((2, *shape), "float32"))
    assert logits.shape == (2, 4) and features.shape[0] == 2 and len(features.shape) == 2
    assert np.isfinite(to_numpy(logits)).all()
    kernel = to_numpy(model.get_layer("logits").kernel) if build != models.ImageMLP else None
    if kernel is not None:
        np.testing.assert_allclose(to_numpy(logits), to_numpy(features) @ kernel, atol=1e-4)


def test_sizes_are_those_of_dc():
    options = {"normalization": "instance"}
    assert models.AlexNet((32, 32, 3), 10, **options).count_params() == ALEXNET
    assert models.VGG11((32, 32, 3), 10, **options).count_params() == VGG11
    # torchvision's count for 1,000 classes, with a 3x3 stem in place of 7x7, biases and 10 classes.
    model = models.ResNet18((32, 32, 3), 10, **options)
    biases = sum(
        int(np.prod(layer.bias.shape))
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )
    assert model.count_params() - biases == 11_689_512 - 3 * 64 * (49 - 9) - 513 * 990


def test_a_stride_is_padded_on_both_sides():
    model = models.ResNet18((8, 8, 1), 2, width=2)
    layers = [one for one in model.layers if isinstance(one, keras.layers.Conv2D)]
    strided = [one for one in layers if one.strides == (2, 2)]
    assert len(strided) == 6 and all(one.padding == "valid" for one in strided)
    sides = [one.output.shape[1] for one in strided]
    assert sides == [4, 4, 2, 2, 1, 1]


@pytest.mark.parametrize("normalization", ["batch", "instance"])
def test_normalisation_keeps_the_scale(normalization):
    for build in BUILDERS[:3]:
        model = build((16, 16, 3), 3, width=4, normalization=normalization)
        kinds = {type(layer).__name__ for layer in model.layers}
        assert {"batch": "BatchNormalization", "instance": "GroupNormalization"}[
            normalization
        ] in kinds


def test_what_does_not_suit_is_refused():
    with pytest.raises(ValueError, match=r"`input_shape` must be \(height, width, channels\)"):
        models.AlexNet((30,), 3)
    with pytest.raises(ValueError, match="`width` must be"):
        models.VGG11((8, 8, 1), 3, width=0)
    with pytest.raises(ValueError, match="`normalization` must be"):
        models.ResNet18((8, 8, 1), 3, normalization="layer")
    with pytest.raises(ValueError, match="instance"):
        models.ImageMLP((8, 8, 1), 3, normalization="instance")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_recipe_builds_them_by_name(name):
    recipe = Recipe(network=name, width=8)
    model = recipe.builder((8, 8, 1), 3, vectorized=False)()
    assert model.name == name
    with pytest.raises(ValueError, match="`network` must be 'convnet' for flat features"):
        recipe.for_shape((30,))
