"""The search space and the trial, as keras-tuner wants them."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.methods.base import DistillationTrainer
from keras_isa.ops.arguments import instance_of, one_of, seed_number, true_or_false, whole_number
from keras_isa.ops.splits import validation_mask
from keras_isa.presets.config import Config
from keras_isa.training.inputs import Given, checked_arrays, checked_validation, unpack
from keras_isa.tuning.scoring import OBJECTIVES, Scorer
from keras_isa.tuning.space import SearchSpace
from keras_isa.tuning.trial import (
    Diverged,
    Length,
    StopWhenDiverged,
    set_first_images,
    trainer_of,
)
from keras_isa.tuning.tunable_trainer import STATIC, TunableTrainer

OBJECTIVE = "validation_accuracy"
# A trial takes this part of the steps of the settings, unless told otherwise.
_TRIAL_SHARE = 5
# Compiled programs that are kept at most; then all are forgotten, so that memory has a bound.
_MOST_PROGRAMS = 6


class DistillationHyperModel(keras_tuner.HyperModel):
    """Distillation as a `keras_tuner.HyperModel`: settings are searched, a distilled set is scored.

    A trial distils a set and scores it on held-out training images. FRePo's trials share a
    compiled trainer wherever shapes allow: the share of crucial samples, the ridge, the ISA
    interval, the learning rates and the age of reset are variables of it; pool size, pairing and
    label learning compile another. Random partners (`pairing="random"`) are drawn by other numbers
    than in an ordinary trainer; everything else is the same computation. Each trial of another
    method compiles a trainer of its own.

    Any tuner of keras-tuner takes it; `DistillationTuner` adds resuming, Hyperband whose promoted
    runs continue (in `keras_tuner.Hyperband` every trial begins anew) and reasons for failures.

    Args:
        settings: Settings of a whole run of a registered method, and of everything that is not
            searched.
        data: What says `image_shape`, `num_classes`, `class_names` and `pixel_range`, such as a
            dataset of `keras_isa.datasets`; the images are handed to `fit`.
        space: What is searched: names, each with `(low, high)`, a list of values, or `None`; see
            `SearchSpace`. By default the `searched` of the settings.
        objective: `"students"`, the mean accuracy of networks trained on the set, or `"krr"`, the
            cheap accuracy of kernel regression on the features of frozen random networks.
        repeats: Students per set.
        steps: Steps of a trial; by default a fifth of those of the settings.
        seed: Seed of everything; all trials share it.
        reuse: Whether FRePo's trials share compiled trainers.

    Raises:
        TypeError: If `settings` is no `Config`, or `space` no mapping.
        ValueError: If the method of the settings is not registered, or a name, a bound or a number
            is not usable.

    Example:

    >>> import keras_tuner
    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> recipe = {"width": 4, "depth": 1, "steps": 2, "augmentation": []}
    >>> settings = keras_isa.presets.Settings(
    ...     images_per_class=1, width=4, depth=1, pool_size=2, steps=20, recipe=recipe)
    >>> hypermodel = keras_isa.tuning.DistillationHyperModel(settings, train, objective="krr")
    >>> hp = keras_tuner.HyperParameters()
    >>> trainer = hypermodel.build(hp)
    >>> sorted(hp.values)
    ['crucial_fraction', 'regularization']
    >>> sorted(hypermodel.fit(hp, trainer, train.x, train.y, validation_split=0.2))
    ['validation_accuracy']
    """

    def __init__(
        self,
        settings: Config,
        data: Any,
        space: Mapping[str, Any] | Sequence[str] | SearchSpace | None = None,
        *,
        objective: str = "students",
        repeats: int = 3,
        steps: int | None = None,
        seed: int = 0,
        reuse: bool = True,
    ) -> None:
        super().__init__(name="distillation")
        self.settings = instance_of("settings", settings, Config)
        self._trainer_class = trainer_of(type(settings))
        known = isinstance(space, SearchSpace)
        self.space = space if known else SearchSpace(space, type(settings))
        self.kind = one_of("objective", objective, OBJECTIVES)
        self.repeats = whole_number("repeats", repeats)
        self.seed = seed_number(seed)
        self.reuse = true_or_false("reuse", reuse)
        share = max(1, self.settings.steps // _TRIAL_SHARE)
        self.steps = share if steps is None else whole_number("steps", steps)
        self.scorer = Scorer(self.settings, self.repeats, self.seed)
        self._facts = _facts_of(data)
        shape = self._facts["image_shape"]
        self._preprocessing = preprocessing_layer(self.settings.preprocessing, shape)
        self._rows: int | None = None  # of the training part, once it is known
        self._programs: dict[tuple, DistillationTrainer] = {}
        self._prepared: tuple[Any, Any] | None = None

    # ---------------------------------------------------------------- what keras-tuner calls

    @property
    def objective(self) -> keras_tuner.Objective:
        """What `fit` returns, for the tuners of keras-tuner: `validation_accuracy`, maximised."""
        return keras_tuner.Objective(OBJECTIVE, "max")

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        self.space.declare(hp, self.settings)

    @in_standard_settings
    def build(self, hp: keras_tuner.HyperParameters) -> DistillationTrainer:
        """A compiled trainer for these values; it has no images before `fit`."""
        self.declare_hyperparameters(hp)
        return self.trainer(self.settings_with(self.space.values(hp), self.settings.steps))

    @in_standard_settings
    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: DistillationTrainer,
        x: Any,
        y: Any = None,
        *,
        validation_data: Any = None,
        validation_split: float | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: Any,
    ) -> dict[str, float]:
        """One trial: distils and scores.

        Args:
            hp: The values of the trial.
            model: What `build` returned for them.
            x: Images to distil, or a dataset with `.x` and `.y`.
            y: Their classes when `x` is an array.
            validation_data: Held-out images, as for `fit` of a trainer.
            validation_split: Share that is held out where there are none; by default the settings'.
            callbacks: Keras callbacks.
            **options: `verbose` and `resume`, as for `fit` of a trainer.

        Returns:
            The objective by its name.
        """
        del model  # `distil` finds it again, or makes another where compiled programs are not kept
        x, y, held_out = self.divided(x, y, validation_data, validation_split)
        values = self.space.values(hp)
        trainer = self.distil(values, self.trial_length(), x, y, held_out, callbacks, **options)
        return {OBJECTIVE: self.score(trainer.distilled, held_out)}

    # ---------------------------------------------------------------- the parts of a trial

    @property
    def num_classes(self) -> int:
        """Number of classes of the data."""
        return self._facts["num_classes"]

    def settings_with(self, values: Mapping[str, Any], steps: int, epochs: int = 1) -> Config:
        """The settings of a trial."""
        fields = {name: value for name, value in values.items() if name != "image_init"}
        return self.settings.with_changes(**fields, steps=steps, epochs=epochs)

    def trial_length(self) -> Length:
        """Length of a trial, its epochs about as long as those of the settings."""
        whole = self.whole_length()
        epochs = max(1, round(self.steps / whole.steps_per_epoch))
        return Length(epochs, math.ceil(self.steps / epochs), self.steps)

    def whole_length(self, epochs: int | None = None) -> Length:
        """Length of a run with all steps of the settings."""
        epochs = self.settings.epochs if epochs is None else epochs
        return Length(epochs, math.ceil(self.settings.steps / epochs), self.settings.steps)

    def divided(
        self, x: Any, y: Any, validation_data: Any, validation_split: float | None = None
    ) -> tuple[Any, np.ndarray, tuple]:
        """Checked arrays to fit, and the held-out pair."""
        shape = self._new_set()
        x, y = checked_arrays(shape, unpack(x, y))
        if validation_data is not None:
            return x, y, checked_validation(shape, validation_data)
        share = self.settings.validation_split if validation_split is None else validation_split
        mask = validation_mask(y, shape.num_classes, share, self.seed)
        if not mask.any():
            raise ValueError(
                "`validation_split` must be above 0 where there is no `validation_data`: trials "
                "are scored on held-out images. Received: 0"
            )
        return select(x, ~mask), y[~mask], (select(x, mask), y[mask])

    def trainer(self, settings: Config) -> DistillationTrainer:
        """The compiled trainer that serves these settings, made where there is none."""
        make, reuse = self._trainer_class, self.reuse
        reuse = reuse and issubclass(make, TunableTrainer)
        key = tuple(getattr(settings, name) for name in STATIC) if reuse else ()
        if key not in self._programs or not reuse:
            if len(self._programs) >= _MOST_PROGRAMS or not reuse:
                self.forget()
            self._programs[key] = make.from_settings(settings, self._new_set(), seed=self.seed)
        return self._programs[key]

    def distil(
        self,
        values: Mapping[str, Any],
        length: Length,
        x: Any,
        y: np.ndarray,
        held_out: tuple,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        resume: Any = None,
        verbose: Any = 0,
        **options: Any,
    ) -> DistillationTrainer:
        """Runs one distillation and returns its trainer, with the best set in it.

        Args:
            values: What is searched, by name; the settings have the rest.
            length: How long.
            x: Images to distil.
            y: Their classes.
            held_out: Images and classes that choose the best set of the run.
            callbacks: Keras callbacks.
            resume: Folder for the state of the run.
            verbose: As in `keras.Model.fit`.
            **options: Accepted and left unused, as keras-tuner hands on what `search` is given.

        Raises:
            Diverged: If the loss or the set is not finite.
            ValueError: If the values do not go together.
        """
        del options
        # The epochs of the whole run, so that a part of it is the same run.
        epochs = math.ceil(length.total / length.steps_per_epoch)
        settings = self.settings_with(values, length.total, epochs)
        trainer = self.trainer(settings)
        self._adapt(x)
        image_init = values.get("image_init", "random")
        try:
            if isinstance(trainer, TunableTrainer):
                trainer.reset(settings, len(x))
            set_first_images(trainer.distilled, image_init, x, y, self.seed)
            names = trainer.distilled.class_names
            trainer.fit(
                Given(x, y, names),
                batch_size=settings.batch_size,
                epochs=length.epochs,
                steps_per_epoch=length.steps_per_epoch,
                validation_data=Given(*held_out, names),
                callbacks=[*callbacks, StopWhenDiverged()],
                verbose=verbose,
                resume=resume,
            )
            trainer.distilled.provenance["image_init"] = image_init
            if not all(np.isfinite(array).all() for array in trainer.distilled.to_numpy()):
                raise Diverged("diverged: the set is not finite")
        except Diverged:
            raise  # between two calls: the state is whole, and the next trial resets it
        except BaseException:
            self.forget()  # the state of a run that broke off may be lost inside a compiled call
            raise
        return trainer

    def score(self, distilled: DistilledData, held_out: tuple) -> float:
        """The objective of a set."""
        return self.scorer.score(self.kind, distilled, *self.in_model_space(distilled, *held_out))

    def in_model_space(self, distilled: DistilledData, x: Any, y: np.ndarray) -> tuple:
        """Images as networks see them, prepared once for all trials, and their classes."""
        if self._prepared is None or self._prepared[0] is not x:
            self._prepared = (x, distilled.preprocess(x))
        return self._prepared[1], y

    def forget(self) -> None:
        """Drops all compiled trainers and gives their memory back."""
        self._programs.clear()
        gc.collect()
        backend.current().forget_compiled()

    # ---------------------------------------------------------------- inside

    def _new_set(self) -> DistilledData:
        count = self.settings.images_per_class
        return DistilledData(
            images_per_class=count, preprocessing=self._preprocessing, **self._facts
        )

    def _adapt(self, x: Any) -> None:
        if self._rows is None and self._preprocessing is not None:
            self._preprocessing.adapt(x)
        if self._rows not in (None, len(x)):
            raise ValueError(
                f"`x` must be the {self._rows} images of the trials before; other data need a "
                f"hypermodel of their own. Received: {len(x)} images"
            )
        self._rows = len(x)


def _facts_of(data: Any) -> dict[str, Any]:
    missing = [name for name in ("image_shape", "num_classes") if not hasattr(data, name)]
    if missing:
        raise TypeError(
            f"`data` must have an image_shape and num_classes. Received: {type(data).__name__}"
        )
    facts = {"image_shape": tuple(data.image_shape), "num_classes": data.num_classes}
    for name in ("class_names", "pixel_range"):
        if getattr(data, name, None) is not None:
            facts[name] = getattr(data, name)
    return facts
