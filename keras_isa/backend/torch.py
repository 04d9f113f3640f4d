"""What the library needs of PyTorch and `keras.ops` does not offer; steps run eagerly."""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import torch
from keras import ops, tree
from torch.fx.experimental.proxy_tensor import make_fx
from torch.optim.adam import adam

from keras_isa.backend.differentiation import differentiating, freely_differentiable
from keras_isa.backend.shared import draw_each as draw_each
from keras_isa.backend.shared import named_devices
from keras_isa.backend.shared import process as process
from keras_isa.backend.shared import random_key as random_key
from keras_isa.backend.shared import split_batch as split_batch
from keras_isa.memory import available_bytes

# Whether one compiled call runs many steps; Keras's PyTorch trainer runs one step per call.
LOOPS = False
_MOST_VECTORIZED_PIXELS = 1000


def device_name() -> str:
    device = ops.zeros(()).device  # where Keras places its tensors
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return named_devices([] if device.type == "cpu" else [name])


def has_accelerator() -> bool:
    return ops.zeros(()).device.type != "cpu"  # where Keras places its tensors


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context with float32 by default, Keras's device, no inference mode and no autocast."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _changed(torch.get_default_dtype, torch.set_default_dtype, torch.float32)
        )
        stack.enter_context(torch.inference_mode(False))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type == "meta":
            stack.enter_context(ops.zeros(()).device)
        yield


@contextlib.contextmanager
def _changed(get: Callable, change: Callable, value: Any) -> Iterator[None]:
    """A context in which a setting of PyTorch has another value."""
    before = get()
    change(value)
    try:
        yield
    finally:
        change(before)


def numeric_settings() -> dict[str, Any]:
    """Settings and versions on which the last bits of results may depend."""
    cudnn = torch.backends.cudnn
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": [cudnn.version(), cudnn.enabled, cudnn.benchmark, cudnn.deterministic],
        "mkldnn": torch.backends.mkldnn.enabled,
        "cuda": torch.version.cuda,
    }


def run_in_calling_thread() -> None:
    """Does nothing, because PyTorch's operations allocate in the calling thread already."""


def free_bytes() -> int:
    if not torch.cuda.is_available():
        return available_bytes()
    free, _ = torch.cuda.mem_get_info()
    # Memory that PyTorch has reserved and does not use is free too.
    return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def to_device(array: Any) -> torch.Tensor:
    """Places an array on the default device."""
    return ops.convert_to_tensor(array)


def compiled(function: Callable, dtype: str = "float32") -> Callable:
    """Returns the function with the recording of gradients switched off; it runs eagerly."""
    del dtype
    return torch.no_grad()(function)


def forget_compiled() -> None:
    """Does nothing, because nothing is compiled."""


def value_and_grad(function: Callable) -> Callable:
    """Turns `function(arrays, *rest) -> (loss, aux)` into `-> ((loss, aux), gradients)`."""

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
    """Whether several networks are computed side by side, vectorised, instead of one by one.

    Args:
        pixels: Pixels that one network sees in one step.
        known: Whether all layers are this library's own: `torch.vmap` does not support all others,
            and Keras cannot draw random numbers under it.
    """
    return known and pixels <= _MOST_VECTORIZED_PIXELS


def gradients_of_each(loss: Callable) -> Callable:
    """Makes `call(*networks)` that takes the gradients of several networks at once.

    The first call records its operations, and the next ones, with arguments of the same shapes,
    replay them. That takes two thirds of the time, because Keras, `torch.vmap` and the recording of
    gradients do not run again.

    Args:
        loss: `loss(weights, *rest) -> (loss, aux)` of one network.

    Returns:
        `call(*networks)`. Its arguments are those of `loss`, stacked to `(r, ...)` for r networks.
        It returns the gradients of the weights and the `aux` of all networks, stacked likewise.
    """

    def total(*networks: Any) -> tuple[Any, list]:
        # No network has a part in the loss of another, so the gradients of the sum are those of
        # each loss.
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
    """One step of `keras_isa.optimizers.Adam`, by PyTorch's own Adam, which computes the same.

    PyTorch goes through each array once, Keras fifteen times.
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
    """Returns the Cholesky factor of a symmetric matrix, with NaN in it if no factor exists."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return torch.where(failed == 0, factor, torch.nan)


def short_product(left: Any, right: Any) -> Any:
    """Multiplies 16-bit matrices `(n, k)` and `(k, m)` as float32 ones and returns `(n, m)`."""
    return left.float() @ right.float()


def full_precision() -> Any:
    """A context in which products of float32 matrices are not rounded to a shorter format."""
    get, change = torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    return _changed(get, change, "highest")


def linearized(function: Callable, point: list) -> tuple[Callable, Callable]:
    """Linearises a function at a point, once for many products.

    Args:
        function: Takes as many arrays as the point has, and returns one array.
        point: Arrays.

    Returns:
        `push(change) -> moved`, the product of the Jacobian with a list of arrays, and
        `pull(upstream) -> list`, that of its transpose.
    """
    point = [one.detach() for one in point]
    with freely_differentiable(), torch.enable_grad(), warnings.catch_warnings():
        # Its record holds constants that it does not name, which its printer would miss.
        warnings.filterwarnings("ignore", "Attempted to insert a get_attr Node", UserWarning)
        _, push = torch.func.linearize(function, *point)
        _, transposed = torch.func.vjp(function, *point)
    return lambda change: push(*change), lambda upstream: list(transposed(upstream))


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)`, which runs `step(*args)` `count` times.

    The step assigns `variables`. `small` says that the step has many small operations; it then runs
    in one thread.
    """
    del variables, dtype  # the step assigns the variables by itself

    # Small operations last no longer than several threads would wait for each other. If other work
    # runs on the same cores, the waiting takes most of the time.
    threads = functools.partial(_changed, torch.get_num_threads, torch.set_num_threads, 1)

    @torch.no_grad()
    def run(count: int, *args: Any) -> None:
        with threads() if small else contextlib.nullcontext():
            for _ in range(count):
                step(*args)

    return run


def repeat(step: Callable, variables: list[keras.Variable], count: Any) -> None:
    """Runs `step()`, which assigns `variables`, `count` times.

    Args:
        step: Function without arguments.
        variables: All that it assigns.
        count: How often.
    """
    del variables  # the step assigns them by itself
    for _ in range(int(count)):
        step()


def train_function(trainer: Any, eager: bool) -> Callable:
    """Returns what Keras's PyTorch trainer calls in `fit`, with a list of one batch."""
    del eager  # PyTorch always runs eagerly

    @torch.no_grad()
    def call(batches: list) -> dict:
        inputs = trainer.call_inputs(batches[0])
        if inputs is None:
            return trainer.skipped_logs()
        trainer.training_step(inputs[0])
        return trainer.training_logs()

    return call


def test_function(trainer: Any, eager: bool) -> Callable:
    """Returns what Keras's PyTorch trainer calls in `evaluate`."""
    del eager  # PyTorch always runs eagerly

    @torch.no_grad()
    def call(batches: list) -> dict:
        return trainer.validation_logs(*trainer.validation_inputs(batches[0]))

    return call


def _leaf(array: torch.Tensor, nested: bool) -> torch.Tensor:
    """Returns a new tensor by which to differentiate; outer gradients flow through it."""
    if nested and array.requires_grad:
        return array.view_as(array)
    return array.detach().requires_grad_()


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
