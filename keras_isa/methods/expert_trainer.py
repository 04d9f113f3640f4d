"""What methods have in common whose steps take segments of experts' trajectories."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_isa.global_settings import in_standard_settings
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.experts import ExpertPlan, about_of, make_experts, seconds_for_experts
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.splits import check_share
from keras_isa.training.expert_buffer import ExpertBuffer, SegmentBatches
from keras_isa.training.inputs import AdaptedData

# Experts see so many images of a stream, or all until its end.
_MOST_STREAMED = 10_000


class ExpertTrainer(DistillationTrainer):
    """A method that needs experts, networks trained on the real images, and no other images.

    It has `network`, the description of the experts, `plan_of_experts`, and the `expert_span` and
    `most_start` of the segments. The `batch_size` of `fit` is not used; that of the plan is the
    experts'.
    """

    takes_batches = False
    takes_experts = True
    network: RecordedNetwork
    plan_of_experts: ExpertPlan
    expert_span: int
    most_start: int
    # The experts, and how many of them serve.
    experts: ExpertBuffer | None = None
    expert_count = 0

    @property
    def about_experts(self) -> dict[str, Any] | None:
        """What describes the experts, JSON-compatible; `None` while there are none."""
        if self.experts is None:
            return None
        return {"count": self.expert_count, **self.experts.about}

    def give_experts(self, experts: str | os.PathLike | ExpertBuffer) -> None:
        """Takes experts that were made before.

        Args:
            experts: Folder that `keras-isa experts` has made, or an `ExpertBuffer`.

        Raises:
            TypeError: If it is neither.
            ValueError: If they are of another architecture, too short, or none.
        """
        buffer = experts if isinstance(experts, ExpertBuffer) else ExpertBuffer(experts)
        shapes = [list(one.shape) for one in self.network.weights]
        if buffer.about["shapes"] != shapes:
            raise ValueError(
                "`experts` must be networks of the architecture of the students: give the same "
                f"width, depth and normalization. Received: weights {buffer.about['shapes']}, in "
                f"place of {shapes}"
            )
        if not len(buffer) or self.most_start + self.expert_span - 1 > buffer.epochs:
            raise ValueError(
                "`experts` must hold at least one trajectory, of at least most_start + expert_span "
                f"- 1 = {self.most_start + self.expert_span - 1} epochs. Received: {len(buffer)} "
                f"of {buffer.epochs} epochs"
            )
        self.experts, self.expert_count = buffer, len(buffer)

    @in_standard_settings
    def make_experts(
        self,
        x: Any,
        y: Any = None,
        *,
        validation_split: float = 0.0,
        folder: str | os.PathLike | None = None,
        note: Callable[[str], None] | None = print,
    ) -> ExpertBuffer:
        """Makes experts for this trainer, which takes them.

        Args:
            x: Training images, as in `fit`, but no batches.
            y: Their classes.
            validation_split: Share of them that is held out, as in `fit` with the same seed.
            folder: Where the experts are kept; those that it holds are kept too. `None` for memory.
            note: Is told of progress.

        Returns:
            The experts.

        Raises:
            ValueError: If arrays or classes are not usable, or the folder holds other experts.
            TypeError: If `x` gives batches, or the images are not in memory.
        """
        split = check_share("validation_split", validation_split)
        about = self.distilled, x, y, None, split, self.seed, False
        given = AdaptedData.checked(*about)
        if given.y is None:
            raise TypeError("`x` must hold images in an array. Received: batches")
        given.fill(self.distilled, adapt=self._adapt_to_data, seed=self.seed)
        self._make_experts(given.x, given.y, folder, note)
        return self.experts

    @property
    def expert_bytes(self) -> int:
        """Bytes of the experts that `fit` makes where none are given."""
        weights = sum(int(np.prod(one.shape)) for one in self.network.weights)
        return 4 * self.plan_of_experts.count * (self.plan_of_experts.epochs + 1) * weights

    def expert_seconds(self, images: int) -> float:
        """Forecasts the seconds in which `fit` makes its experts.

        Args:
            images: Number of training images N.
        """
        about = self.distilled, self.network, self.plan_of_experts
        return seconds_for_experts(*about, images)

    def train_on_batch(self, x: Any, y: Any, *, return_dict: bool = False) -> Any:
        """Raises an error: a step takes a segment of an expert, and no images."""
        raise TypeError(
            f"`train_on_batch` has no meaning for {type(self).__name__}, whose steps take segments "
            "of experts and no images: call `fit`"
        )

    def own_batches(self, x: Any, y: Any, folder: Path | None) -> SegmentBatches:
        if keras.distribution.distribution() is not None:
            raise RuntimeError(
                "a student's weights cannot be divided among devices as a batch of images: train "
                "without `keras.distribution`"
            )
        if self.experts is not None:
            if y is not None:
                self._check_data(x, y)
        else:
            if y is None:
                x, y = _start_of(x)
            plan, place = self.plan_of_experts, folder and folder / "experts"
            where = "in memory" if place is None else f"kept in {place}"
            print(
                f"making {plan.count} experts of {plan.epochs} epochs, as none were given "
                f"(`experts`, --experts DIR); {1e-9 * self.expert_bytes:.2g} GB, {where}"
            )
            self._make_experts(x, y, place, None)
        about = self.expert_span, self.most_start, self.seed, self.steps_taken
        return SegmentBatches(self.experts, self.expert_count, *about)

    def _make_experts(self, x: Any, y: Any, folder: Any, note: Any) -> None:
        about = self.distilled, self.network, x, y, self.plan_of_experts
        self.give_experts(make_experts(*about, seed=self.seed, folder=folder, note=note))
        self.expert_count = self.plan_of_experts.count

    def _check_data(self, x: Any, y: Any) -> None:
        """Says so if the experts know other images, and refuses those of another model space."""
        known = self.experts.about
        own = about_of(self.distilled, self.network, x, y, self.plan_of_experts, self.seed)
        if not np.allclose(known.get("space", own["space"]), own["space"], rtol=0.1, atol=0.05):
            raise ValueError(
                "`experts` must have been trained on images with the same preprocessing, with mean "
                f"and deviation {own['space']} in model space; make them for the same number of "
                f"images per class, or with the same `preprocessing`. Received: {known['space']}"
            )
        if known.get("data", own["data"]) != own["data"]:
            print(
                "the experts were trained on other images than those of this `fit`, maybe on some "
                "that it holds out: make experts with the same seed and validation_split"
            )

    def _streamed_step(self, data: tuple) -> None:
        self.distillation_step(*data[:2])


def _start_of(stream: Any) -> tuple[np.ndarray, np.ndarray]:
    """The first images of a stream, and their classes."""
    found: list = []
    count = 0
    if isinstance(stream, keras.utils.PyDataset):
        numbers = itertools.count() if stream.num_batches is None else range(stream.num_batches)
        stream = map(stream.__getitem__, numbers)
    for batch in stream:
        found.append(batch)
        count += len(batch[0])
        if count >= _MOST_STREAMED:
            break
    print(f"experts are trained on the first {count:,} images of the stream")
    return tuple(np.concatenate([batch[part] for batch in found]) for part in (0, 1))
