"""The networks that a method's settings describe."""

import pytest

from keras_isa import DistilledData
from keras_isa.methods import DMConfig, extractor_of
from keras_isa.methods.networks import check_no_statistics
from keras_isa.models import ConvNet
from keras_isa.models.recorded_network import RecordedNetwork


@pytest.mark.parametrize("constant", [False, True])
def test_width_depth_and_normalization_are_those_of_the_settings(constant):
    config = DMConfig(images_per_class=1, width=4, depth=2, normalization="identity")
    build = extractor_of(config, DistilledData((8, 8, 1), 3, 1), constant_width=constant)
    network = build()
    logits, features = network.outputs
    # Two blocks halve 8 x 8 to 2 x 2; each doubles the channels unless the width is constant.
    assert logits.shape == (None, 3) and features.shape == (None, 2 * 2 * (4 if constant else 8))
    assert not any("normal" in layer.name for layer in network.layers)
    assert build() is not network


def test_networks_with_statistics_are_refused_with_the_reason():
    for normalization in ("identity", "batch"):
        network = RecordedNetwork(
            lambda kind=normalization: ConvNet((8, 8, 1), 2, width=2, depth=2, normalization=kind),
            (8, 8, 1),
            2,
        )
        if normalization == "identity":
            check_no_statistics(network, "they are not stored")
            continue
        with pytest.raises(ValueError, match="without statistics.*: they are not stored.*Received"):
            check_no_statistics(network, "they are not stored")
