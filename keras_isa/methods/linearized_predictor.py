"""Linearised networks with a ridge regression as last layer, as what a distilled set predicts."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.models.ensemble import Member
from keras_isa.models.linearized_network import LinearizedNetwork
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.linear_systems import Vector
from keras_isa.ops.linearized_regression import dual_weights, predictions


class SetRows(NamedTuple):
    """What the regression fits on: images and labels of the set, mirror images at the end."""

    images: Any
    labels: Any


class LinearizedPredictor:
    """Predicts classes by networks that the set trains to first order.

    The change d of a network's weights before the last layer minimises
    `(Y - J d)^T M (Y - J d) + |d|^2`, with `M = (h h^T + ridge I)^-1` and the network's features h
    of the set; the last layer is solved for. Source: RCIG (Loo et al., "Dataset Distillation with
    Convexified Implicit Gradients", 2023).

    Args:
        distilled: The set.
        pool: The networks.
        solver: Has `solve(system, product, right, scale)`, see `ConjugateGradients`.
        ridge: Ridge for each image of the set.
        flip: Whether the set is joined by its mirror images (left to right), which doubles its
            rows.
    """

    name = "linearised networks with ridge regression"

    def __init__(
        self,
        distilled: DistilledData,
        pool: ModelPool,
        solver: Any,
        ridge: float,
        flip: bool = False,
    ) -> None:
        self.distilled, self.pool, self.solver, self.flip = distilled, pool, solver, flip
        # Mirror images do not count: so the code of RCIG has it.
        self.ridge = ridge * sum(distilled.row_counts)
        self.network = LinearizedNetwork(pool.network)

    @property
    def members(self) -> int:
        """Number of networks that look at held-out images."""
        return self.pool.size

    def get_config(self) -> dict[str, Any]:
        """What a set keeps of it, JSON-compatible."""
        return {"kind": self.name, "ridge": self.ridge, "flip": self.flip}

    def __call__(self, images: Any, member: Any) -> Any:
        """Predictions `(B, C)` of the set as it is.

        Args:
            images: `(B, ...)` in model space.
            member: Number of the network, an integer that may be traced.
        """
        network = self.pool.read(member)
        rows = self.rows(*map(ops.convert_to_tensor, self.distilled.decode()))
        change = self.change(network, rows)
        return self.predict(network, rows, change, *self.network.push(network, images, change))

    def rows(self, images: Any, labels: Any) -> SetRows:
        """Images and labels of a set with their mirror images.

        Args:
            images: `(n, ...)` in model space.
            labels: `(n, C)`.
        """
        if self.flip:
            images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
            labels = ops.concatenate([labels, labels], axis=0)
        return SetRows(images, labels)

    def change(self, network: Member, rows: SetRows) -> Vector:
        """The change of a network's weights that the set makes; no gradient flows through it.

        Args:
            network: The network.
            rows: What `rows` returned.
        """
        return self._solve(0, network, rows)

    def adjoint(self, network: Member, rows: SetRows, gradient: Vector) -> Vector:
        """The solution u of `(I + J^T M J) u = q`; no gradient flows through it.

        Args:
            network: The network.
            rows: What `rows` returned.
            gradient: q.
        """
        return self._solve(1, network, rows, gradient)

    def predict(
        self, network: Member, rows: SetRows, change: Vector, features: Any, changes: Any
    ) -> Any:
        """Predictions `(B, C)` for real images, differentiable in the set.

        Args:
            network: The network.
            rows: What `rows` returned.
            change: The change of its weights.
            features: Its features of the real images `(B, F)`.
            changes: How the change moves their logits `(B, C)`.
        """
        own = self.network.push(network, rows.images, change)
        return predictions(features, changes, *own, rows.labels, self.ridge)

    def _solve(
        self, system: int, network: Member, rows: SetRows, right: Vector | None = None
    ) -> Vector:
        """Solves `(I + J^T M J) x = right`, by default with `J^T M Y` on the right."""
        images, labels = map(ops.stop_gradient, rows)
        features = self.pool.features(network, images)
        identity = ops.eye(features.shape[0], dtype="float32")
        inverse = ops.stop_gradient(dual_weights(features, identity, self.ridge))
        push, pull = self.network.products(network, images)

        def product(vector: Vector) -> Vector:
            back = pull(ops.matmul(inverse, push(vector)))
            return [one + other for one, other in zip(vector, back, strict=True)]

        if right is None:
            right = pull(ops.matmul(inverse, labels))
        scale = self.ridge / (labels.shape[0] * labels.shape[1])
        found = self.solver.solve(system, product, right, scale)
        return [ops.stop_gradient(one) for one in found]
