"""RCIG: reparameterised convex implicit gradients, plain or with crucial samples and ISA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.scores import judged
from keras_isa.global_settings import in_standard_settings
from keras_isa.layers.crucial_losses import crucial_cross_entropy
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import (
    SINGLE_PAIRINGS,
    InfiniteSemanticAugmentation,
)
from keras_isa.methods.base import Batch
from keras_isa.methods.inner_solvers import SOLVERS
from keras_isa.methods.linearized_predictor import LinearizedPredictor
from keras_isa.methods.networks import extractor_of
from keras_isa.methods.pooled import PooledTrainer, checked_flip
from keras_isa.methods.rcig_config import RCIGConfig
from keras_isa.methods.registry import register
from keras_isa.models.default import default_flops
from keras_isa.models.ensemble import Member
from keras_isa.models.inspection import product_dtype
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.arguments import (
    instance_of,
    one_of,
    positive_number,
    whole_number,
)
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.labels import label_margin
from keras_isa.ops.linear_systems import inner
from keras_isa.ops.linearized_regression import implicit_term, predictions
from keras_isa.optimizers import AdaBelief, Adam
from keras_isa.planning.cost import Cost
from keras_isa.training.running_scores import SAMPLE_LOSSES

_TEMPERATURE = "log_temperature"


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class RCIGTrainer(PooledTrainer):
    """Distils through the implicit gradient of linearised networks with a solved last layer.

    One step: a member of the pool is drawn and linearised before its last layer; the change of its
    weights that the set makes, a convex problem, is solved for, and so is its last layer; with both
    the set predicts a batch of real images. The loss is the cross-entropy at a learned temperature,
    less the label margin. Its gradient has a direct part, through the regression of the last layer,
    and an implicit one, through the change, which is cut to the length of the direct part. The
    member then takes up to 15 steps on the set. Source: RCIG (Loo et al., "Dataset Distillation
    with Convexified Implicit Gradients", 2023) and the code released with it.

    The crucial samples are those of the greatest cross-entropy. ISA is the integral of the
    cross-entropy between the predictions of partners, which are affine in features and in changes
    of the logits together; it is computed by quadrature. Both are our reading, as the code of their
    paper has neither.

    While it trains, `val_accuracy` is that of the same linearised networks.

    Args:
        distilled: The set to train.
        feature_extractor: As for `keras_isa.FRePoTrainer`; it builds a functional model. Smooth
            activations, such as `keras_isa.models.ConvNet(activation="softplus")`, suit it best.
        pool_size: Number of networks.
        max_online_steps: Steps after which a network is replaced.
        most_inner_steps: Greatest number of steps of a network after a step of the set.
        regularization: Ridge for each image of the set, not relative to the kernel.
        solver: `"conjugate_gradients"`, or `"adam"` as published.
        solver_steps: Steps of the solver for each of two systems.
        crucial_fraction: Share of each batch that is kept, in (0, 1].
        augmentation: An `InfiniteSemanticAugmentation` with another pairing than `"all"`; by
            default none. Its `reduction` is not used.
        implicit_limit: Greatest length of the implicit part of the gradient of each variable,
            relative to the direct part.
        flip: Whether the set is joined by its mirror images (left to right) while it is trained.
        seed: Seed of pool, draws and batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.RCIGTrainer.from_preset(
    ...     "digits", verbose=False, width=4, steps=2, epochs=1, pool_size=2)
    >>> history = trainer.fit(train, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'label_margin', 'loss', 'temperature']
    """

    Config = RCIGConfig
    source = 'Loo et al., "Dataset Distillation with Convexified Implicit Gradients"'
    step_cost = (
        "four passes of the batch, two of the set for each step of two solvers, networks' steps"
    )
    metric_names = ("loss", "accuracy", "label_margin", "temperature")
    scores_samples = True

    @in_standard_settings
    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        pool_size: int = 30,
        max_online_steps: int = 100,
        most_inner_steps: int = 15,
        regularization: float = 5e-4,
        solver: str = "conjugate_gradients",
        solver_steps: int = 20,
        crucial_fraction: float = 1.0,
        augmentation: InfiniteSemanticAugmentation | None = None,
        implicit_limit: float = 1.0,
        flip: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        if augmentation is None:
            augmentation = InfiniteSemanticAugmentation((0.0, 0.0))
        self.augmentation = instance_of("augmentation", augmentation, InfiniteSemanticAugmentation)
        if self.augmentation.interval != (0.0, 0.0):
            one_of("pairing", self.augmentation.pairing, SINGLE_PAIRINGS)
        self.crucial_samples = CrucialSamples(check_fraction(crucial_fraction, "crucial_fraction"))
        self.most_inner_steps = whole_number("most_inner_steps", most_inner_steps)
        self.regularization = positive_number("regularization", regularization)
        self.implicit_limit = positive_number("implicit_limit", implicit_limit)
        self.flip = checked_flip(flip, distilled)
        self.solver = SOLVERS[one_of("solver", solver, tuple(SOLVERS))](
            whole_number("solver_steps", solver_steps)
        )
        self.log_temperature = self.add_weight(
            shape=(), initializer="zeros", autocast=False, name=_TEMPERATURE
        )
        self.pool = ModelPool(
            feature_extractor,
            distilled.image_shape,
            distilled.num_classes,
            size=whole_number("pool_size", pool_size),
            max_online_steps=max_online_steps,
            stagger=False,
            seed=self.seed + 1,
        )
        self.predictor = LinearizedPredictor(
            distilled, self.pool, self.solver, self.regularization, self.flip
        )
        self.network_dtype = product_dtype(self.pool.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)

    @classmethod
    def from_config(cls, config: RCIGConfig, distilled: DistilledData, seed: int) -> RCIGTrainer:
        distilled.learn(config.learn_labels)
        return cls(
            distilled,
            extractor_of(config, distilled, activation="softplus"),
            pool_size=config.pool_size,
            max_online_steps=config.max_online_steps,
            most_inner_steps=config.most_inner_steps,
            regularization=config.regularization,
            solver=config.solver,
            solver_steps=config.solver_steps,
            implicit_limit=config.implicit_limit,
            crucial_fraction=config.crucial_fraction,
            augmentation=InfiniteSemanticAugmentation(
                config.isa_interval, config.pairing, seed=seed
            ),
            flip=config.flip,
            seed=seed,
        )

    @classmethod
    def default_inner_optimizer(cls) -> keras.optimizers.Optimizer:
        return Adam(5e-5, epsilon=1e-8)

    @classmethod
    def default_optimizer(cls) -> keras.optimizers.Optimizer:
        return cls.optimizers(RCIGConfig(images_per_class=1))["optimizer"]

    @classmethod
    def optimizers(cls, config: RCIGConfig) -> dict[str, keras.optimizers.Optimizer]:
        groups = keras.optimizers.OptimizerMap(AdaBelief(config.learning_rate, **config.averaging))
        groups[f".*{_TEMPERATURE}"] = AdaBelief(config.temperature_learning_rate)
        inner = Adam(config.inner_learning_rate, epsilon=1e-8)
        return {"optimizer": keras.optimizers.MultiOptimizer(groups), "inner_optimizer": inner}

    def learned_variables(self) -> dict[str, keras.Variable]:
        return {**super().learned_variables(), _TEMPERATURE: self.log_temperature}

    def context(self, batch: Batch) -> tuple[Any, Member]:
        """A member of the pool and its number."""
        index = keras.random.randint((), 0, self.pool.size, seed=self.seed_generator)
        return index, self.pool.read(index)

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The cross-entropy at the learned temperature, less the label margin."""
        _, member = context
        rows = self.predictor.rows(learned["images"], learned["labels"])
        change = self.predictor.change(self.predictor.system(member, rows))
        features, changes = self.predictor.network.push(member, batch.images, change)
        return self._loss(learned, batch, member, (features, changes, change), 0.0)

    def gradients(
        self, learned: dict[str, Any], batch: Batch, context: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The metrics and both parts of the gradient."""
        _, member = context
        names, values = list(learned), list(learned.values())
        predictor, engine = self.predictor, backend.current()
        network = predictor.network

        def named(values: list) -> dict[str, Any]:
            found = dict(zip(names, values, strict=True))
            images, labels = self.distilled.decode(found)
            return {**found, "images": images, "labels": labels}

        start = named(values)
        rows = predictor.rows(start["images"], start["labels"])
        system = predictor.system(member, rows)
        change = predictor.change(system)
        features, changes = network.push(member, batch.images, change)
        features, changes = ops.stop_gradient(features), ops.stop_gradient(changes)
        # What moves the logits of the set, and of the batch, is two more arguments: the gradients
        # with respect to them lead to that of the change, by two transposed products.
        shift = ops.zeros(rows.labels.shape, "float32")

        def direct(arrays: list) -> tuple[Any, dict]:
            *values, changes, shift = arrays
            of_batch = features, changes, change
            return self._loss(named(values), batch, member, of_batch, shift)

        (_, metrics), found = engine.value_and_grad(direct)([*values, changes, shift])
        *found, of_changes, of_shift = found
        both = network.pull(member, batch.images, of_changes), system.pull(of_shift)
        gradient = [one + other for one, other in zip(*both, strict=True)]
        adjoint = predictor.adjoint(system, gradient)

        def implicit(values: list) -> tuple[Any, tuple]:
            learned = named(values)
            rows = predictor.rows(learned["images"], learned["labels"])
            own, moved = network.push(member, rows.images, change)
            _, adjoint_moved = network.push(member, rows.images, adjoint)
            about = moved, adjoint_moved, rows.labels, predictor.ridge
            return implicit_term(own, *about), ()

        _, parts = engine.value_and_grad(implicit)(values)
        limit = self.implicit_limit
        both = [one + _at_most(part, one, limit) for one, part in zip(found, parts, strict=True)]
        return metrics, dict(zip(names, both, strict=True))

    def leave_gradients_whole(self) -> None:
        self.implicit_limit = None

    def _loss(
        self, learned: dict[str, Any], batch: Batch, member: Member, of_batch: tuple, shift: Any
    ) -> tuple[Any, dict]:
        features, changes, change = of_batch
        rows = self.predictor.rows(learned["images"], learned["labels"])
        own, moved = self.predictor.network.push(member, rows.images, change)
        predicted = predictions(
            features, changes, own, moved + shift, rows.labels, self.predictor.ridge
        )
        temperature = ops.exp(learned[_TEMPERATURE])
        logits, class_ids = temperature * predicted, batch.class_ids
        truth = ops.one_hot(class_ids, self.distilled.num_classes, dtype="float32")
        about = logits, truth, features, class_ids
        loss, each = crucial_cross_entropy(self.crucial_samples, self.augmentation, *about)
        margin = label_margin(learned["labels"], 0.5 / self.distilled.num_classes)
        metrics = {
            "loss": loss,
            **judged(self.distilled, predicted, class_ids),
            "label_margin": margin,
            "temperature": temperature,
            SAMPLE_LOSSES: each,
        }
        return loss - margin, metrics

    def inner_step(self, context: Any) -> dict[str, Any]:
        """One to `most_inner_steps` steps of the member on the set."""
        index, member = context
        rows = self.predictor.rows(*map(ops.convert_to_tensor, self.distilled.decode()))
        steps = keras.random.randint((), 1, self.most_inner_steps + 1, seed=self.seed_generator)
        self.pool.advance_by(index, member, *rows, steps)
        return {}

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        copies, updates = 2 if self.flip else 1, self.updates_per_batch
        products = 2 * self.solver.steps
        inner_steps = (1 + self.most_inner_steps) / 2

        def set_passes(rows: int) -> int:
            # A product is a pass forward and one back.
            return round(copies * rows * (updates * (2 * products + 20) + 3 * inner_steps))

        image = default_flops(shape, classes, self.settings.width, self.settings.depth)
        # The batch takes a pass in forward mode, which is two, and a gradient, which is three.
        return Cost(image, set_passes, batch_passes=5 * updates)

    def description(self) -> dict[str, Any]:
        return {
            **super().description(),
            "pool_size": self.pool.size,
            "max_online_steps": self.pool.max_online_steps,
            "regularization": self.regularization,
            "most_inner_steps": self.most_inner_steps,
            "solver": next(name for name, kind in SOLVERS.items() if type(self.solver) is kind),
            "solver_steps": self.solver.steps,
            "implicit_limit": self.implicit_limit,
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.augmentation.interval),
            "pairing": self.augmentation.pairing,
            "flip": self.flip,
        }


def _at_most(part: Any, direct: Any, limit: float | None = 1.0) -> Any:
    """The implicit part, at most so many times as long as the direct one; zero if not finite."""
    if limit is None:
        return part
    length, most = (ops.sqrt(inner([one], [one])) for one in (part, direct))
    most = limit * most
    longer = length > most
    cut = part * ops.where(longer, most / ops.where(longer, length, 1.0), 1.0)
    return ops.where(ops.isfinite(length), cut, 0.0)
