"""A forecast of memory and time, before a run allocates anything."""

from __future__ import annotations

import dataclasses
import functools
import gc
import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa import backend, memory
from keras_isa.asset.stored_set import group_count
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.checks import check_images
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.parametrizations import parametrization_of
from keras_isa.parametrizations.base import checked_shapes
from keras_isa.planning.memory_estimate import DataMemory, bytes_of
from keras_isa.planning.trial import Trial, extrapolated_seconds, is_short
from keras_isa.presets.config import Config
from keras_isa.presets.table import align_columns
from keras_isa.training.inputs import is_dataset

# Seconds in which a short step is timed.
_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """The memory and the time that a run will need, as `forecast` finds them.

    Args:
        parts: Bytes of each part of the memory at the moment when most is used. On a CPU this is
            the memory of the process, with an accelerator that of the device.
        moment: That moment: `"steps"`, `"preprocessing"` (while its statistics are computed) or
            `"preparation"` (while all images are preprocessed).
        available_bytes: Bytes that the run can use.
        placement: Where training images are kept: `"prepared"`, `"pixels"` or `"host"`, see
            `keras_isa.training.device_data.placement_of`.
        seconds_per_step: Seconds of one distillation step, without compilation.
        steps: Steps of the run.
        may_stop: Whether the run stops earlier if no set scores better for long enough.
        expert_seconds: Seconds in which experts are made before the first step; 0 without them.
    """

    parts: Mapping[str, int]
    moment: str
    available_bytes: int
    placement: str
    seconds_per_step: float
    steps: int
    may_stop: bool = False
    expert_seconds: float = 0.0

    @property
    def form(self) -> str:
        """The former name of `placement`, for this version."""
        warnings.warn("Plan.form is now Plan.placement", DeprecationWarning, stacklevel=2)
        return self.placement

    @property
    def peak_bytes(self) -> int:
        """The greatest number of bytes in use at any time."""
        return sum(self.parts.values())

    @property
    def fits(self) -> bool:
        """Whether there is as much memory as the run will need."""
        return self.peak_bytes <= self.available_bytes

    @property
    def hours(self) -> float:
        """Hours of experts and steps, without validation and compilation."""
        return (self.expert_seconds + self.seconds_per_step * self.steps) / 3600

    def to_dict(self) -> dict[str, Any]:
        """Returns the plan as JSON-compatible values."""
        computed = {name: getattr(self, name) for name in ("peak_bytes", "fits", "hours")}
        return {**dataclasses.asdict(self), **computed}

    def compare(
        self, measured_peak_bytes: int, measured_seconds_per_step: float
    ) -> dict[str, float]:
        """Compares the plan with measurements of the run.

        Args:
            measured_peak_bytes: Peak memory of the process (`keras_isa.memory.peak_bytes`) or of
                the device.
            measured_seconds_per_step: Seconds as `StepClock` measures them.

        Returns:
            Both measured numbers, and their ratios to the forecast, which are above 1 if the run
            needed more.

        Example:

        >>> from keras_isa.planning.plan import Plan
        >>> plan = Plan({"pool": 3, "set": 1}, "steps", 10, "pixels", 0.5, 100)
        >>> plan.compare(5, 0.4)["peak_ratio"]
        1.25
        """
        return {
            "peak_bytes": measured_peak_bytes,
            "peak_ratio": measured_peak_bytes / self.peak_bytes,
            "seconds_per_step": measured_seconds_per_step,
            "seconds_ratio": measured_seconds_per_step / self.seconds_per_step,
        }

    def __str__(self) -> str:
        verdict = "fits" if self.fits else "does not fit"
        most = "at most " if self.may_stop else ""
        rows = [
            *((f"  {name}", _gigabytes(count)) for name, count in self.parts.items()),
            ("peak memory", f"{_gigabytes(self.peak_bytes)}, during {self.moment}"),
            ("available", f"{_gigabytes(self.available_bytes)}: {verdict}"),
            ("training images", self.placement),
            ("seconds per step", f"{self.seconds_per_step:.3g}"),
            (f"{most}{self.steps:,} steps", f"{most}{self.hours:.3g} hours"),
        ]
        if self.expert_seconds:
            rows.insert(-1, ("experts", f"{self.expert_seconds:.3g} seconds"))
            rows[-1] = (f"experts and {rows[-1][0]}", rows[-1][1])
        return align_columns(rows)


@in_standard_settings
def forecast(
    method: type,
    settings: Config,
    image_shape: Sequence[int],
    num_classes: int,
    train_size: int,
    *,
    test_size: int = 0,
    pixel_bytes: int = 1,
    stored: bool = False,
    loaded: bool = False,
    task: str = "classification",
    has_experts: bool = False,
) -> Plan:
    """Forecasts the memory and the time of a run.

    The step of the run is compiled for the shapes of the run, with as few networks as possible and
    without data. The compiler reports its memory, and all other memory follows from the shapes. The
    time of the step is measured on random images: directly if the step is short, otherwise with
    smaller batches and sets, from which the time of the whole step follows.

    Args:
        method: The trainer's class.
        settings: Settings of the run.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes C.
        train_size: Training images, including those that `settings.validation_split` holds out.
        test_size: Test images that are in memory too.
        pixel_bytes: Bytes of a raw pixel: 1 for uint8, 4 for float32.
        stored: Whether the images stay on disk (`StoredImages`).
        loaded: Whether the training images are in memory already.
        task: `"classification"`, or `"regression"` with K targets in place of C classes.
        has_experts: Whether experts that the method needs are there already.

    Returns:
        The plan.

    Raises:
        ValueError: If a number or a setting is out of range.
        RuntimeError: If the active Keras backend is not JAX.

    Example:

    >>> from keras_isa import FRePoTrainer
    >>> from keras_isa.planning.plan import forecast
    >>> from keras_isa.presets import Settings
    >>> settings = Settings(images_per_class=1, width=4, batch_size=8, steps=10, pool_size=2)
    >>> plan = forecast(FRePoTrainer, settings, (8, 8, 1), num_classes=3, train_size=50)
    >>> plan.fits, plan.placement
    (True, 'pixels')
    """
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "a forecast needs JAX, whose compiler says how much memory a step takes; set the "
            f"environment variable KERAS_BACKEND=jax. Received: {keras.backend.backend()}"
        )
    begin = memory.resident_bytes()
    data = DataMemory(settings, tuple(image_shape), train_size, test_size, pixel_bytes, stored)
    placement = data.placement
    counts = checked_counts(settings.images_per_class, group_count(task, num_classes))
    parametrization = parametrization_of(settings.parametrization)
    checked_shapes(parametrization, data.image_shape, group_count(task, num_classes), counts)
    rows = sum(parametrization.rows(counts))
    batch_size = min(settings.batch_size, data.fit_size)

    images = {"pixel_dtype": data.pixel_dtype, "directions": data.directions, "task": task}
    trial = functools.partial(
        Trial, method, settings, data.image_shape, num_classes, placement=placement, **images
    )
    step = trial(batch_size=batch_size, rows=rows)
    trainer = step.trainer
    own = sum(trainer.held_bytes(method.trial_settings(settings)).values())
    if trainer.distilled.preprocessing is not None:
        own += bytes_of(trainer.distilled.preprocessing.variables)
    built = memory.resident_bytes() - own
    extra = step.compile(data.validation_chunk)
    held = {**trainer.held_bytes(settings), "statistics": data.statistics}
    held = {**data.on_device(placement), **held}
    during, after = data.preparation(placement)
    available, resident = backend.free_bytes(), memory.resident_bytes()
    # This is read before the step runs, because its memory is given back some time after its end.
    grown = resident - own
    expert_seconds, experts = 0.0, {}
    if method.takes_experts and not has_experts:
        expert_seconds = trainer.expert_seconds(data.fit_size)
        experts = {"experts": trainer.expert_bytes}
    if extra < available and is_short(step):
        seconds = statistics.median(step.seconds(least=3, budget=_SECONDS)[1:])
    else:
        seconds = extrapolated_seconds(trial, batch_size, rows)
    del step, trainer
    gc.collect()  # networks and their optimizers refer to each other
    if backend.has_accelerator():
        moments = {"steps": {**held, "step": extra}}
    else:
        available += resident
        process = begin - (data.train_bytes if loaded else 0)
        ready, running = (process + max(size - begin, 0) for size in (built, grown))
        held = {**data.loaded, **held, **experts}
        moments = {
            "steps": {"process": running, **held, "preparation": after, "step": extra},
            "preparation": {"process": ready, **held, "preparation": during},
            "preprocessing": {"process": process, **data.loaded, "whitening": data.whitening},
        }
    moment = max(moments, key=lambda name: sum(moments[name].values()))
    parts = {name: count for name, count in moments[moment].items() if count}
    may_stop = settings.patience is not None and settings.validation_split > 0
    steps = settings.steps
    return Plan(parts, moment, available, placement, seconds, steps, may_stop, expert_seconds)


def plan_for(trainer: Any, x: Any) -> Plan:
    """Forecasts the memory and the time of `trainer.fit(x)`.

    Args:
        trainer: A `DistillationTrainer` that was made from settings.
        x: An array `(N, ...)` or a dataset with `.x` and `.y`, or the number N of uint8 images.

    Raises:
        ValueError: If the trainer has no settings, or `x` is not one of these.
        RuntimeError: If the active Keras backend is not JAX.
    """
    if trainer.settings is None:
        raise ValueError(
            "`plan` needs the settings of the run; make the trainer by `from_preset`, `for_data` "
            "or `from_settings`. Received: a trainer without settings"
        )
    x = x.x if is_dataset(x) else x
    distilled, facts = trainer.distilled, {"task": trainer.distilled.task}
    if trainer.takes_experts:
        facts["has_experts"] = trainer.experts is not None
    if hasattr(x, "shape") and len(x.shape):
        x = check_images(x, "x", image_shape=distilled.image_shape)
        facts |= image_facts(x)
    size = whole_number("x", len(x) if "loaded" in facts else x)
    settings = trainer.settings.with_changes(
        images_per_class=simplest(distilled.class_counts),
        parametrization=str(distilled.parametrization),
    )
    shape, classes = distilled.image_shape, distilled.num_classes
    return forecast(type(trainer), settings, shape, classes, size, **facts)


def image_facts(x: np.ndarray | StoredImages) -> dict[str, Any]:
    """Returns what `forecast` must know of training images that are there.

    Args:
        x: The images `(N, ...)`.
    """
    stored = isinstance(x, StoredImages)
    return {"pixel_bytes": x.dtype.itemsize, "stored": stored, "loaded": not stored}


class StepClock(keras.callbacks.Callback):
    """Measures the seconds of a distillation step during `fit`.

    The first call compiles the step, so it counts only when there is no other call.

    Example:

    >>> import keras_isa
    >>> from keras_isa.planning.plan import StepClock
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4, steps=100)
    >>> clock = StepClock()
    >>> history = trainer.fit(train, epochs=1, callbacks=[clock], verbose=0)
    >>> clock.seconds_per_step > 0
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self._times: list[float] = []
        self._began = (0, 0.0)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._began = batch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        for value in (logs or {}).values():
            float(value)  # waits until the step has been computed
        first, began = self._began
        self._times.append((time.perf_counter() - began) / (batch - first + 1))

    @property
    def seconds_per_step(self) -> float:
        """The median over all calls that compile nothing."""
        return statistics.median(self._times[1:] or self._times)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.3f} GB"
