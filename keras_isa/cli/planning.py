"""`keras-isa distill --plan`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class _Known:
    """A data set as the presets describe it, without its images."""

    name: str
    image_shape: tuple[int, ...]
    num_classes: int
    train_size: int

    def __len__(self) -> int:
        return self.train_size

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.train_size:,} training images {self.image_shape}, "
            f"{self.num_classes} classes, according to its preset; they are not loaded"
        )


def run_plan(run: Any, trial: int | None, as_json: bool) -> str:
    """Forecasts a run; with `trial`, runs so many steps and compares.

    Args:
        run: The `Run` that was asked for.
        trial: Steps to run, or `None`.
        as_json: Whether the text is one JSON object.

    Returns:
        The text to print.
    """
    from keras_isa.inputs.arrays import StoredImages
    from keras_isa.planning.plan import forecast

    known = _known(run) if trial is None else None
    about: dict[str, Any] = {}
    if known is not None:
        what, settings = known, run.settings(known)
    else:
        what, test = run.load()
        settings = run.settings_with_counts(what, held_out=True)
        stored = isinstance(what.x, StoredImages)
        about = {
            "test_size": len(test),
            "pixel_bytes": what.x.dtype.itemsize,
            "stored": stored,
            "loaded": not stored,
        }
    shape, classes = what.image_shape, what.num_classes
    plan = forecast(run.method, settings, shape, classes, len(what), **about)
    report = plan.to_dict()
    if trial is not None:
        report["trial"] = _try(run, plan, what, settings, trial)
    if as_json:
        return json.dumps(report)
    text = f"{what}\n{settings}\n{plan}"
    if trial is None:
        return text
    measured = report["trial"]
    return (
        f"{text}\n{trial} steps took {measured['peak_bytes'] / 1e9:.3f} GB and "
        f"{measured['seconds_per_step']:.3g} seconds each: {measured['peak_ratio']:.2f} and "
        f"{measured['seconds_ratio']:.2f} of the forecast"
    )


def _try(run: Any, plan: Any, train: Any, settings: Any, steps: int) -> dict[str, float]:
    from keras_isa.memory import peak_bytes
    from keras_isa.planning.plan import StepClock

    clock = StepClock()
    run.trainer(train, settings).fit(
        train,
        validation_split=settings.validation_split,
        epochs=1,
        steps_per_epoch=steps,
        callbacks=[clock],
        verbose=0,
    )
    return plan.compare(peak_bytes(), clock.seconds_per_step)


# With one of these options the data are not those that the presets describe.
_CHANGING = ("classes", "image_size", "axes", "split", "key")


def _known(run: Any) -> _Known | None:
    """The data set as the presets describe it, so that it need not be loaded, or `None`."""
    if any(run.data[name] for name in _CHANGING) or isinstance(run.wanted, Mapping):
        return None
    from keras_isa.presets import preset_names, read_preset

    word = run.dataset.removeprefix("tfds:").partition(":")[0]
    for name in preset_names():
        about = read_preset(name, 1)[1]
        if word in (name, about.get("tfds")) and word != "digits":
            shape = tuple(about["image_shape"])
            return _Known(run.dataset, shape, about["num_classes"], about["train_size"])
    return None
