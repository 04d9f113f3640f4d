import pytest

from keras_isa.datasets.growth import DEFLATE, IMAGES


@pytest.mark.parametrize(("growth", "times"), [(IMAGES, 100), (DEFLATE, 1032)])
def test_what_is_too_much(growth, times):
    growth.check(1_000, times * 1_000 + growth.free)
    with pytest.raises(ValueError, match=f"^it grows more than {times} times, as no images do$"):
        growth.check(1_000, times * 1_000 + growth.free + 1)
