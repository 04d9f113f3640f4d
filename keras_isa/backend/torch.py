"""The PyTorch side of the seam: steps run eagerly, one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import torch
from keras import ops, tree

from keras_isa.memory import available_bytes

# Keras's PyTorch trainer takes one step at a time.
LOOPS = False


def has_accelerator() -> bool:
    return ops.zeros(()).device.type != "cpu"  # where Keras places its tensors


def run_in_calling_thread() -> None:
    """Leaves things as they are: PyTorch's operations allocate there anyway."""


def free_bytes() -> int:
    if not torch.cuda.is_available():
        return available_bytes()
    free, _ = torch.cuda.mem_get_info()
    # What PyTorch has reserved and does not use is free too.
    return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def random_key(key: Any) -> Any:
    """The key as `keras.random` takes it: as it is."""
    return key


def to_device(array: Any) -> torch.Tensor:
    """Places an array on the default device."""
    return ops.convert_to_tensor(array)


def process() -> tuple[int, int]:
    """Number of this process among those that compute together, and how many there are."""
    return 0, 1  # several are for JAX


def split_batch(array: Any) -> Any:
    """The batch as it is: several devices are for JAX."""
    return array


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
        with torch.enable_grad():
            leaves = [array.detach().requires_grad_() for array in arrays]
            loss, aux = function(leaves, *rest)
            found = torch.autograd.grad(loss, leaves, allow_unused=True)
        gradients = [
            torch.zeros_like(leaf) if gradient is None else gradient
            for gradient, leaf in zip(found, leaves, strict=True)
        ]
        return tree.map_structure(_detached, (loss, aux)), gradients

    return run


def side_by_side(pixels: int) -> bool:
    """Whether networks that see so many pixels each are computed all at once."""
    del pixels
    return False  # under torch.vmap Keras draws no random numbers


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


def looped(step: Callable, variables: list[keras.Variable], dtype: str = "float32") -> Callable:
    """Makes `call(count, *args)` that runs `step(*args)`, which assigns `variables`, many times."""
    del variables, dtype  # assigned as the step says

    @torch.no_grad()
    def run(count: int, *args: Any) -> None:
        for _ in range(count):
            step(*args)

    return run


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


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
