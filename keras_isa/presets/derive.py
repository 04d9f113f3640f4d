"""Numbers for a data set that has no preset, for FRePo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_isa.models.default import default_flops
from keras_isa.ops.arguments import image_shape_of, whole_number
from keras_isa.ops.counts import checked_counts, simplest

# Rows of the set that train a network in one step; FRePo's limit.
MOST_INNER_ROWS = 1000
# What a 2-core CPU sustains in convolutions, FLOP per second, and the seconds that each part may
# take there: the whole command ends within five minutes.
_CPU_RATE = 6e10
_CPU_SECONDS = 110.0
_CPU_STUDENT_SECONDS = 25.0
_CPU_WIDTH = 32
_STUDENTS = 5
# A network trained on the set sees at most so many rows per step.
_MOST_STUDENT_ROWS = 500


def derived_values(
    image_shape: Sequence[int],
    num_classes: int,
    train_size: int,
    images_per_class: int | Sequence[int],
    accelerated: bool,
) -> dict[str, Any]:
    """Chooses settings of FRePo from shape, size and hardware, as `derive_settings` says.

    Args:
        image_shape: As there.
        num_classes: As there.
        train_size: As there.
        images_per_class: As there.
        accelerated: As there.

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
    # Target forward; set forward and backward; the member's step: 1, 2 and 3 forward passes.
    rows = sum(counts)
    set_rows = rows * (2 if flip else 1)
    step = image * (batch_size + 2 * set_rows + 3 * min(rows, MOST_INNER_ROWS))
    # Whole hundreds divide into epochs of equal length.
    steps = int(_clipped(100 * round(_CPU_SECONDS * _CPU_RATE / step / 100), 100, 5000))
    student_step = 3 * image * _STUDENTS * min(rows, _MOST_STUDENT_ROWS)
    student_steps = int(_clipped(_CPU_STUDENT_SECONDS * _CPU_RATE / student_step, 100, 2000))
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
