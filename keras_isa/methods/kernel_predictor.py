"""Ridge regression with a kernel of inputs as what a distilled set predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.ops.kernel_regression import kernel_regression_from_kernels
from keras_isa.types import Tensor


class KernelPredictor:
    """Predicts by ridge regression with a kernel, without any network.

    Args:
        distilled: The set.
        kernel: Takes inputs `(n, ...)` and `(m, ...)` to their kernel `(n, m)`.
        regularization: Ridge relative to the kernel's mean diagonal.
        about: What a set keeps of the kernel, JSON-compatible.
    """

    name, members = "ridge regression with the kernel", 1

    def __init__(
        self,
        distilled: DistilledData,
        kernel: Callable[[Tensor, Tensor], Tensor],
        regularization: float,
        about: dict[str, Any],
    ) -> None:
        self.distilled, self.kernel = distilled, kernel
        self.regularization, self.about = regularization, about

    def get_config(self) -> dict[str, Any]:
        """What a set keeps of it, JSON-compatible."""
        return {"kind": self.name, "regularization": self.regularization, **self.about}

    def __call__(self, images: Tensor, member: Any) -> Tensor:
        """Predictions `(B, C)` of the set as it is.

        Args:
            images: `(B, ...)` in model space.
            member: 0.
        """
        del member
        return self.predict(images, *map(ops.convert_to_tensor, self.distilled.decode()))

    def predict(self, images: Tensor, own: Tensor, labels: Tensor) -> Tensor:
        """Predictions `(B, C)`, differentiable in the set.

        Args:
            images: Real ones `(B, ...)` in model space.
            own: Those of the set `(n, ...)`.
            labels: Theirs `(n, C)`.
        """
        kernels = self.kernel(images, own), self.kernel(own, own)
        return kernel_regression_from_kernels(*kernels, labels, self.regularization)
