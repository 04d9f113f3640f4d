"""The result of an evaluation, as a table and as values for JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_isa.asset.measured import TITLES
from keras_isa.evaluation.regression import RegressionScores, format_table
from keras_isa.evaluation.scores import Scores

# From so many classes on a table has the top-5 accuracy: among fewer it says little.
_MANY_CLASSES = 20
BASELINES = tuple(TITLES)


@dataclasses.dataclass(frozen=True)
class Storage:
    """What a distilled set stores, and the real images that it is compared with.

    Args:
        parametrization: How its images follow from what is stored, as text.
        images: Images that follow, of all classes together.
        stored_bytes: Bytes of images and labels, or what stands for them.
        real_images_per_class: Real images per class that take as many numbers, rounded down and at
            least one; one number or one for each class.
        preprocessing_bytes: Bytes of what takes pixels to model space, such as a whitening matrix,
            which the file has beside them.
    """

    parametrization: str
    images: int
    stored_bytes: int
    real_images_per_class: int | tuple[int, ...]
    preprocessing_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class NetworkScores:
    """Scores of a set on networks of another architecture than that of its recipe.

    Args:
        scores: The scores.
        learning_rate: The rate with which the networks were trained.
        searched: The accuracy on held-out training images by learning rate; empty if there were no
            training images, so that the rate is that of the recipe.
    """

    scores: Scores | RegressionScores
    learning_rate: float
    searched: Mapping[float, float] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the scores, `learning_rate` and `searched`, with rates as text."""
        searched = {f"{rate:.6g}": value for rate, value in self.searched.items()}
        about = {"learning_rate": self.learning_rate, "searched": searched}
        return {**self.scores.to_dict(), **about}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Result of `keras_isa.evaluate`; printing it gives a table.

    Args:
        distilled: Scores of the distilled set.
        baselines: Scores of real images, by the name of the baseline.
        repeats: Networks per set.
        images_per_class: Images per class of every set, one number or one for each class; in
            regression its rows.
        seconds: Wall time.
        storage: What the distilled set stores.
        kept: The baselines whose scores an earlier evaluation has kept, see `keep_scores`.
        networks: Scores of the set on other architectures, by name.
        held_out: Training images that the learning rates of these were chosen on.
        protocol: The recipe and the other arguments that the scores depend on, by name.
        device: What computed.
    """

    distilled: Scores | RegressionScores
    baselines: dict[str, Scores | RegressionScores]
    repeats: int
    images_per_class: int | tuple[int, ...]
    seconds: float
    storage: Storage
    kept: tuple[str, ...] = ()
    networks: dict[str, NetworkScores] = dataclasses.field(default_factory=dict)
    held_out: int = 0
    protocol: dict[str, Any] = dataclasses.field(default_factory=dict)
    device: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as JSON-compatible values; accuracies are fractions.

        In regression there are R^2 and errors in place of accuracies, see `RegressionScores`.
        """
        return {
            **self.distilled.to_dict(),
            "repeats": self.repeats,
            "images_per_class": self.images_per_class,
            "seconds": self.seconds,
            **dataclasses.asdict(self.storage),
            "baselines": {name: scores.to_dict() for name, scores in self.baselines.items()},
            "kept": list(self.kept),
            "networks": {name: found.to_dict() for name, found in self.networks.items()},
            "held_out": self.held_out,
            "protocol": self.protocol,
            "device": self.device,
        }

    def __str__(self) -> str:
        regression = isinstance(self.distilled, RegressionScores)
        rows = [(TITLES[name], scores) for name, scores in self.baselines.items()]
        rows.append(("distilled", self.distilled))
        if regression:
            rows = [(title.replace("images", "rows"), scores) for title, scores in rows]
            lines = format_table(rows, self.images_per_class)
        else:
            head = f"{_per_class(self.images_per_class)} per class, test accuracy in %"
            lines = [f"{head:34}{'network':>14}{'KRR':>14}"]
            if self.repeats > 1:
                lines[0] += f"{'95 % of mean':>16}"
            lines += [f"{title:34}{scores.columns()}" for title, scores in rows]
        lines += self._of_other_networks()
        if self.repeats == 1:
            lines.append("one network, which shows no spread: --repeats, `repeats`, asks for more")
        else:
            lines.append(f"mean ± standard deviation over {self.repeats} networks")
        lines += self._top5(rows)
        if self.storage.parametrization != "identity":
            real = _per_class(self.storage.real_images_per_class)
            kind, each = ("rows", "") if regression else ("images", " per class")
            lines.append(
                f"distilled: {self.storage.images:,} {kind} by {self.storage.parametrization} in "
                f"{self.storage.stored_bytes:,} bytes; real {kind} beside it: {real}{each}"
            )
        if self.kept:
            names = " and ".join({"kmeans": "k-means"}.get(name, name) for name in self.kept)
            lines.append(f"{names}: kept from an earlier evaluation")
        return "\n".join(lines)

    def _of_other_networks(self) -> list[str]:
        if not self.networks:
            return []
        lines = [
            f"{f'distilled, on {name}, rate {found.learning_rate:.2g}':34}{found.scores.columns()}"
            for name, found in self.networks.items()
        ]
        if self.held_out:
            chosen = f"chosen on {self.held_out:,} training images"
        else:
            chosen = "that of the recipe: without training images none is searched"
        return [*lines, f"rate: the learning rate, {chosen}"]

    def _top5(self, rows: list) -> list[str]:
        many = self.protocol.get("num_classes", 0) >= _MANY_CLASSES
        found = [(title, scores.to_dict().get("top5_accuracy_mean")) for title, scores in rows]
        if not many or any(value is None for _, value in found):
            return []
        return ["top-5: " + ", ".join(f"{title} {100 * value:.1f}" for title, value in found)]


def _per_class(count: int | tuple[int, ...]) -> str:
    return str(count) if isinstance(count, int) else f"{min(count)} to {max(count)}"
