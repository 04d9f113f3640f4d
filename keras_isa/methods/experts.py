"""Experts: networks trained on real data, whose trajectories a set is to repeat."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops, random

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import StoredImages, to_numpy
from keras_isa.layers.crucial_losses import crucial_cross_entropy
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.siamese_augmentation import SiameseAugmentation
from keras_isa.models.ensemble import Ensemble
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.optimizers import SGD
from keras_isa.serialization import without_importing_tensorflow
from keras_isa.training.device_data import BatchSampler, prepared
from keras_isa.training.expert_buffer import ExpertBuffer
from keras_isa.training.run_state import fingerprint, without_names

# Images by which the space of experts is told apart from that of a set.
_SAMPLE = 100
# The experts in memory that were made last: the next run of a search takes them again.
_last: list[ExpertBuffer] = []
_MOST_KEPT = 2**29  # bytes of them
# A forecast runs steps for about so long, and no more than so many.
_TIMED_SECONDS, _TIMED_STEPS = 1.0, 64


@dataclasses.dataclass(frozen=True)
class ExpertPlan:
    """How experts are trained.

    Args:
        count: Number of experts.
        epochs: Epochs of each; after each of them the weights are stored.
        steps: Steps of an epoch; `None` for one pass over the images.
        batch_size: Images of a step.
        learning_rate: That of SGD.
        augmentation: Operations of `keras_isa.layers.SiameseAugmentation`, one of which is drawn in
            each step, with parameters for each image; none for sequences and flat features.
        crucial_fraction: Share of each batch that is kept, in (0, 1].
        isa_interval: Interval of ISA; (0, 0) for none.
        pairing: Choice of partners in ISA.
    """

    count: int = 100
    epochs: int = 50
    steps: int | None = None
    batch_size: int = 256
    learning_rate: float = 0.01
    augmentation: tuple[str, ...] = ()
    crucial_fraction: float = 1.0
    isa_interval: tuple[float, float] = (0.0, 0.0)
    pairing: str = "nearest"


def make_experts(
    distilled: DistilledData,
    network: RecordedNetwork,
    x: np.ndarray,
    y: np.ndarray,
    plan: ExpertPlan,
    *,
    seed: int = 0,
    folder: str | os.PathLike | None = None,
    note: Callable[[str], None] | None = None,
) -> ExpertBuffer:
    """Trains experts and stores their trajectories; those that a folder holds are kept.

    The loss is the cross-entropy. Crucial samples and ISA in it are our reading of "Boosting
    Dataset Distillation with the Assistance of Crucial Samples", whose authors have not published
    how they apply them to MTT: in each batch the images of the greatest loss are kept, and ISA
    moves them between features, in which the logits are affine.

    Args:
        distilled: A set, for its preprocessing.
        network: Description of the experts; without batch normalisation.
        x: Images `(N, ...)` in pixel units.
        y: Their classes `(N,)`.
        plan: How they are trained.
        seed: Seed of weights and batches; an expert depends on it and on its number.
        folder: Where the trajectories are stored; `None` for memory.
        note: Is told of progress.

    Raises:
        TypeError: If the images are not in memory.
        ValueError: If the folder holds other experts.
    """
    if isinstance(x, StoredImages):
        raise TypeError(
            "`x` must be in memory for experts, which train on all of it: read a part of the "
            "images into an array. Received: images that stay on disk"
        )
    about = about_of(distilled, network, x, y, plan, seed)
    buffer = ExpertBuffer(folder, about)
    if folder is None and _last and _last[0].about == buffer.about:
        buffer = _last[0]
    if len(buffer) >= plan.count:
        return buffer
    training = _ExpertTraining(distilled, network, x, y, plan)
    while len(buffer) < plan.count:
        if note is not None:
            note(f"training expert {len(buffer) + 1} of {plan.count}")
        buffer.add(training.trajectory(seed, len(buffer)))
    if folder is None and 4 * buffer.size * (plan.epochs + 1) * len(buffer) <= _MOST_KEPT:
        _last[:] = [buffer]
    return buffer


def seconds_for_experts(
    distilled: DistilledData, network: RecordedNetwork, plan: ExpertPlan, images: int
) -> float:
    """Forecasts the seconds in which `make_experts` makes all of them, without compilation.

    Some steps are run on random images.

    Args:
        distilled: As in `make_experts`.
        network: As there.
        plan: As there.
        images: Number of training images N.
    """
    rows = min(plan.batch_size, images)
    x = np.random.default_rng(0).integers(0, 256, (rows, *distilled.image_shape), dtype="uint8")
    training = _ExpertTraining(distilled, network, x, np.arange(rows) % distilled.num_classes, plan)
    training.seconds(1)  # compiles
    steps = 1
    while (seconds := training.seconds(steps)) < _TIMED_SECONDS and steps < _TIMED_STEPS:
        steps *= 4
    each = plan.steps or math.ceil(images / rows)
    return seconds / steps * each * plan.epochs * plan.count


def about_of(
    distilled: DistilledData,
    network: RecordedNetwork,
    x: np.ndarray,
    y: np.ndarray,
    plan: ExpertPlan,
    seed: int,
) -> dict[str, Any]:
    """What a buffer says of its experts; arguments as of `make_experts`."""
    own = dataclasses.asdict(plan)
    del own["count"]  # there may be more of the same experts
    return {
        "shapes": [list(one.shape) for one in network.weights],
        "layers": layers_of(network.network),
        "epochs": plan.epochs,
        "seed": seed,
        "plan": {key: list(v) if isinstance(v, tuple) else v for key, v in own.items()},
        "data": fingerprint(x, y),
        "space": space_of(distilled, x),
    }


def layers_of(model: keras.Model) -> str:
    """Tells networks apart by the classes and settings of their layers, whatever their names."""
    with without_importing_tensorflow():
        layers = [[type(one).__name__, without_names(one.get_config())] for one in model.layers]
    return hashlib.sha256(json.dumps(layers, sort_keys=True, default=str).encode()).hexdigest()


def space_of(distilled: DistilledData, x: np.ndarray) -> list[float]:
    """Mean and standard deviation of some images in model space, to four digits."""
    rows = np.unique(np.linspace(0, len(x) - 1, _SAMPLE).astype(int))
    images = distilled.preprocess(np.asarray(x[rows]))
    return [float(f"{number:.4g}") for number in (images.mean(), images.std())]


class _ExpertTraining:
    """One expert after another in the same compiled steps.

    Args:
        distilled: As in `make_experts`.
        network: As there.
        x: As there.
        y: As there.
        plan: As there.
    """

    def __init__(
        self,
        distilled: DistilledData,
        network: RecordedNetwork,
        x: np.ndarray,
        y: np.ndarray,
        plan: ExpertPlan,
    ) -> None:
        self.distilled, self.plan = distilled, plan
        self.placement, x = prepared(distilled, x)
        to_device = backend.current().to_device
        self.images, self.class_ids = to_device(x), to_device(np.asarray(y, "int32"))
        batch_size = min(plan.batch_size, len(y))
        self.steps = plan.steps or math.ceil(len(y) / batch_size)
        self.network = Ensemble(network, size=1)
        self.network.set_optimizer(SGD(plan.learning_rate))
        self.sampler = BatchSampler(len(y), batch_size, 0)
        self.seeds = random.SeedGenerator(0)
        operations = plan.augmentation
        self.augmentation = SiameseAugmentation(operations, 0, True) if operations else None
        self.crucial = CrucialSamples(plan.crucial_fraction)
        self.semantic = InfiniteSemanticAugmentation(plan.isa_interval, plan.pairing, seed=0)
        assigned = [*self.network.variables, *self.sampler.variables, self.seeds.state]
        self._variables = list({id(v): v for v in [*assigned, *self.semantic.variables]}.values())
        self._run = backend.current().looped(self._step, self._variables)

    def trajectory(self, seed: int, number: int) -> np.ndarray:
        """Weights of an expert before training and after each epoch, `(epochs + 1, weights)`."""
        self.network.restart(random.SeedGenerator(_mixed(seed, number, 0)))
        self.seeds.state.assign(random.SeedGenerator(_mixed(seed, number, 1)).state)
        self.sampler.seed_generator.state.assign(
            random.SeedGenerator(_mixed(seed, number, 2)).state
        )
        if self.plan.pairing == "random":
            generator = random.SeedGenerator(_mixed(seed, number, 3))
            self.semantic.seed_generator.state.assign(generator.state)
        rows = self.sampler.order.shape[0]
        self.sampler.order.assign(np.arange(rows, dtype="int32"))
        self.sampler.cursor.assign(rows)  # the first batch shuffles
        weights = [self._weights()]
        for _ in range(self.plan.epochs):
            self._run(self.steps, self.images, self.class_ids)
            weights.append(self._weights())
        return np.stack(weights)

    def seconds(self, steps: int) -> float:
        """Runs so many steps and returns how long they take."""
        started = time.perf_counter()
        self._run(steps, self.images, self.class_ids)
        self._weights()  # waits for them
        return time.perf_counter() - started

    def _weights(self) -> np.ndarray:
        weights = [to_numpy(one)[0].reshape(-1) for one in self.network.stacked_weights]
        return np.concatenate(weights).astype("float32")

    def _step(self, images: Any, class_ids: Any) -> None:
        rows = self.sampler.next_rows()
        images, class_ids = ops.take(images, rows, axis=0), ops.take(class_ids, rows, axis=0)
        if self.placement == "pixels":
            images = self.distilled(images)
        if self.augmentation is not None:
            images = self.augmentation.augment(images, self.seeds.next())
        member = self.network.read(0)
        (_, state), gradients = backend.current().value_and_grad(self._loss)(
            member.weights, member.state, images, class_ids
        )
        self.network.write(0, self.network.step(member, gradients, state))

    def _loss(self, weights: list, state: list, images: Any, class_ids: Any) -> tuple[Any, list]:
        network = self.network.network
        logits, features, state = network.apply(weights, state, images, training=True)
        truth = ops.one_hot(class_ids, logits.shape[-1], dtype="float32")
        features = ops.reshape(features, (features.shape[0], -1))
        about = logits, truth, features, class_ids
        loss, _ = crucial_cross_entropy(self.crucial, self.semantic, *about)
        return loss, state


def _mixed(seed: int, number: int, kind: int) -> int:
    """A seed for one purpose of one expert."""
    return int(np.random.SeedSequence([seed, number, kind]).generate_state(1)[0] // 2)
