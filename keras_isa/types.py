"""Names for types that signatures use."""

from typing import Any, NamedTuple, TypeAlias

# An array or tensor of the active backend. Keras has no common class for those of JAX, TensorFlow
# and PyTorch, and the library imports none of them here, so that no narrower type can be named.
Tensor: TypeAlias = Any


class Batch(NamedTuple):
    """Real images of one step.

    Args:
        images: `(B, ...)` in model space.
        class_ids: Their classes `(B,)` int32; in regression their standardised targets `(B, K)`.
            `distilled.encode` gives what the set is to predict of either, and `distilled.groups`
            the class, zeros for targets.
    """

    images: Tensor
    class_ids: Tensor
