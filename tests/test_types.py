"""Names for types can be used and read in signatures."""

import typing

from keras_isa import ops
from keras_isa.types import Tensor


def test_signatures_with_the_name_can_be_read():
    hints = typing.get_type_hints(ops.class_means)
    assert hints["features"] is Tensor
    assert hints["weights"] == (Tensor | None)
    for name in dir(ops):
        if callable(getattr(ops, name)) and not name.startswith("_"):
            typing.get_type_hints(getattr(ops, name))
