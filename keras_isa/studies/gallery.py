"""The distilled images themselves, of the plain method and with crucial samples and ISA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.asset.export import contrasted
from keras_isa.studies import pictures
from keras_isa.studies.base import SCORE_COLUMNS, Runs, Study, score_row, shown_seed
from keras_isa.studies.experiment import Experiment, module_changes
from keras_isa.studies.result import Findings

_ARMS = {
    "plain": "plain",
    "crucial": "crucial samples",
    "isa": "ISA",
    "both": "crucial samples and ISA",
}
_MOST_CLASSES, _COLUMNS = 10, 5


class GalleryStudy(Study):
    """Pictures of sets in pixel space, the first image of each class."""

    name = "gallery"
    title = "Distilled images, plain and with crucial samples and ISA"
    question = "What do the images look like, in pixel space?"
    source = "Figure 9"
    seeds = 1

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        if len(experiment.train.image_shape) != 3:
            raise ValueError(
                "`train` must hold images, which the gallery shows. Received shape: "
                f"{tuple(experiment.train.image_shape)}"
            )

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        arms, scores = module_changes(self.experiment.settings), self.experiment.scores
        return {name: lambda arm=arms[name]: scores(seed, **arm) for name in _ARMS}

    def findings(self, runs: Runs) -> Findings:
        rows = [score_row(runs, name, "plain", shown) for name, shown in _ARMS.items()]
        sentences = [
            "Each image is shown between its 1st and 99th percentile, as distilled images leave "
            f"the range of real pixels. The picture shows seed {shown_seed(runs)[0]}."
        ]
        return Findings(SCORE_COLUMNS, rows, sentences, [])

    def draw(self, runs: Runs) -> Any:
        arms, names = module_changes(self.experiment.settings), self.experiment.train.class_names
        seed, there = shown_seed(runs)
        shown = min(len(names), _MOST_CLASSES)
        columns = min(shown, _COLUMNS)
        lines = -(-shown // columns)
        figure = pictures.empty_figure((0.45 + 1.5 * lines) * len(there))
        parts = np.atleast_1d(figure.subfigures(len(there), 1))
        for part, arm in zip(parts, there, strict=True):
            part.suptitle(_ARMS[arm], fontsize=14)
            distilled = self.experiment.distilled(seed, **arms[arm])
            images, _ = distilled.to_numpy(space="pixels")
            classes = np.asarray(distilled.class_ids)
            axes = part.subplots(lines, columns, squeeze=False)
            for one, axis in enumerate(axes.flat):
                axis.axis("off")
                if one < shown:
                    image = contrasted(images[np.flatnonzero(classes == one)[0]])
                    axis.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray")
                    axis.set_title(str(names[one])[:12], fontsize=11, parse_math=False)
        return figure
