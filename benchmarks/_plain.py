"""The distillation step as one would write it in an evening with Keras and JAX.

Three jitted functions, as in the code of FRePo (features of a batch, update of the set, update of a
network), a list of networks, a loop in Python, batches cut in NumPy and copied to the device. It
shares no code with the library: `compare.py` checks that both give the same set and times them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of a run; the defaults are the published ones."""

    width: int = 128
    depth: int = 3
    pool_size: int = 10
    max_online_steps: int = 100
    steps: int = 500_000
    learning_rate: float = 3e-4
    final_learning_rate: float = 0.1
    inner_learning_rate: float = 3e-4
    regularization: float = 1e-6
    crucial_fraction: float = 0.8
    isa_interval: tuple[float, float] = (0.0, 0.5)


def convnet(shape: tuple[int, ...], classes: int, options: Options) -> keras.Model:
    """FRePo's network: logits and features."""
    inputs = x = keras.Input(shape)
    if tuple(shape) == (28, 28, 1):
        x = keras.layers.ZeroPadding2D(2)(x)
    for block in range(options.depth):
        if block:
            x = keras.layers.BatchNormalization(momentum=0.1, epsilon=1e-5)(x)
        filters = options.width * 2**block
        x = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer="lecun_normal")(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.AveragePooling2D(2)(x)
    features = keras.layers.Flatten()(x)
    logits = keras.layers.Dense(classes, kernel_initializer="lecun_normal")(features)
    return keras.Model(inputs, [logits, features])


def fresh_moments(values: list) -> tuple[list, list]:
    return [jnp.zeros_like(v) for v in values], [jnp.zeros_like(v) for v in values]


def adam(
    gradients: list, values: list, moments: tuple, step: Any, rate: Any, epsilon: float, trust: bool
) -> tuple[list, tuple]:
    """One step of Adam, or with `trust` of LAMB; `step` counts from 1."""
    first, second, result = [], [], []
    for gradient, value, m, v in zip(gradients, values, *moments, strict=True):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        update = m / (1 - 0.9**step) / (jnp.sqrt(v / (1 - 0.999**step)) + epsilon)
        if trust:
            norm, update_norm = jnp.linalg.norm(value), jnp.linalg.norm(update)
            update *= jnp.where((norm > 0) & (update_norm > 0), norm / update_norm, 1.0)
        first.append(m)
        second.append(v)
        result.append(value - rate * update)
    return result, (first, second)


class Plain:
    """A run.

    Args:
        images: The set's first images, in model space.
        labels: Its first labels.
        options: Settings.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, options: Options) -> None:
        self.options = options
        self.set = [jnp.asarray(images), jnp.asarray(labels)]
        self.moments = fresh_moments(self.set)
        self.step_number = 0
        self.shape, self.classes = images.shape[1:], labels.shape[1]
        self.model = convnet(self.shape, self.classes, options)
        self.networks = [self.fresh_network() for _ in range(options.pool_size)]
        for index, network in enumerate(self.networks):
            network["age"] = options.max_online_steps // options.pool_size * index
        self.rng = np.random.default_rng(0)
        self.features = jax.jit(self._features)
        self.update_set = jax.jit(self._update_set)
        self.update_network = jax.jit(self._update_network)

    def fresh_network(self) -> dict[str, Any]:
        model = convnet(self.shape, self.classes, self.options)
        weights = [v.value for v in model.trainable_variables]
        state = [v.value for v in model.non_trainable_variables]
        return {
            "weights": weights,
            "state": state,
            "moments": fresh_moments(weights),
            "updates": 0,
            "age": 0,
        }

    def step(self, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any, Any]:
        """One step on a batch in model space; kernel loss, label margin and network's loss."""
        targets = np.eye(self.classes, dtype="float32")[y] - np.float32(1 / self.classes)
        x, targets = jnp.asarray(x), jnp.asarray(targets)
        index = self.rng.integers(len(self.networks))
        network = self.networks[index]
        weights, state = network["weights"], network["state"]
        self.step_number += 1
        self.set, self.moments, loss, margin = self.update_set(
            self.set,
            self.moments,
            self.step_number,
            weights,
            state,
            self.features(weights, state, x),
            targets,
        )
        if network["age"] > self.options.max_online_steps:
            self.networks[index] = self.fresh_network()
            return loss, margin, None
        network["updates"] += 1
        network["age"] += 1
        network["weights"], network["state"], network["moments"], inner = self.update_network(
            weights, state, network["moments"], network["updates"], *self.set
        )
        return loss, margin, inner

    def _features(self, weights: list, state: list, images: Any) -> Any:
        (_, features), _ = self.model.stateless_call(weights, state, images, training=False)
        return features

    def _update_set(
        self, pair: list, moments: tuple, step: Any, weights: list, state: list, z: Any, y: Any
    ) -> tuple:
        options = self.options

        def loss_of(pair: list) -> tuple:
            images, labels = pair
            residuals = self._predict(z, self._features(weights, state, images), labels) - y
            losses = 0.5 * jnp.sum(residuals**2, axis=1)
            _, hardest = jax.lax.top_k(losses, max(1, int(options.crucial_fraction * len(y))))
            kernel_loss = self._augmented(residuals[hardest], z[hardest])
            top, _ = jax.lax.top_k(labels, 2)
            margin = jnp.mean(jnp.minimum(top[:, 0] - top[:, 1], 1 / self.classes))
            return kernel_loss - margin, (kernel_loss, margin)

        (_, (loss, margin)), gradients = jax.value_and_grad(loss_of, has_aux=True)(pair)
        done = jnp.minimum((step - 1) / options.steps, 1.0)
        share = options.final_learning_rate
        rate = options.learning_rate * (share + (1 - share) * 0.5 * (1 + jnp.cos(jnp.pi * done)))
        pair, moments = adam(gradients, pair, moments, step, rate, 1e-6, trust=True)
        return pair, moments, loss, margin

    def _predict(self, z: Any, features: Any, labels: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            kernel = features @ features.T
            rows = len(kernel)
            ridge = self.options.regularization * jnp.trace(kernel) / rows
            return (
                z
                @ features.T
                @ jax.scipy.linalg.solve(kernel + ridge * jnp.eye(rows), labels, assume_a="pos")
            )

    def _augmented(self, residuals: Any, z: Any) -> Any:
        """ISA: mean square over the segment beyond the nearest neighbour, in closed form."""
        unit = z / jnp.maximum(jnp.linalg.norm(z, axis=1, keepdims=True), 1e-30)
        similarity = unit @ unit.T
        similarity = jnp.where(jnp.eye(len(unit), dtype=bool), -jnp.inf, similarity)
        away = residuals - residuals[jnp.argmax(similarity, axis=1)]
        low, high = self.options.isa_interval
        squares = (residuals + (low + high) / 2 * away) ** 2 + (high - low) ** 2 / 12 * away**2
        return jnp.mean(squares)

    def _update_network(
        self, weights: list, state: list, moments: tuple, step: Any, images: Any, labels: Any
    ) -> tuple:
        def loss_of(weights: list) -> tuple:
            (logits, _), new = self.model.stateless_call(weights, state, images, training=True)
            return 0.5 * jnp.mean(jnp.sum((logits - labels) ** 2, axis=1)), new

        (loss, state), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        rate = self.options.inner_learning_rate
        weights, moments = adam(gradients, weights, moments, step, rate, 1e-8, trust=False)
        return weights, state, moments, loss


def run(plain: Plain, x: np.ndarray, y: np.ndarray, batch_size: int, steps: int) -> list[float]:
    """Steps on batches of prepared images, pass after pass; the kernel losses.

    Args:
        plain: The run.
        x: Images in model space.
        y: Their classes.
        batch_size: Rows of a batch.
        steps: Steps to take.
    """
    losses, order = [], np.arange(0)
    for _ in range(steps):
        if len(order) < batch_size:
            order = plain.rng.permutation(len(x))
        rows, order = order[:batch_size], order[batch_size:]
        losses.append(plain.step(x[rows], y[rows])[0])
    return [float(loss) for loss in losses]
