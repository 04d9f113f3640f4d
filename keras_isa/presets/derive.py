"""Settings for a data set that has no preset."""

from __future__ import annotations

from collections.abc import Sequence

from keras_isa.models.default import default_flops
from keras_isa.ops.arguments import image_shape_of, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.settings import MOST_INNER_ROWS, Settings

# What a 2-core CPU sustains in convolutions, FLOP per second, and the seconds that each part may
# take there: the whole command ends within five minutes.
_CPU_RATE = 6e10
_CPU_SECONDS = 110.0
_CPU_STUDENT_SECONDS = 25.0
_CPU_WIDTH = 32
_STUDENTS = 5
# A network trained on the set sees at most so many rows per step.
_MOST_STUDENT_ROWS = 500


def derive_settings(
    image_shape: Sequence[int],
    num_classes: int,
    train_size: int,
    images_per_class: int | Sequence[int],
    accelerated: bool,
) -> Settings:
    """Chooses settings from shape, size and hardware.

    On an accelerator these are the published settings with 20,000 steps. On a CPU the networks are
    narrower, the batch is smaller, the learning rate is higher and the number of steps follows from
    their cost. Only images of three channels are mirrored: they are most likely pictures, others
    may be letters. Flat features are neither mirrored nor augmented.

    Args:
        image_shape: `(height, width, channels)`, or `(features,)` for flat features.
        num_classes: Number of classes.
        train_size: Training images.
        images_per_class: Images per class of the distilled set, one number or one for each class.
        accelerated: Whether a GPU or TPU computes.

    Returns:
        The settings.

    Raises:
        ValueError: If the shape is none, or a number is not a positive integer.

    Example:

    >>> from keras_isa.presets import derive_settings
    >>> derive_settings((28, 28, 1), 10, 60000, 1, accelerated=False).width
    32
    >>> derive_settings((20,), 3, 1000, [1, 2, 2], accelerated=False).recipe["augmentation"]
    []
    """
    image_shape = image_shape_of("image_shape", image_shape)
    train_size = whole_number("train_size", train_size)
    counts = checked_counts(images_per_class, num_classes)
    flip = len(image_shape) == 3 and image_shape[2] == 3
    recipe = {"augmentation": _augmentation(image_shape, flip)}
    if accelerated:
        return Settings(
            images_per_class=simplest(counts),
            batch_size=min(1024, train_size),
            steps=20_000,
            flip=flip,
            recipe=recipe,
        )
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
    return Settings(
        images_per_class=simplest(counts),
        width=_CPU_WIDTH,
        batch_size=batch_size,
        steps=steps,
        learning_rate=1e-2,
        final_learning_rate=0.01,
        flip=flip,
        recipe={**recipe, "width": _CPU_WIDTH, "learning_rate": 1e-3, "steps": student_steps},
    )


def _augmentation(image_shape: tuple[int, ...], flip: bool) -> list[str]:
    if len(image_shape) == 1:
        return []
    return ["crop", "rotate", "translate", "cutout", "color", *(["flip"] if flip else [])]


def _clipped(value: float, low: int, high: int) -> float:
    return max(low, min(high, value))
