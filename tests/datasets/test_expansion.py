import pytest

from keras_isa.datasets.expansion import DEFLATE, IMAGES


@pytest.mark.parametrize(("limit", "ratio"), [(IMAGES, 100), (DEFLATE, 1032)])
def test_what_is_too_much(limit, ratio):
    assert limit.max_bytes(1_000) == ratio * 1_000 + limit.allowance
    limit.check(1_000, limit.max_bytes(1_000))
    with pytest.raises(ValueError, match=f"^it expands more than {ratio} times, which images neve"):
        limit.check(1_000, limit.max_bytes(1_000) + 1)
