"""A network to first order in its weights before the last layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.models.ensemble import Member
from keras_isa.models.recorded_network import RecordedNetwork


class LinearizedNetwork:
    """What a change of a network's weights before the last layer does to its logits.

    The change is a list of arrays, one for each weight that the features depend on. The weights
    after the features keep their values.

    Args:
        network: Description of the networks.

    Raises:
        ValueError: If it is no functional model, or its features depend on no weight.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.linearized_network import LinearizedNetwork
    >>> from keras_isa.models.recorded_network import RecordedNetwork
    >>> network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10)
    >>> len(network.weights), sum(LinearizedNetwork(network).in_body)
    (8, 6)
    """

    def __init__(self, network: RecordedNetwork) -> None:
        model = network.network
        if not isinstance(model, keras.Sequential) and getattr(model, "inputs", None):
            body = keras.Model(model.inputs, model.outputs[1])
            before = {id(one) for one in body.trainable_variables}
        else:
            before = set()
        self.in_body = [id(one) in before for one in network.weights]
        if not any(self.in_body):
            raise ValueError(
                "`feature_extractor` must build a functional model, `keras.Model(inputs, [logits, "
                "features])`, with weights before the features: a change of these is what is "
                f"learned. Received: {type(model).__name__}"
            )
        self.network = network

    def zeros(self, member: Member) -> list:
        """Returns the change that is none.

        Args:
            member: A network.
        """
        return [ops.zeros_like(one) for one in self._body(member)]

    def push(self, member: Member, images: Any, change: list) -> tuple[Any, Any]:
        """Features of images, and how the change moves the logits, `J d`.

        It is differentiable in the images inside of `backend.freely_differentiable()`.

        Args:
            member: A network.
            images: `(B, ...)` in model space.
            change: Change d of the weights.

        Returns:
            Features `(B, F)` and changes of the logits `(B, C)`.
        """

        def outputs(*weights: Any) -> tuple[Any, Any]:
            return self._outputs(member, weights, images)

        with backend.freely_differentiable():
            (_, features), (moved, _) = ops.jvp(outputs, tuple(self._body(member)), tuple(change))
        return features, moved

    def pull(self, member: Member, images: Any, upstream: Any) -> list:
        """The transposed product, `J^T u`.

        Args:
            member: A network.
            images: `(B, ...)` in model space.
            upstream: u, `(B, C)`.
        """

        def total(weights: list) -> tuple[Any, tuple]:
            logits, _ = self._outputs(member, weights, images)
            return ops.sum(logits * ops.stop_gradient(upstream)), ()

        return backend.current().value_and_grad(total)(self._body(member))[1]

    def products(self, member: Member, images: Any) -> tuple[Any, Any]:
        """`push` and `pull` for many changes at the same images, without gradient.

        Args:
            member: A network.
            images: `(B, ...)` in model space.

        Returns:
            `push(change) -> J d` and `pull(upstream) -> J^T u`.
        """
        images = ops.stop_gradient(images)

        def logits(*weights: Any) -> Any:
            return self._outputs(member, weights, images)[0]

        return backend.current().linearized(logits, self._body(member))

    def _body(self, member: Member) -> list:
        return [one for one, inside in zip(member.weights, self.in_body, strict=True) if inside]

    def _outputs(self, member: Member, body: Any, images: Any) -> tuple[Any, Any]:
        body = iter(body)
        weights = [
            next(body) if inside else one
            for one, inside in zip(member.weights, self.in_body, strict=True)
        ]
        return self.network.apply(weights, member.state, images, training=False)[:2]
