"""The formats of published sets."""

import pytest

from keras_isa.asset.foreign.formats import FORMATS
from keras_isa.asset.foreign.spaces import PIXELS, SPACES
from keras_isa.asset.recipe import Recipe


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_space_and_a_protocol(name):
    one = FORMATS[name]
    assert one.space in (PIXELS, *SPACES)
    for channels, rows in ((1, 10), (3, 500)):
        recipe = one.protocol(channels, rows)
        assert Recipe.from_dict(recipe.to_dict(), (32, 32, channels)) == recipe
        assert channels == 3 or "flip" not in recipe.augmentation
