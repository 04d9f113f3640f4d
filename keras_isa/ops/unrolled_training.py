"""Steps of training that are taken one after another, and the gradient through all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import ops

from keras_isa import backend
from keras_isa.types import Tensor


def unroll(step: Callable[[Tensor, Tensor], Tensor], start: Tensor, count: int) -> tuple:
    """Takes steps of training, without gradient.

    Args:
        step: Takes weights `(P,)` and the number of the step, which may be traced, to the weights
            after it.
        start: Weights before the first step `(P,)`.
        count: Number of steps N.

    Returns:
        The weights after the last step `(P,)`, and those before each step `(N, P)`.

    Example:

    >>> from keras import ops
    >>> from keras_isa.ops.unrolled_training import unroll
    >>> end, history = unroll(lambda weights, number: 2 * weights, ops.ones(1), 3)
    >>> float(end[0]), history.shape == (3, 1)
    (8.0, True)
    """

    def body(number: Tensor, carried: tuple) -> tuple:
        weights, history = carried
        history = ops.slice_update(history, [number, 0], ops.expand_dims(weights, 0))
        return ops.stop_gradient(step(weights, number)), history

    start = ops.stop_gradient(ops.convert_to_tensor(start))
    history = ops.zeros((count, start.shape[0]), dtype=start.dtype)
    return ops.fori_loop(0, count, body, (start, history))


def pull_back(
    step: Callable[..., Tensor], history: Tensor, upstream: Tensor, arguments: Sequence[Tensor]
) -> list[Tensor]:
    """The gradient with respect to what all steps depend on, through all steps.

    It goes back from the last step to the first and computes each one again, so that its memory is
    that of one step and of the weights in `history`, whatever the number of steps.

    Args:
        step: Takes weights `(P,)`, the number of the step and `arguments` to the weights after it.
        history: What `unroll` returned, `(N, P)`.
        upstream: Gradient with respect to the last weights `(P,)`.
        arguments: Arrays.

    Returns:
        The gradients with respect to the arguments.

    Example:

    >>> from keras import ops
    >>> from keras_isa.ops.unrolled_training import pull_back, unroll
    >>> def step(weights, number, factor):  # three of them give factor**3
    ...     return factor * weights
    >>> factor = ops.convert_to_tensor(2.0)
    >>> _, history = unroll(lambda *about: step(*about, factor), ops.ones(1), 3)
    >>> float(pull_back(step, history, ops.ones(1), [factor])[0])  # 3 * factor**2
    12.0
    """
    count = history.shape[0]

    def body(done: Tensor, carried: tuple) -> tuple:
        upstream, *sums = carried
        number = count - 1 - done
        weights = ops.take(history, number, axis=0)

        def along(arrays: list) -> tuple[Tensor, tuple]:
            weights, *rest = arrays
            return ops.sum(step(weights, number, *rest) * ops.stop_gradient(upstream)), ()

        _, (upstream, *found) = backend.current().value_and_grad(along)([weights, *arguments])
        found = [total + one for total, one in zip(sums, found, strict=True)]
        return tuple(map(ops.stop_gradient, (upstream, *found)))

    arguments = [ops.stop_gradient(ops.convert_to_tensor(one)) for one in arguments]
    carried = (upstream, *(ops.zeros_like(one) for one in arguments))
    _, *found = ops.fori_loop(0, count, body, carried)
    return found
