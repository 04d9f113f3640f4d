"""What a distillation method says; everything else is the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset import scores
from keras_isa.asset.distilled_data import DEFAULT_PIXEL_RANGE, DistilledData
from keras_isa.datasets.dataset import Dataset
from keras_isa.global_settings import in_standard_settings
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.methods.given_sets import settings_of
from keras_isa.ops.arguments import instance_of, seed_number
from keras_isa.ops.crucial_samples import residual_losses
from keras_isa.optimizers import Adam
from keras_isa.planning.cost import Cost
from keras_isa.planning.memory_estimate import bytes_of
from keras_isa.planning.plan import Plan, plan_for
from keras_isa.presets import Recipe, read_preset
from keras_isa.presets.config import Config
from keras_isa.training.running_scores import SAMPLE_LOSSES
from keras_isa.training.training_loop import TrainingLoop
from keras_isa.types import Batch

T = TypeVar("T", bound="DistillationTrainer")


class DistillationTrainer(TrainingLoop):
    """Base of every method: a `keras.Model` whose trainable variables are a distilled set.

    A method is a subclass that says, in `keras.ops`,

    * `Config`, its settings, a subclass of `keras_isa.presets.Config` whose `method` is the name in
      presets, at the command line and in the asset;
    * `metric_names`, the means that a step reports, `source`, where the method comes from, and
      `step_cost`, what a step computes, in words;
    * `from_config`, how a trainer is made from them, and `optimizers`;
    * `learned_variables`, where more is learned than images and labels;
    * `batch_sampler`, which draws the real images of a step, uniformly unless a method says more,
      or `takes_batches = False`, where a step needs none, with `own_batches` for what it needs
      in their place, and `takes_experts` where these are networks trained before;
    * `context`, what one step holds fixed for all its updates of the set, such as a network;
    * `outer_loss`, a pure function of what is learned, whose gradient trains the set,
      `scores_samples` where it gives a loss of each sample too, and `gradients` where that is not
      all of it;
    * `inner_step`, what follows the updates of the set, such as a step of the network;
    * `predictor`, what judges the set on held-out images, such as a `RidgePredictor`;
    * `cost`, what a step computes, for forecasts.

    This class compiles a step of them, and has `fit`, resuming, presets, `plan` and records.

    Args:
        distilled: The set to train.
        seed: Seed of everything that is drawn during training.
        updates_per_batch: Updates of the set in a step, all with the same `context`. A schedule of
            the set's learning rate counts updates.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError: If `distilled` is not a `DistilledData`.
        ValueError: If `updates_per_batch` is not a positive integer.
        RuntimeError: If the active Keras backend is not supported.
    """

    Config: ClassVar[type[Config]] = Config
    metric_names: ClassVar[tuple[str, ...]] = ("loss", "accuracy")
    source: ClassVar[str] = ""
    step_cost: ClassVar[str] = ""
    takes_experts: ClassVar[bool] = False
    predictor: Any = None

    def __init__(
        self, distilled: DistilledData, *, seed: int = 0, updates_per_batch: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        self.Config.check_task(distilled.task)
        self.updates_per_batch = updates_per_batch
        self.settings: Config | None = None
        self.reported = scores.names_for(self.metric_names, distilled)
        self.means = scores.metrics_of(("loss", *self.reported), distilled)

    # ---------------------------------------------------------------- what a method says

    @classmethod
    def from_config(cls: type[T], config: Config, distilled: DistilledData, seed: int) -> T:
        """Makes a trainer that is not yet compiled.

        Args:
            config: The settings.
            distilled: The set to train.
            seed: Seed of everything but the first images.
        """
        raise TypeError(f"{cls.__name__} does not define `from_config`")

    @classmethod
    def optimizers(cls, config: Config) -> dict[str, keras.optimizers.Optimizer]:
        """Arguments of `compile`: `optimizer`, that of the set, and others that a method has.

        Args:
            config: The settings. By default the set is trained by Adam.
        """
        return {"optimizer": Adam(config.learning_rate, **config.averaging)}

    def context(self, batch: Batch) -> Any:
        """Draws and computes what one step holds fixed; no gradient flows into it.

        Args:
            batch: Real images.
        """
        return None

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The loss of the set, a pure function.

        Args:
            learned: Arrays by name: everything that is trained, and the set's `images` `(n, ...)`
                in model space and `labels` `(n, C)`, whatever they follow from.
            batch: Real images.
            context: What `context` returned.

        Returns:
            The loss, a scalar, and metrics, scalars by names out of `metric_names`, or what
            `keras_isa.asset.scores.judged` returns. `sample_losses` among them, `(B,)` without
            gradient, is for the running scores of training samples (`track_samples`).
        """
        raise TypeError(f"{type(self).__name__} does not define `outer_loss`")

    def inner_step(self, context: Any) -> dict[str, Any]:
        """What follows the updates of the set.

        Args:
            context: What `context` returned.

        Returns:
            Metrics, scalars by names out of `metric_names`.
        """
        return {}

    def gradients(
        self, learned: dict[str, Any], batch: Batch, context: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The metrics, and the gradient of the loss by the names of `learned`.

        Args:
            learned: Values of `learned_variables`.
            batch: Real images.
            context: What `context` returned.
        """

        def loss(values: list, *rest: Any) -> tuple[Any, dict]:
            found = dict(zip(learned, values, strict=True))
            images, labels = self.distilled.decode(found)
            return self.outer_loss({**found, "images": images, "labels": labels}, *rest)

        values = list(learned.values())
        (_, metrics), gradients = backend.current().value_and_grad(loss)(values, batch, context)
        return metrics, dict(zip(learned, gradients, strict=True))

    def leave_gradients_whole(self) -> None:
        """Lifts a limit of a part of the gradient, so that checks find that of `outer_loss`."""

    @classmethod
    def trial_settings(cls, settings: Config) -> Config:
        """The settings with as few networks as a step needs, for a forecast.

        Args:
            settings: Settings of a run.
        """
        return settings

    def held_bytes(self, settings: Config) -> dict[str, int]:
        """Bytes of the variables of a run, computed from this trainer of `trial_settings`.

        Args:
            settings: Settings of the run.
        """
        of_set = [*self.distilled.stored.values(), *self.best.variables]
        learned = [*of_set, *self.optimizer.variables]
        known = {id(variable) for variable in learned}
        others = [variable for variable in self.variables if id(variable) not in known]
        return {"networks": bytes_of(others), "set": bytes_of(learned)}

    def cost(self) -> Cost:
        """What a step computes."""
        raise TypeError(f"{type(self).__name__} does not define `cost`")

    # ---------------------------------------------------------------- what follows from it

    def distillation_step(self, images: Any, class_ids: Any) -> Any:
        batch = Batch(images, class_ids)
        context = self.context(batch)
        variables, losses = self.learned_variables(), None
        for _ in range(self.updates_per_batch):
            values = {name: ops.convert_to_tensor(one) for name, one in variables.items()}
            metrics, gradients = self.gradients(values, batch, context)
            self.optimizer.apply([gradients[name] for name in variables], list(variables.values()))
            losses = metrics.pop(SAMPLE_LOSSES, None)
            self._report(metrics)
        self._report(self.inner_step(context))
        return losses

    def _report(self, metrics: dict[str, Any]) -> None:
        for name, value in metrics.items():
            self.means[name].update_state(*(value if isinstance(value, tuple) else (value,)))

    def training_logs(self) -> dict[str, Any]:
        results = self.get_metrics_result()
        return {name: results[name] for name in self.reported}

    @property
    def validation_members(self) -> int:
        if self.predictor is None:
            raise ValueError(
                "Held-out images need a `predictor`, which judges the set by them: leave out "
                f"`validation_data` and `validation_split`. Received: {type(self).__name__}, which "
                "has none"
            )
        return self.predictor.members

    def validation_step(self, images: Any, class_ids: Any, weights: Any, member: Any) -> None:
        predictions = self.predictor(images, member)
        losses = residual_losses(predictions - self.distilled.encode(class_ids))
        self.means["loss"].update_state(losses, sample_weight=weights)
        for name, values in scores.judged(self.distilled, predictions, class_ids).items():
            self.means[name].update_state(*values, sample_weight=weights)

    def predictor_config(self) -> dict[str, Any]:
        """What the set keeps of its predictor, as part of its recipe."""
        return {} if self.predictor is None else self.predictor.get_config()

    def description(self) -> dict[str, Any]:
        """Name and settings of the method, JSON-compatible, for the record in the asset."""
        return {
            "method": self.Config.method,
            "batch_size": self.drawn_rows,
            "updates_per_batch": self.updates_per_batch,
            "settings": None if self.settings is None else self.settings.to_dict(),
        }

    @classmethod
    def from_preset(
        cls: type[T],
        preset: str,
        images_per_class: int | Sequence[int] = 1,
        *,
        seed: int = 0,
        verbose: bool = True,
        **changes: Any,
    ) -> T:
        """Makes a compiled trainer from a named preset; `fit` draws the first images from its data.

        Args:
            preset: One of `keras_isa.presets.preset_names()`.
            images_per_class: Images per class of the set, one number or one for each class.
            seed: Seed of everything.
            verbose: Whether to print what the preset resolved to.
            **changes: Fields of `Config` to change.

        Returns:
            A trainer whose `fit` needs data only.

        Raises:
            ValueError: If the preset is unknown or a setting is out of range.

        Example:

        >>> import keras_isa
        >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, steps=100)
        >>> trainer.distilled.images.shape
        (10, 8, 8, 1)
        """
        seed = seed_number(seed)
        config, dataset = read_preset(preset, images_per_class, cls.Config)
        config = type(config).from_dict({**config.to_dict(), **changes})
        if verbose:
            print(f"preset {preset}:\n{config}")
        image_shape, num_classes = tuple(dataset["image_shape"]), dataset["num_classes"]
        pixel_range = dataset.get("pixel_range", DEFAULT_PIXEL_RANGE)
        return cls._for_empty_set(config, image_shape, num_classes, seed, pixel_range=pixel_range)

    @classmethod
    def for_data(cls: type[T], train: Dataset, settings: Config, *, seed: int = 0) -> T:
        """Makes a compiled trainer for a dataset; `fit` draws the first images from its data.

        Args:
            train: The training part, for the shape of its images and its classes.
            settings: All settings of the run, a `Config` of this method.
            seed: Seed of everything.

        Returns:
            A trainer whose `fit` needs data only: it adapts the preprocessing to what is left of
            them after the validation split, and starts from real images among these.

        Raises:
            TypeError: If `train` is no `Dataset`, or the settings are those of another method.
            ValueError: If a setting is out of range, or does not suit the images.

        Example:

        >>> import keras_isa
        >>> train, test = keras_isa.datasets.load("digits")
        >>> settings = keras_isa.presets.settings_for(train, 1, accelerated=False)
        >>> trainer = keras_isa.FRePoTrainer.for_data(train, settings.with_changes(width=4))
        >>> trainer.distilled.class_names[:3]
        ('0', '1', '2')
        """
        instance_of("train", train, Dataset)
        return cls._for_empty_set(
            settings,
            train.image_shape,
            train.num_classes,
            seed_number(seed),
            class_names=train.class_names,
            pixel_range=train.pixel_range,
            task=train.task,
        )

    @classmethod
    def _for_empty_set(
        cls: type[T],
        settings: Config,
        image_shape: tuple[int, ...],
        num_classes: int,
        seed: int,
        **about: Any,
    ) -> T:
        instance_of("settings", settings, cls.Config)
        preprocessing = preprocessing_layer(settings.preprocessing, image_shape)
        distilled = DistilledData(
            image_shape,
            num_classes,
            settings.images_per_class,
            parametrization=settings.parametrization,
            preprocessing=preprocessing,
            **about,
        )
        trainer = cls.from_settings(settings, distilled, seed=seed)
        trainer._adapt_to_data = True
        return trainer

    @classmethod
    @in_standard_settings
    def from_settings(
        cls: type[T], settings: Config, distilled: DistilledData, *, seed: int = 0
    ) -> T:
        """Makes a compiled trainer with networks that fit the shape, see `default_network`.

        Args:
            settings: All settings of the run, a `Config` of this method; steps, epochs and batch
                size become the defaults of `fit`.
            distilled: The set to train; it takes label learning and recipe from the settings.
            seed: Seed of everything but the first images.

        Returns:
            The trainer.

        Raises:
            TypeError: If the settings are those of another method.
            ValueError: If a setting is out of range.
        """
        instance_of("settings", settings, cls.Config)
        instance_of("distilled", distilled, DistilledData)
        # Every field is stored, as a later version may have other defaults.
        recipe = Recipe.from_dict(settings.recipe, distilled.image_shape)
        steps = recipe.steps_for(len(distilled.class_ids))
        distilled.recipe.update({**recipe.to_dict(), "steps": steps})
        trainer = cls.from_config(settings, distilled, seed)
        trainer.settings = settings.with_changes(**settings_of(distilled))
        trainer.updates_per_batch = settings.updates_per_batch
        optimizers = cls.optimizers(settings)
        trainer.compile(**optimizers, steps_per_execution=settings.steps_per_execution)
        return trainer

    def plan(self, x: Any) -> Plan:
        """Forecasts memory and time of `fit(x)`.

        Args:
            x: What `fit` will get, an array `(N, ...)` or a dataset with `.x` and `.y`, or the
                number N of uint8 images where they are not here.

        Returns:
            The plan; printed, it is a table.

        Raises:
            ValueError: If the trainer was not made from settings, or `x` is not one of these.
            RuntimeError: If the active Keras backend is not JAX.

        Example:

        >>> import keras_isa
        >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4)
        >>> trainer.plan(1797).fits
        True
        """
        return plan_for(self, x)
