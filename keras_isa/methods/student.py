"""A network's steps of SGD on a set, and the gradient through all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_isa import backend
from keras_isa.layers.siamese_augmentation import SiameseAugmentation, checked_operations
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.random import KeySequence
from keras_isa.ops.semantic_cross_entropy import cross_entropy
from keras_isa.ops.unrolled_training import pull_back, unroll
from keras_isa.types import Tensor


class Draws(NamedTuple):
    """What is random in a student's steps.

    Attributes:
        rows: Rows of the set in each step `(N, b)`.
        key: Seed of the augmentation `(2,)`.
    """

    rows: Tensor
    key: Tensor


class Student:
    """A network that takes N steps of SGD on a set by the cross-entropy.

    Args:
        network: Description of the network, which has no state but its weights.
        class_ids: Classes of the images of the set `(n,)`.
        num_classes: Number of classes.
        steps: Steps N.
        batch_size: Images of a step; `None` for the whole set.
        augmentation: Operations of the Siamese augmentation, with parameters for each image.
    """

    def __init__(
        self,
        network: RecordedNetwork,
        class_ids: Any,
        num_classes: int,
        *,
        steps: int,
        batch_size: int | None,
        augmentation: Sequence[str],
    ) -> None:
        self.network, self.steps, self.num_classes = network, steps, num_classes
        self.class_ids = class_ids
        whole = batch_size is None or batch_size >= len(class_ids)
        self.batch_size = len(class_ids) if whole else batch_size
        operations = checked_operations("augmentation", augmentation)
        self.augmentation = SiameseAugmentation(operations, 0, True) if operations else None

    def draw(self, generator: keras.random.SeedGenerator) -> Draws:
        """Draws what is random in the steps; passes through the set are shuffled.

        Args:
            generator: A generator, which moves on.
        """
        count = len(self.class_ids)
        rows, key = ops.arange(count, dtype="int32"), generator.next()
        if self.batch_size == count:
            return Draws(ops.tile(ops.expand_dims(rows, 0), (self.steps, 1)), key)
        each = count // self.batch_size
        passes = [
            keras.random.shuffle(rows, seed=generator)[: each * self.batch_size]
            for _ in range(math.ceil(self.steps / each))
        ]
        rows = ops.reshape(ops.concatenate(passes), (-1, self.batch_size))
        return Draws(rows[: self.steps], key)

    def train(
        self, start: Tensor, images: Tensor, step_size: Tensor, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """Takes the steps, without gradient.

        Args:
            start: Weights before the first step `(P,)`.
            images: Those of the set `(n, ...)`.
            step_size: Learning rate.
            draws: What `draw` returned.

        Returns:
            The weights after the last step `(P,)`, and those before each step `(N, P)`.
        """

        def step(weights: Tensor, number: Tensor) -> Tensor:
            return self.step(weights, number, images, step_size, draws)

        return unroll(step, start, self.steps)

    def pull_back(
        self, history: Tensor, upstream: Tensor, images: Tensor, step_size: Tensor, draws: Draws
    ) -> list[Tensor]:
        """The gradients with respect to images and step size through all steps.

        Args:
            history: Weights before each step `(N, P)`.
            upstream: Gradient with respect to the last weights `(P,)`.
            images: As in `train`.
            step_size: As in `train`.
            draws: As in `train`.
        """

        def step(weights: Tensor, number: Tensor, images: Tensor, step_size: Tensor) -> Tensor:
            return self.step(weights, number, images, step_size, draws)

        return pull_back(step, history, upstream, (images, step_size))

    def step(
        self, weights: Tensor, number: Tensor, images: Tensor, step_size: Tensor, draws: Draws
    ) -> Tensor:
        """Returns the weights after one step.

        Args:
            weights: Those before it `(P,)`.
            number: Number of the step.
            images: As in `train`.
            step_size: As in `train`.
            draws: As in `train`.
        """
        rows = ops.take(draws.rows, number, axis=0)
        images = ops.take(images, rows, axis=0)
        class_ids = ops.take(ops.convert_to_tensor(self.class_ids, "int32"), rows, axis=0)
        truth = ops.one_hot(class_ids, self.num_classes, dtype="float32")
        if self.augmentation is not None:
            place = ops.stack([ops.zeros_like(number), number])
            key = KeySequence(draws.key + ops.cast(place, draws.key.dtype)).next()
            images = self.augmentation.augment(images, key)

        def loss(arrays: list) -> tuple[Tensor, tuple]:
            parts = unflattened(arrays[0], self.network.weights)
            logits = self.network.apply(parts, [], images, training=True)[0]
            return ops.mean(cross_entropy(logits, truth)), ()

        _, (gradient,) = backend.current().value_and_grad(loss)([weights])
        return weights - step_size * gradient


def flattened(weights: Sequence[Tensor]) -> Tensor:
    """Weights of a network as one vector `(P,)`.

    Args:
        weights: Arrays.
    """
    return ops.concatenate([ops.reshape(one, (-1,)) for one in weights])


def unflattened(vector: Tensor, weights: Sequence[keras.Variable]) -> list[Tensor]:
    """A vector `(P,)` as arrays of the shapes of weights.

    Args:
        vector: All numbers, in order.
        weights: Variables with P numbers.
    """
    parts, start = [], 0
    for one in weights:
        size = math.prod(one.shape)
        parts.append(ops.reshape(vector[start : start + size], one.shape))
        start += size
    return parts
