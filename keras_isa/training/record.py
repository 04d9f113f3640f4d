"""What an asset remembers of the run that made it."""

from __future__ import annotations

from typing import Any

from keras_isa.versions import versions


def run_record(
    trainer: Any,
    *,
    dataset: str | None,
    steps: int,
    seconds: float,
    validation_split: float,
    validation_images: int,
) -> dict[str, Any]:
    """Describes a finished `fit`, JSON-compatible.

    Args:
        trainer: The `DistillationTrainer`.
        dataset: Name of the training data, if they had one.
        steps: Steps taken.
        seconds: Wall time of `fit`.
        validation_split: Share of the training data that was held out by `fit`.
        validation_images: Images held out.

    Returns:
        Method, settings, data set, seed, steps, seconds, selection and versions.
    """
    selection = None
    if validation_images:
        selection = {
            "by": "val_accuracy of kernel ridge regression on held-out training images",
            "images": validation_images,
            **trainer.best.record(),
        }
        if validation_split:
            selection["validation_split"] = validation_split
    return {
        **trainer.description(),
        "dataset": dataset,
        "seed": trainer.seed,
        "steps": steps,
        "seconds": round(seconds, 3),
        "selection": selection,
        "versions": versions(),
    }
