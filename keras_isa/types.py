"""Names for types that signatures use."""

from typing import Any, TypeAlias

# An array or tensor of the active backend. Keras has no common class for those of JAX, TensorFlow
# and PyTorch, and the library imports none of them here, so that no narrower type can be named.
Tensor: TypeAlias = Any
