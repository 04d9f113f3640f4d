"""MTT: networks trained on the set go the way of experts trained on the real data."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.axes import kind_of
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.layers.siamese_augmentation import OPERATIONS
from keras_isa.methods.base import Batch
from keras_isa.methods.expert_trainer import ExpertTrainer
from keras_isa.methods.experts import ExpertPlan
from keras_isa.methods.networks import check_no_statistics, extractor_of
from keras_isa.methods.registry import register
from keras_isa.methods.student import Draws, Student, flattened
from keras_isa.methods.trajectory_config import MTTConfig
from keras_isa.models.default import default_flops
from keras_isa.models.ensemble import Ensemble
from keras_isa.models.inspection import product_dtype
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import instance_of, positive_number, whole_number
from keras_isa.optimizers import SGD
from keras_isa.planning.cost import Cost
from keras_isa.training.expert_buffer import ExpertBuffer
from keras_isa.types import Tensor

_STEP_SIZE = "step_size"
# So many random networks judge the set on held-out images, by kernel ridge regression.
_JUDGES = 3


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class TrajectoryMatchingTrainer(ExpertTrainer):
    """Distils by matching trajectories (MTT): networks on the set repeat steps of experts.

    Experts are networks that were trained on the real images, with their weights stored after each
    epoch. One step: a student starts from an expert's weights and takes N steps of SGD on the set,
    with a learned step size; the loss is the squared distance of its weights from those of the
    expert some epochs later, relative to the way that the expert went. The gradient goes through
    all N steps, with the memory of one step and of N copies of the weights. Real images are needed
    for the experts only. Source: Cazenavette et al., "Dataset Distillation by Matching Training
    Trajectories".

    Crucial samples and ISA are applied where real images are: in the training of the experts. That
    is our reading, as the code of their paper does not have it.

    Without `experts`, `fit` makes some of its training images and says so; with `resume`, it keeps
    them in that folder. After training, the learning rate of the set's recipe is the step size.

    While it trains, `val_accuracy` is that of kernel ridge regression on three random networks.

    Args:
        distilled: The set to train; its labels stay as they are.
        feature_extractor: As for `keras_isa.FRePoTrainer`, without batch normalisation.
        experts: Folder that `keras-isa experts` has made, or an `ExpertBuffer`; `None` to make
            experts.
        plan: How experts are made.
        student_steps: Steps N of a student.
        student_batch_size: Images of a student's step; `None` for the whole set.
        expert_span: Epochs of an expert that a student is to repeat.
        most_start: Students start from the first so many points of an expert.
        step_size: Learning rate of a student's steps at first.
        augmentation: Operations of `keras_isa.layers.SiameseAugmentation`, with parameters for each
            image; none for sequences and flat features.
        seed: Seed of experts, draws and networks.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> small = {"width": 4, "steps": 2, "epochs": 1, "experts": 1, "expert_epochs": 12}
    >>> trainer = keras_isa.TrajectoryMatchingTrainer.from_preset(
    ...     "digits", verbose=False, student_steps=2, expert_steps=1, **small)
    >>> history = trainer.fit(train, verbose=0)  # doctest: +ELLIPSIS
    making 1 experts of 12 epochs, as none were given (`experts`, --experts DIR); ... GB, in memory
    >>> sorted(history.history)
    ['loss', 'step_size']
    """

    Config = MTTConfig
    source = 'Cazenavette et al., "Dataset Distillation by Matching Training Trajectories"'
    step_cost = "for each step of a student, a step forward and its gradient's gradient"
    metric_names = ("loss", _STEP_SIZE)
    memory_settings = "`student_batch_size`, `width` or `student_steps`"

    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        experts: str | os.PathLike | ExpertBuffer | None = None,
        plan: ExpertPlan | None = None,
        student_steps: int = 50,
        student_batch_size: int | None = None,
        expert_span: int = 2,
        most_start: int = 2,
        step_size: float = 0.01,
        augmentation: Sequence[str] = OPERATIONS,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        self.plan_of_experts = instance_of("plan", plan or ExpertPlan(), ExpertPlan)
        whole_number("student_steps", student_steps)
        if student_batch_size is not None:
            whole_number("student_batch_size", student_batch_size)
        self.expert_span = whole_number("expert_span", expert_span)
        self.most_start = whole_number("most_start", most_start)
        self.network = RecordedNetwork(
            feature_extractor, distilled.image_shape, distilled.num_classes
        )
        self.student = Student(
            self.network,
            distilled.class_ids,
            distilled.num_classes,
            steps=student_steps,
            batch_size=student_batch_size,
            augmentation=augmentation,
        )
        check_no_statistics(
            self.network, "students repeat the weights of experts, and these are none"
        )
        if augmentation and len(distilled.image_shape) != 3:
            raise ValueError(
                f"`augmentation` must be empty for {kind_of(distilled.image_shape)}: it transforms "
                f"images. Received: augmentation={tuple(augmentation)}"
            )
        if experts is not None:
            self.give_experts(experts)
        self.step_size = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(positive_number("step_size", step_size)),
            autocast=False,
            name=_STEP_SIZE,
        )
        self.judges = Ensemble(self.network, size=_JUDGES, seed=self.seed + 1)
        self.predictor = RidgePredictor(distilled, self.judges, KernelRidgeRegression())
        self.network_dtype = product_dtype(self.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)

    @classmethod
    def from_config(
        cls, config: MTTConfig, distilled: DistilledData, seed: int
    ) -> TrajectoryMatchingTrainer:
        distilled.learn(False)
        return cls(
            distilled,
            extractor_of(config, distilled, constant_width=True),
            plan=config.plan_of_experts,
            student_steps=config.student_steps,
            student_batch_size=config.student_batch_size,
            expert_span=config.expert_span,
            most_start=config.most_start,
            step_size=config.step_size,
            augmentation=config.augmentation,
            seed=seed,
        )

    @classmethod
    def optimizers(cls, config: MTTConfig) -> dict[str, keras.optimizers.Optimizer]:
        groups = keras.optimizers.OptimizerMap(SGD(config.learning_rate, 0.5, **config.averaging))
        groups[f".*{_STEP_SIZE}"] = SGD(config.step_size_learning_rate, 0.5)
        return {"optimizer": keras.optimizers.MultiOptimizer(groups)}

    def learned_variables(self) -> dict[str, keras.Variable]:
        return {**super().learned_variables(), _STEP_SIZE: self.step_size}

    def context(self, batch: Batch) -> tuple[Any, Any, Draws]:
        """Ends of a segment, and what is random in a student's steps."""
        draws = self.student.draw(self.seed_generator)
        segment = batch.images, batch.class_ids
        if batch.images is None or len(batch.images.shape) != 1:
            # A forecast has no experts. Two random networks cost the same.
            segment = [self._random_weights() for _ in segment]
        start, target = (ops.convert_to_tensor(one, "float32") for one in segment)
        return start, target, draws

    def _random_weights(self) -> Tensor:
        weights, _ = self.network.draw(self.seed_generator.next())
        return flattened(weights)

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The squared distance from the expert, relative to the way that it went."""
        start, target, draws = context
        step_size = ops.convert_to_tensor(learned[_STEP_SIZE])
        end, _ = self.student.train(start, learned["images"], step_size, draws)
        loss, _ = _distance(end, start, target)
        return loss, {"loss": loss, _STEP_SIZE: step_size}

    def gradients(
        self, learned: dict[str, Any], batch: Batch, context: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The metrics, and the gradient through all steps of the student."""
        start, target, draws = context
        about = self.distilled.decode(learned)[0], learned[_STEP_SIZE], draws
        end, history = self.student.train(start, *about)
        loss, upstream = _distance(end, start, target)
        of_images, of_step_size = self.student.pull_back(history, upstream, *about)

        def total(values: list) -> tuple[Any, tuple]:
            found = dict(zip(learned, values, strict=True))
            images, _ = self.distilled.decode(found)
            return ops.sum(images * of_images) + found[_STEP_SIZE] * of_step_size, ()

        _, gradients = backend.current().value_and_grad(total)(list(learned.values()))
        metrics = {"loss": loss, _STEP_SIZE: ops.stop_gradient(learned[_STEP_SIZE])}
        return metrics, dict(zip(learned, gradients, strict=True))

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains the set, see `keras_isa.DistillationTrainer.fit`."""
        try:
            return super().fit(*args, **kwargs)
        finally:
            if self.compiled and self.steps_taken:
                self._keep_step_size()

    def _keep_step_size(self) -> None:
        found = float(to_numpy(self.step_size))
        if found > 0 and math.isfinite(found):
            self.distilled.recipe["learning_rate"] = found
            return
        warnings.warn(
            f"the learned step size is {found:.3g}, with which no network can be trained: the "
            "recipe keeps its learning rate; lower `step_size_learning_rate`",
            stacklevel=3,
        )

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        config, updates = self.settings, self.updates_per_batch
        image = default_flops(shape, classes, config.width, config.depth, constant_width=True)

        def set_passes(rows: int) -> int:
            # A step takes three passes forth, and its gradient's gradient six more.
            return 9 * updates * self.student.steps * min(rows, config.student_batch_size or rows)

        return Cost(image, set_passes, batch_passes=0)

    def description(self) -> dict[str, Any]:
        augmentation = self.student.augmentation
        return {
            **super().description(),
            "student_steps": self.student.steps,
            "student_batch_size": self.student.batch_size,
            "expert_span": self.expert_span,
            "most_start": self.most_start,
            "augmentation": [] if augmentation is None else list(augmentation.operations),
            "experts": self.about_experts,
        }


def _distance(end: Tensor, start: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient with respect to the end."""
    whole = ops.sum(ops.square(start - target))
    left = end - target
    return ops.sum(ops.square(left)) / whole, 2.0 * left / whole
