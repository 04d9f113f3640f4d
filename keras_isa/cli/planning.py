"""`keras-isa distill --plan`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_isa.cli.run import Run
from keras_isa.memory import peak_bytes
from keras_isa.methods import method, method_names
from keras_isa.planning.plan import StepClock, forecast, image_facts
from keras_isa.presets import preset_names, read_preset


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


def run_plan(run: Run, trial: int | None) -> tuple[dict[str, Any], str]:
    """Forecasts a run; with `trial`, runs so many steps and compares.

    Args:
        run: The run that was asked for.
        trial: Steps to run, or `None`.

    Returns:
        The forecast, JSON-compatible, and the same in words.
    """
    data, facts = known_data(run) if trial is None else None, {}
    if data is not None:
        settings = run.settings(data)
    else:
        data, test = run.load()
        settings = run.settings_with_counts(data, held_out=True)
        facts = {"test_size": len(test), "task": data.task, **image_facts(data.x)}
    shape, classes = data.image_shape, data.num_classes
    plan = forecast(run.method, settings, shape, classes, len(data), **facts)
    text = f"{data}\n{settings}\n{plan}"
    if trial is None:
        return plan.to_dict(), text
    measured = _try(run, plan, data, settings, trial)
    return {**plan.to_dict(), "trial": measured}, (
        f"{text}\n{trial} steps took {measured['peak_bytes'] / 1e9:.3f} GB and "
        f"{measured['seconds_per_step']:.3g} seconds each: {measured['peak_ratio']:.2f} and "
        f"{measured['seconds_ratio']:.2f} of the forecast"
    )


def _try(run: Run, plan: Any, train: Any, settings: Any, steps: int) -> dict[str, float]:
    clock = StepClock()
    trainer, share = run.trainer(train, settings), settings.validation_split
    short = {"epochs": 1, "steps_per_epoch": steps, "callbacks": [clock], "verbose": 0}
    trainer.fit(train, validation_split=share, **short)
    return plan.compare(peak_bytes(), clock.seconds_per_step)


# With one of these options the data are not those that the presets describe.
_CHANGING = ("classes", "image_size", "axes", "split", "key", "task")


def known_data(run: Run) -> _Known | None:
    """The data set as the presets describe it, so that it need not be loaded, or `None`."""
    if any(run.data[name] for name in _CHANGING) or isinstance(run.wanted, Mapping):
        return None
    word = run.dataset.removeprefix("tfds:").partition(":")[0]
    for of_method in method_names():  # a data set is the same for all methods
        config = method(of_method).Config
        for name in preset_names(config):
            about = read_preset(name, 1, config)[1]
            if word in (name, about.get("tfds")) and word != "digits":
                shape = tuple(about["image_shape"])
                return _Known(run.dataset, shape, about["num_classes"], about["train_size"])
    return None
