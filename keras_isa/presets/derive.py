"""FRePo's settings for a data set that has no preset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_isa.models.default import default_flops
from keras_isa.ops.arguments import image_shape_of, whole_number
from keras_isa.ops.counts import checked_counts, simplest

# The greatest number of rows of the set that train a network in one step, as in FRePo.
MOST_INNER_ROWS = 1000
# The floating-point operations per second of convolutions on two cores of a CPU, and the seconds
# for distillation and for networks trained on the set, so that the command takes five minutes.
_CPU_FLOPS = 6e10
_CPU_SECONDS = 110.0
_CPU_STUDENT_SECONDS = 25.0
_CPU_WIDTH = 32
_STUDENTS = 5
# The greatest number of rows per step of a network that is trained on the set.
_MOST_STUDENT_ROWS = 500


def derived_values(
    image_shape: Sequence[int],
    num_classes: int,
    train_size: int,
    images_per_class: int | Sequence[int],
    accelerated: bool,
) -> dict[str, Any]:
    """Chooses settings of FRePo from shape, size and hardware, see `derive_settings`.

    Args:
        image_shape: As in `derive_settings`.
        num_classes: As in `derive_settings`.
        train_size: As in `derive_settings`.
        images_per_class: As in `derive_settings`.
        accelerated: As in `derive_settings`.

    Returns:
        Settings by name.
    """
    image_shape = image_shape_of("image_shape", image_shape)
    train_size = whole_number("train_size", train_size)
    counts = checked_counts(images_per_class, num_classes)
    flip = len(image_shape) == 3 and image_shape[2] == 3
    recipe = {"augmentation": _augmentation(image_shape, flip)}
    if accelerated:
        return {
            "images_per_class": simplest(counts),
            "batch_size": min(1024, train_size),
            "steps": 20_000,
            "flip": flip,
            "recipe": recipe,
        }
    image = default_flops(image_shape, num_classes, _CPU_WIDTH)
    batch_size = min(256, train_size)
    # A target image costs 1 forward pass. An image of the set costs 2 with its gradient, and 3 when
    # it trains a network of the pool.
    rows = sum(counts)
    set_rows = rows * (2 if flip else 1)
    step = image * (batch_size + 2 * set_rows + 3 * min(rows, MOST_INNER_ROWS))
    # Multiples of 100 can be divided into epochs of equal length.
    steps = int(_clipped(100 * round(_CPU_SECONDS * _CPU_FLOPS / step / 100), 100, 5000))
    student_step = 3 * image * _STUDENTS * min(rows, _MOST_STUDENT_ROWS)
    student_steps = int(_clipped(_CPU_STUDENT_SECONDS * _CPU_FLOPS / student_step, 100, 2000))
    return {
        "images_per_class": simplest(counts),
        "width": _CPU_WIDTH,
        "batch_size": batch_size,
        "steps": steps,
        "learning_rate": 1e-2,
        "final_learning_rate": 0.01,
        "flip": flip,
        "recipe": {**recipe, "width": _CPU_WIDTH, "learning_rate": 1e-3, "steps": student_steps},
    }


def _augmentation(image_shape: tuple[int, ...], flip: bool) -> list[str]:
    if len(image_shape) != 3:
        return []
    return ["crop", "rotate", "translate", "cutout", "color", *(["flip"] if flip else [])]


def _clipped(value: float, low: int, high: int) -> float:
    return max(low, min(high, value))
