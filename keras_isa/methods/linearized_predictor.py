"""Linearised networks with a ridge regression as last layer, as what a distilled set predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.models.ensemble import Member
from keras_isa.models.linearized_network import LinearizedNetwork
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.linear_systems import Vector
from keras_isa.ops.linearized_regression import dual_weights, predictions
from keras_isa.ops.mirror_images import with_mirror_images


class SetRows(NamedTuple):
    """What the regression fits on: images and labels of the set, mirror images at the end."""

    images: Any
    labels: Any


class SetSystem(NamedTuple):
    """The matrix `I + J^T M J` of a network on the rows of a set, as products with it.

    Attributes:
        push: Takes a change d of the weights to `J d`, `(n, C)`.
        pull: Takes u `(n, C)` to `J^T u`.
        inverse: `M = (h h^T + ridge I)^-1`, `(n, n)`.
        labels: `(n, C)`.
        scale: By what RCIG's code multiplies the matrix.
    """

    push: Callable[[Vector], Any]
    pull: Callable[[Any], Vector]
    inverse: Any
    labels: Any
    scale: float

    def product(self, vector: Vector) -> Vector:
        """Returns the product of the matrix with a change of the weights."""
        back = self.pull(ops.matmul(self.inverse, self.push(vector)))
        return [one + other for one, other in zip(vector, back, strict=True)]


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
        change = self.change(self.system(network, rows))
        return self.predict(network, rows, change, *self.network.push(network, images, change))

    def rows(self, images: Any, labels: Any) -> SetRows:
        """Images and labels of a set with their mirror images.

        Args:
            images: `(n, ...)` in model space.
            labels: `(n, C)`.
        """
        return SetRows(*(with_mirror_images(images, labels) if self.flip else (images, labels)))

    def system(self, network: Member, rows: SetRows) -> SetSystem:
        """What the change of a network's weights, and its adjoint, solve; without gradient.

        Args:
            network: The network.
            rows: What `rows` returned.
        """
        images, labels = map(ops.stop_gradient, rows)
        features = self.pool.features(network, images)
        identity = ops.eye(features.shape[0], dtype="float32")
        inverse = ops.stop_gradient(dual_weights(features, identity, self.ridge))
        scale = self.ridge / (labels.shape[0] * labels.shape[1])
        return SetSystem(*self.network.products(network, images), inverse, labels, scale)

    def change(self, system: SetSystem) -> Vector:
        """The change of a network's weights that the set makes.

        Args:
            system: What `system` returned.
        """
        right = system.pull(ops.matmul(system.inverse, system.labels))
        return self._solve(0, system, right)

    def adjoint(self, system: SetSystem, gradient: Vector) -> Vector:
        """The solution u of `(I + J^T M J) u = q`.

        Args:
            system: What `system` returned.
            gradient: q.
        """
        return self._solve(1, system, gradient)

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

    def _solve(self, number: int, system: SetSystem, right: Vector) -> Vector:
        found = self.solver.solve(number, system.product, right, system.scale)
        return [ops.stop_gradient(one) for one in found]
