"""What fits into a number of bytes."""

import numpy as np
import pytest

import keras_isa
from keras_isa.parametrizations import parametrization_of
from keras_isa.parametrizations.budget import bytes_of_set, candidates

TEXTS = ["identity", "multi_formation:2", "bases:4:2", "quantized:3", "bases:5+quantized:8"]


@pytest.mark.parametrize("text", TEXTS)
def test_bytes_are_those_of_the_set(text):
    about = (9, 9, 3), 3, (2, 1, 3)
    distilled = keras_isa.DistilledData(*about, parametrization=text)
    assert bytes_of_set(parametrization_of(text), *about) == distilled.stored_bytes


@pytest.mark.parametrize("shape", [(9, 9, 3), (28, 28, 1), (48, 3), (30,)])
@pytest.mark.parametrize("budget", [4_000, 20_000, 100_000])
def test_each_fills_the_bytes_and_one_image_more_would_not_fit(shape, budget):
    found = candidates(budget, shape, 4, most=60)
    assert len({one.parametrization for one in found}) == len(found) > 0
    for one in found:
        counts = (one.images_per_class,) * 4
        distilled = keras_isa.DistilledData(shape, 4, counts, parametrization=one.parametrization)
        assert one.stored_bytes == distilled.stored_bytes <= budget
        assert one.images == len(distilled.class_ids) <= 4 * 60
        more = (one.images_per_class + 1,) * 4
        parametrization = distilled.parametrization
        too_much = bytes_of_set(parametrization, shape, 4, more) > budget
        assert too_much or sum(parametrization.rows(more)) > 4 * 60


def test_forms_that_suit_are_tried_in_float32_and_with_8_bits():
    tiles = {"multi_formation:2:shared", "multi_formation:3:shared"}
    plain = {"identity", *tiles, "bases"}

    def forms(shape, budget=100_000, most=100):
        found = candidates(budget, shape, 10, most)
        words = {one.parametrization for one in found}
        return {word if "bases" not in word else "bases" for word in words if "+" not in word}

    assert forms((28, 28, 1)) == plain | {"quantized:8"}
    assert forms((28, 28, 1), most=3) == {"identity", "bases", "quantized:8"}  # no 4 tiles of 3
    assert forms((48, 3)) == {"identity", "bases", "quantized:8"}
    # Bases of 5 images' bytes are fewer than the classes.
    assert forms((28, 28, 1), budget=32_000) == {"identity", "quantized:8"} | tiles


def test_too_few_bytes_are_refused_with_those_that_would_do():
    with pytest.raises(ValueError, match=r"at least 8,320, .*\(quantized:8\); .*Received: 8,319"):
        candidates(8_319, (28, 28, 1), 10, most=5)
    assert [tuple(one) for one in candidates(8_320, (28, 28, 1), 10, most=5)] == [
        ("quantized:8", 1, 10, 8_320),
        ("multi_formation:2:shared+quantized:8", 1, 40, 8_320),
    ]
    # A few numbers are fewer bytes than rounded ones with their range.
    with pytest.raises(ValueError, match=r"at least 32, .*\(identity\)"):
        candidates(31, (2,), 2, most=5)
    for name, value in (("budget_bytes", 0), ("budget_bytes", 1.5), ("most", 0)):
        arguments = {"budget_bytes": 9_000, "most": 5, name: value}
        with pytest.raises(ValueError, match=f"`{name}`"):
            candidates(image_shape=(28, 28, 1), num_classes=10, **arguments)
    assert np.all([one.images_per_class > 0 for one in candidates(9_000, (28, 28, 1), 10, 5)])
