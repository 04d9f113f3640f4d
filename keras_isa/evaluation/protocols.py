"""Loss, optimizer, schedule, augmentation and batches of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset.recipe import Recipe
from keras_isa.layers.evaluation_augmentation import EvaluationAugmentation
from keras_isa.layers.siamese_augmentation import SiameseAugmentation
from keras_isa.ops.random import KeySequence
from keras_isa.optimizers import SGD, Adam
from keras_isa.types import Tensor


def loss_of(recipe: Recipe) -> Callable[[Tensor, Tensor], Tensor]:
    """Returns the loss, a function of logits `(B, C)` and labels `(B, C)` with a scalar result.

    Labels of another scale make it no greater: it is divided by the square of their scale.

    Args:
        recipe: How networks are trained.
    """
    loss = _LOSSES[recipe.loss]
    if recipe.label_scale == 1:
        return loss
    return lambda logits, targets: loss(logits, targets) / recipe.label_scale**2


def optimizer_of(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Returns a new optimizer that updates each number by itself, so that weights may be stacked.

    Args:
        recipe: How networks are trained.
        steps: Training steps.
    """
    rate = schedule_of(recipe, steps)
    if recipe.optimizer == "sgd":
        return SGD(rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    return Adam(rate, epsilon=1e-8)


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: list, variables: list[keras.Variable]
) -> None:
    """Does one step with an optimizer of `optimizer_of`."""
    if isinstance(optimizer, Adam):
        backend.current().apply_adam(optimizer, gradients, variables)
    else:
        optimizer.apply(gradients, variables)


def schedule_of(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns the learning rate by step, 0 to `steps - 1`.

    Args:
        recipe: How networks are trained.
        steps: Training steps.
    """
    rate = recipe.learning_rate
    if recipe.schedule == "constant":
        return keras.optimizers.schedules.PiecewiseConstantDecay([steps], [rate, rate])
    if recipe.schedule == "step":
        # Keras's boundary is the last step with the rate before it.
        last = (steps + 1) // 2 - 1
        return keras.optimizers.schedules.PiecewiseConstantDecay([last], [rate, rate / 10])
    steps = recipe.decay_steps or steps
    warmup = min(recipe.warmup_steps, steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
        warmup_target=rate,
        warmup_steps=warmup,
    )


def augmentation_of(recipe: Recipe) -> EvaluationAugmentation | SiameseAugmentation | None:
    """Returns a layer whose `draw` and `transform` augment a batch, or `None`.

    Args:
        recipe: How networks are trained.
    """
    if not recipe.augmentation:
        return None
    if recipe.strategy == "dsa":
        return SiameseAugmentation(recipe.augmentation, seed=0, per_image=True)
    return EvaluationAugmentation(recipe.augmentation, seed=0)


def rows_in_order(step: Tensor, rows: int, batch_size: int) -> Tensor:
    """Returns the rows of a step that takes the set in order, and after its end again from row 0.

    Args:
        step: Number of the step, `()` int32.
        rows: Rows of the set.
        batch_size: Rows of a step.

    Returns:
        Indices `(batch_size,)` int32.
    """
    return ops.mod(ops.arange(batch_size, dtype="int32") + step * batch_size, rows)


def shuffled_rows(key: Tensor, step: Tensor, rows: int, batch_size: int) -> Tensor:
    """Returns the rows of a step, in an order that is new in every epoch.

    An epoch has `ceil(rows / batch_size)` steps.

    Args:
        key: Raw key `(2,)`, the same in all steps.
        step: Number of the step, `()` int32.
        rows: Rows of the set.
        batch_size: Rows of a step.

    Returns:
        Indices `(batch_size,)` int32.
    """
    epoch_steps = -(-rows // batch_size)
    epoch = ops.cast(step // epoch_steps, key.dtype)
    seed = KeySequence(key + ops.stack([ops.zeros_like(epoch), epoch]))
    order = ops.argsort(keras.random.uniform((rows,), seed=seed, dtype="float32"))
    return ops.take(order, rows_in_order(step % epoch_steps, rows, batch_size))


def keys_of(order: Tensor, repeats: int, numbers: Sequence[Tensor]) -> Tensor:
    """Returns the keys of the orders of some networks, each its own.

    Args:
        order: Raw key `(2,)` of all orders.
        repeats: Number of all networks.
        numbers: Numbers of those that are wanted, r scalars.

    Returns:
        Raw keys `(r, 2)`.
    """
    sequence = KeySequence(order)
    keys = ops.stack([sequence.next() for _ in range(repeats)])
    return ops.stack([ops.take(keys, number, axis=0) for number in numbers])


def batch(
    sets: Sequence[Tensor], keys: Tensor | None, step: Tensor, rows: int, batch_size: int
) -> list[Tensor]:
    """Returns the rows of a step of several networks.

    Args:
        sets: Images and labels `(r, rows, ...)`, of each of r networks.
        keys: Raw keys `(r, 2)` of the orders of the networks, or `None` to take the sets in order.
        step: As in `shuffled_rows`.
        rows: As in `shuffled_rows`.
        batch_size: As in `shuffled_rows`.

    Returns:
        Images and labels `(r, batch_size, ...)`.
    """
    if keys is None:
        found = rows_in_order(step, rows, batch_size)
        return [ops.take(values, found, axis=1) for values in sets]
    orders = [shuffled_rows(key, step, rows, batch_size) for key in ops.unstack(keys)]
    return [
        ops.stack([ops.take(values[i], some, axis=0) for i, some in enumerate(orders)])
        for values in sets
    ]


def _squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    return 0.5 * ops.mean(ops.sum(ops.square(logits - labels), axis=-1))


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    truth = ops.one_hot(ops.argmax(labels, axis=-1), labels.shape[-1], dtype=logits.dtype)
    return -ops.mean(ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1))


def _soft_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return -ops.mean(ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1))


def _logit_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return _soft_cross_entropy(logits, ops.softmax(labels, axis=-1))


_LOSSES = {
    "squared_error": _squared_error,
    "cross_entropy": _cross_entropy,
    "soft_cross_entropy": _soft_cross_entropy,
    "logit_cross_entropy": _logit_cross_entropy,
}
