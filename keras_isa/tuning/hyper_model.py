"""The search space and the trials as a hypermodel of keras-tuner."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import keras_tuner
import numpy as np

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.evaluation.baselines import kmeans_indices
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.methods.base import DistillationTrainer
from keras_isa.ops.arguments import instance_of, one_of, seed_number, true_or_false, whole_number
from keras_isa.ops.counts import class_counts
from keras_isa.ops.labels import encode_labels
from keras_isa.ops.splits import validation_mask
from keras_isa.presets.config import OBJECTIVES, Config
from keras_isa.training.inputs import Given, checked_arrays, checked_validation, unpack
from keras_isa.tuning.scoring import Scorer
from keras_isa.tuning.space import SearchSpace
from keras_isa.tuning.tunable_trainer import STATIC, TunableTrainer, trainer_of

OBJECTIVE = "validation_accuracy"
# By default a trial has a fifth of the steps of a whole run.
_TRIALS_PER_RUN = 5
# The greatest number of compiled trainers in memory. All are dropped before there are more.
_MOST_TRAINERS = 6
# What a set must know of its data; the first two are needed.
_FACTS = ("image_shape", "num_classes", "class_names", "pixel_range")


class Length(NamedTuple):
    """The length of a run."""

    epochs: int
    steps_per_epoch: int
    total: int
    """Steps over which the learning rate decays; a run may end before."""


class Diverged(RuntimeError):
    """A trial whose loss or set is not finite."""


class StopWhenDiverged(keras.callbacks.Callback):
    """Ends a run whose loss is not finite, because a run with other settings would follow."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            if not np.isfinite(float(value)):
                steps = self.model.steps_taken
                raise Diverged(f"diverged: {name} is {float(value)} after {steps} steps")


class DistillationHyperModel(keras_tuner.HyperModel):
    """Distillation as a `keras_tuner.HyperModel`: searches settings by scores of distilled sets.

    A trial distils a set and scores it on held-out training images. FRePo's trials share a compiled
    trainer where shapes allow it. The share of crucial samples, the ridge, the ISA interval, the
    learning rates and `max_online_steps` are variables of this trainer, while another pool size,
    pairing or `learn_labels` compiles another one. With `pairing="random"` partners are drawn by
    other random numbers than in an ordinary trainer; everything else is the same computation. Each
    trial of another method compiles a trainer of its own.

    Every tuner of keras-tuner can use it. `DistillationTuner` can also resume a search, continues
    the promoted runs of Hyperband (`keras_tuner.Hyperband` begins every trial anew) and records why
    trials failed.

    Args:
        settings: Settings of a whole run of a registered method. They have the values of everything
            that is not searched.
        data: An object with `image_shape`, `num_classes`, and perhaps `class_names` and
            `pixel_range`, such as a dataset of `keras_isa.datasets`. `fit` gets the images.
        space: The settings that are searched: names, each with `(low, high)`, a list of values, or
            `None`; see `SearchSpace`. By default the `searched` of the settings.
        objective: `"students"`, the mean accuracy of networks trained on the set, or `"krr"`, the
            accuracy of kernel regression on the features of frozen random networks, which is
            cheaper.
        repeats: Networks that are trained on a set.
        steps: Steps of a trial; by default a fifth of those of the settings.
        seed: Seed of all random numbers, the same in all trials.
        reuse: Whether FRePo's trials share compiled trainers.

    Raises:
        TypeError: If `settings` is not a `Config`, or `space` is neither names nor a mapping.
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
        share = max(1, self.settings.steps // _TRIALS_PER_RUN)
        self.steps = share if steps is None else whole_number("steps", steps)
        self.scorer = Scorer(self.settings, self.repeats, self.seed)
        if getattr(data, "task", "classification") != "classification":
            raise ValueError(
                "`data` must have task='classification': a search compares accuracies. Received: "
                f"task={data.task!r}"
            )
        facts = {name: getattr(data, name, None) for name in _FACTS}
        if facts["image_shape"] is None or facts["num_classes"] is None:
            raise TypeError(
                f"`data` must have an image_shape and num_classes. Received: {type(data).__name__}"
            )
        self._facts = {name: fact for name, fact in facts.items() if fact is not None}
        shape = self._facts["image_shape"]
        self._preprocessing = preprocessing_layer(self.settings.preprocessing, shape)
        self._rows: int | None = None  # rows of the training part, once they are known
        self._trainers: dict[tuple, DistillationTrainer] = {}
        self._prepared: tuple[Any, Any] | None = None

    # ---------------------------------------------------------------- called by keras-tuner

    @property
    def objective(self) -> keras_tuner.Objective:
        """The objective of keras-tuner's tuners: the greatest `validation_accuracy` of `fit`."""
        return keras_tuner.Objective(OBJECTIVE, "max")

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        self.space.declare(hp, self.settings)

    @in_standard_settings
    def build(self, hp: keras_tuner.HyperParameters) -> DistillationTrainer:
        """Returns a compiled trainer for these values; it has no images before `fit`."""
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
        """Runs one trial: distils a set and scores it.

        Args:
            hp: The values of the trial.
            model: The trainer that `build` returned for them.
            x: Images to distil, or a dataset with `.x` and `.y`.
            y: Their classes when `x` is an array.
            validation_data: Held-out images, as for `fit` of a trainer.
            validation_split: Share that is held out without these; by default that of the settings.
            callbacks: Keras callbacks.
            **options: `verbose` and `resume`, as for `fit` of a trainer.

        Returns:
            The objective, by name.
        """
        del model  # `distil` finds the trainer again, or makes another when none is kept
        data = self.divided(x, y, validation_data, validation_split)
        values, length = self.space.values(hp), self.trial_length()
        trainer = self.distil(values, length, data, callbacks, **options)
        return {OBJECTIVE: self.score(trainer.distilled, data[2])}

    # ---------------------------------------------------------------- the parts of a trial

    def settings_with(self, values: Mapping[str, Any], steps: int, epochs: int = 1) -> Config:
        """Returns the settings of a trial."""
        fields = {name: value for name, value in values.items() if name != "image_init"}
        return self.settings.with_changes(**fields, steps=steps, epochs=epochs)

    def trial_length(self) -> Length:
        """Returns the length of a trial, with epochs about as long as those of the settings."""
        whole = self.whole_length()
        epochs = max(1, round(self.steps / whole.steps_per_epoch))
        return Length(epochs, math.ceil(self.steps / epochs), self.steps)

    def whole_length(self, epochs: int | None = None) -> Length:
        """Returns the length of a run with all steps of the settings."""
        epochs = epochs or self.settings.epochs
        return Length(epochs, math.ceil(self.settings.steps / epochs), self.settings.steps)

    def divided(
        self, x: Any, y: Any, validation_data: Any, validation_split: float | None = None
    ) -> tuple[Any, np.ndarray, tuple]:
        """Returns checked arrays to fit, and the held-out pair of images and classes."""
        shape = self._new_set()
        x, y = checked_arrays(shape, unpack(x, y))
        if validation_data is not None:
            held_out = checked_validation(shape, validation_data)
        else:
            share = self.settings.validation_split if validation_split is None else validation_split
            mask = validation_mask(y, shape.num_classes, share, self.seed)
            if not mask.any():
                raise ValueError(
                    "`validation_split` must be above 0 without `validation_data`, because trials "
                    "are scored on held-out images. Received: 0"
                )
            held_out = select(x, mask), y[mask]
            x, y = select(x, ~mask), y[~mask]
        # A class with too few images would fail every trial.
        class_counts(self.settings.images_per_class, np.bincount(y, minlength=shape.num_classes))
        return x, y, held_out

    def trainer(self, settings: Config) -> DistillationTrainer:
        """Returns the compiled trainer for these settings, and makes it if there is none."""
        make, reuse = self._trainer_class, self.reuse
        reuse = reuse and issubclass(make, TunableTrainer)
        key = tuple(getattr(settings, name) for name in STATIC) if reuse else ()
        if key not in self._trainers or not reuse:
            if len(self._trainers) >= _MOST_TRAINERS or not reuse:
                self.forget()
            self._trainers[key] = make.from_settings(settings, self._new_set(), seed=self.seed)
        return self._trainers[key]

    def distil(
        self,
        values: Mapping[str, Any],
        length: Length,
        data: tuple[Any, np.ndarray, tuple],
        callbacks: Sequence[keras.callbacks.Callback] = (),
        resume: Any = None,
        verbose: Any = 0,
        **options: Any,
    ) -> DistillationTrainer:
        """Runs one distillation and returns its trainer, with the best set in it.

        Args:
            values: Values of the searched settings, by name.
            length: Length of the run.
            data: Images, classes, and the held-out pair on which the best set of the run is chosen,
                as `divided` returns them.
            callbacks: Keras callbacks.
            resume: Folder for the state of the run.
            verbose: As in `keras.Model.fit`.
            **options: Not used; keras-tuner passes on all arguments of `search`.

        Raises:
            Diverged: If the loss or the set is not finite.
            ValueError: If the values cannot be combined.
        """
        del options
        x, y, held_out = data
        # The settings have the epochs of the whole run, so that its parts are resumed as one run.
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
                Given(x, y, names, checked=True),
                batch_size=settings.batch_size,
                epochs=length.epochs,
                steps_per_epoch=length.steps_per_epoch,
                validation_data=Given(*held_out, names, checked=True),
                callbacks=[*callbacks, StopWhenDiverged()],
                verbose=verbose,
                resume=resume,
            )
            trainer.distilled.provenance["image_init"] = image_init
            if not all(np.isfinite(array).all() for array in trainer.distilled.to_numpy()):
                raise Diverged("diverged: the set is not finite")
        except Diverged:
            raise  # it is raised between two calls, when the state is complete for the next reset
        except BaseException:
            self.forget()  # an interrupted compiled call may have lost the state of the trainer
            raise
        return trainer

    def score(
        self, distilled: DistilledData, held_out: tuple, objective: str | None = None
    ) -> float:
        """Returns an objective of a set, by default that of the trials."""
        x, y = held_out
        if self._prepared is None or self._prepared[0] is not x:  # once for all trials
            self._prepared = x, distilled.preprocess(x)
        return self.scorer.score(objective or self.kind, distilled, self._prepared[1], y)

    def forget(self) -> None:
        """Drops all compiled trainers and frees their memory."""
        self._trainers.clear()
        gc.collect()
        backend.current().forget_compiled()

    # ---------------------------------------------------------------- inside

    def _new_set(self) -> DistilledData:
        count = self.settings.images_per_class
        return DistilledData(
            images_per_class=count,
            parametrization=self.settings.parametrization,
            preprocessing=self._preprocessing,
            **self._facts,
        )

    def _adapt(self, x: Any) -> None:
        if self._rows is None and self._preprocessing is not None:
            self._preprocessing.adapt(x)
        if self._rows not in (None, len(x)):
            raise ValueError(
                f"`x` must be the {self._rows} images of the trials before; other data need "
                f"another hypermodel. Received: {len(x)} images"
            )
        self._rows = len(x)


def set_first_images(distilled: DistilledData, kind: str, x: Any, y: np.ndarray, seed: int) -> None:
    """Assigns the first images and labels of a set.

    Args:
        distilled: The set; its preprocessing has been adapted.
        kind: `"random"` real images, the real images nearest to the centroids of `"kmeans"`, or
            `"noise"`, normal in model space.
        x: Training images `(N, ...)` in pixel units.
        y: Their classes `(N,)`.
        seed: Seed of the draw.
    """
    if kind == "random":
        distilled.draw_real_images(x, y, seed)
        return
    class_ids = distilled.class_ids
    if kind == "kmeans":
        rows = kmeans_indices(x, y, distilled.row_counts, distilled.num_classes, seed)
        images = distilled(x[rows])
    else:
        shape = (len(class_ids), *distilled.image_shape)
        images = np.random.default_rng(seed).normal(size=shape).astype("float32")
    distilled.assign(images, encode_labels(class_ids, distilled.num_classes, scaled=True))
