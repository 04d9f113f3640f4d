"""The PyTorch side of the seam: steps run eagerly, one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import torch
from keras import ops, tree
from torch.fx.experimental.proxy_tensor import make_fx
from torch.optim.adam import adam

from keras_isa.backend.differentiation import differentiating
from keras_isa.backend.shared import draw_each as draw_each
from keras_isa.backend.shared import process as process
from keras_isa.backend.shared import random_key as random_key
from keras_isa.backend.shared import split_batch as split_batch
from keras_isa.memory import available_bytes

# Keras's PyTorch trainer takes one step at a time.
LOOPS = False
_FEW_PIXELS = 1000


def has_accelerator() -> bool:
    return ops.zeros(()).device.type != "cpu"  # where Keras places its tensors


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context with float32 as default, on Keras's device, without inference mode and autocast."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            for kind in ("cpu", "cuda"):
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device().type == "meta":
                stack.enter_context(ops.zeros(()).device)
            yield
    finally:
        torch.set_default_dtype(dtype)


def run_in_calling_thread() -> None:
    """Leaves things as they are: PyTorch's operations allocate there anyway."""


def free_bytes() -> int:
    if not torch.cuda.is_available():
        return available_bytes()
    free, _ = torch.cuda.mem_get_info()
    # What PyTorch has reserved and does not use is free too.
    return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def to_device(array: Any) -> torch.Tensor:
    """Places an array on the default device."""
    return ops.convert_to_tensor(array)


def compiled(function: Callable, dtype: str = "float32") -> Callable:
    """The function itself, without a record for gradients."""
    del dtype
    return torch.no_grad()(function)


def compiling_quickly() -> Any:
    """A context that changes nothing: nothing is compiled."""
    return contextlib.nullcontext()


def forget_compiled() -> None:
    """Nothing to do: nothing is compiled."""


def value_and_grad(function: Callable) -> Callable:
    """`function(arrays, *rest) -> (loss, aux)` becomes `-> ((loss, aux), gradients of arrays)`."""

    def run(arrays: list, *rest: Any) -> tuple[tuple, list]:
        with differentiating() as nested, torch.enable_grad():
            leaves = [_leaf(array, nested) for array in arrays]
            loss, aux = function(leaves, *rest)
            found = torch.autograd.grad(loss, leaves, allow_unused=True, create_graph=nested)
        gradients = [
            torch.zeros_like(leaf) if gradient is None else gradient
            for gradient, leaf in zip(found, leaves, strict=True)
        ]
        result = loss, aux
        return result if nested else tree.map_structure(_detached, result), gradients

    return run


def side_by_side(pixels: int, known: bool) -> bool:
    """Whether networks that see so many pixels each are computed all at once, or one by one.

    Args:
        pixels: Pixels of one step of one network.
        known: Whether they are of this library: `torch.vmap` does not take every layer, and Keras
            draws no random numbers under it.
    """
    return known and pixels <= _FEW_PIXELS


def gradients_of_each(loss: Callable) -> Callable:
    """Makes `call(*networks)` that takes the gradients of several networks at once.

    The first call records the operations, and the others replay them, for arguments of the same
    shapes: without Keras, `torch.vmap` and the record for gradients they take two thirds of the
    time.

    Args:
        loss: `loss(weights, *rest) -> (loss, aux)` of one network.

    Returns:
        A function of its arguments for all networks, `(r, ...)` each; it returns the gradients of
        the weights and the second results, `(r, ...)` each.
    """

    def total(*networks: Any) -> tuple[Any, list]:
        # None has a part in the loss of another: the gradients of the sum are those of each.
        losses, aux = torch.vmap(lambda one: loss(*one))(networks)
        return losses.sum(), aux

    def gradients(*networks: Any) -> tuple[list, list]:
        (_, aux), found = value_and_grad(total)(*networks)
        return found, aux

    replay: Callable | None = None

    def call(*networks: Any) -> tuple[list, list]:
        nonlocal replay
        if replay is None:
            replay = make_fx(gradients)(*networks)
            replay.graph.eliminate_dead_code()
            replay.recompile()
        return replay(*networks)

    return call


def apply_adam(optimizer: keras.Optimizer, gradients: list, variables: list) -> None:
    """One step of `keras_isa.optimizers.Adam`: PyTorch's own rule is the same.

    It goes through each array once, and Keras's fifteen times.
    """
    step = ops.cast(optimizer.iterations, "float32")
    adam(
        [variable.value for variable in variables],
        gradients,
        [moment.value for moment in optimizer._momentums],
        [moment.value for moment in optimizer._velocities],
        [],
        [step.clone() for _ in variables],
        fused=True,
        amsgrad=False,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        lr=float(optimizer.learning_rate),
        weight_decay=0.0,
        eps=optimizer.epsilon,
        maximize=False,
    )
    optimizer.iterations.assign_add(1)


def cholesky(matrix: Any) -> Any:
    """Cholesky factor of a symmetric matrix; not finite where there is none."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return torch.where(failed == 0, factor, torch.nan)


def short_product(left: Any, right: Any) -> Any:
    """The product `(n, m)` of matrices `(n, k)` and `(k, m)` of a short format, widened first."""
    return left.float() @ right.float()


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """A context in which products of float32 matrices are not rounded to a shorter format."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)` that runs `step(*args)`, which assigns `variables`, many times.

    A `small` step, of many little operations, runs in one thread.
    """
    del variables, dtype  # assigned as the step says

    @torch.no_grad()
    def run(count: int, *args: Any) -> None:
        with _one_thread() if small else contextlib.nullcontext():
            for _ in range(count):
                step(*args)

    return run


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """A context for operations on a CPU that last no longer than threads wait for each other.

    Beside other work on the same cores that would be most of the time.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's PyTorch trainer calls in `fit`, on a list of one batch."""
    del eager  # always

    @torch.no_grad()
    def call(batches: list) -> dict:
        inputs = trainer.call_inputs(batches[0])
        if inputs is None:
            return trainer.skipped_logs()
        trainer.training_step(inputs[0])
        return trainer.training_logs()

    return call


def test_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's PyTorch trainer calls in `evaluate`."""
    del eager  # always

    @torch.no_grad()
    def call(batches: list) -> dict:
        return trainer.validation_logs(*trainer.validation_inputs(batches[0]))

    return call


def _leaf(array: torch.Tensor, nested: bool) -> torch.Tensor:
    """A tensor of its own to take a gradient of, which an outer gradient reaches."""
    if nested and array.requires_grad:
        return array.view_as(array)
    return array.detach().requires_grad_()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
