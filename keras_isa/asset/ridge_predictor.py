"""Kernel ridge regression on the features of networks, as what a distilled set predicts."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.ops.mirror_images import with_mirror_images


class RidgePredictor:
    """Predicts classes by kernel ridge regression on a set's features.

    Args:
        distilled: The set.
        networks: Has `size` networks, `read(index)`, which gives one of them, and
            `features(member, images)`.
        regression: The regression.
        flip: Whether the set is joined by its mirror images (left to right), which doubles its
            rows.
    """

    name = "kernel ridge regression"

    def __init__(
        self,
        distilled: DistilledData,
        networks: Any,
        regression: KernelRidgeRegression,
        flip: bool = False,
    ) -> None:
        self.distilled, self.networks = distilled, networks
        self.regression, self.flip = regression, flip

    @property
    def members(self) -> int:
        """Number of networks that look at held-out images."""
        return self.networks.size

    def get_config(self) -> dict[str, Any]:
        """What a set keeps of it, JSON-compatible."""
        regularization = self.regression.regularization
        return {"kind": self.name, "regularization": regularization, "flip": self.flip}

    def __call__(self, images: Any, member: Any) -> Any:
        """Predictions `(B, C)` of the set as it is.

        Args:
            images: `(B, ...)` in model space.
            member: Number of the network, an integer that may be traced.
        """
        network = self.networks.read(member)
        return self.predict(
            self.networks.features(network, images),
            network,
            *map(ops.convert_to_tensor, self.distilled.decode()),
        )

    def predict(self, target_features: Any, network: Any, images: Any, labels: Any) -> Any:
        """Predictions `(B, C)` for features of real images, differentiable in the set.

        Args:
            target_features: `(B, F)`.
            network: What `networks.read` gave.
            images: Those of the set, `(n, ...)` in model space.
            labels: Theirs, `(n, C)`.
        """
        features, labels = self.fitted_rows(network, images, labels)
        return self.regression((target_features, features, labels))

    def fitted_rows(self, network: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        """What the regression fits on: features and labels, those of mirror images at the end.

        Args:
            network: As for `predict`.
            images: As for `predict`.
            labels: As for `predict`.
        """
        if self.flip:
            images, labels = with_mirror_images(images, labels)
        return self.networks.features(network, images), labels
