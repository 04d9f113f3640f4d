"""How much of the real data lies within reach of a set, with and without the easy samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.evaluation.evaluate import evaluation_recipe
from keras_isa.evaluation.readings import features_of
from keras_isa.evaluation.students import Students
from keras_isa.ops.manifold_recall import manifold_recall
from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, gain, mean
from keras_isa.studies.cruciality import SHARES, cell, dropped
from keras_isa.studies.experiment import MOST_SEEN, PLAIN, module_changes
from keras_isa.studies.result import Claim, Column, Findings, told
from keras_isa.studies.statistics import mean_of

_NEIGHBOUR = 5
_NONE, _BOTH = "none dropped", "crucial samples and ISA"
_SPACES = {
    "real": "features of a network trained on real images",
    "random": "features of a network with random weights",
    "pixels": "pixels in model space",
}


class DiversityStudy(Study):
    """Manifold recall (k = 5) of sets distilled with and without the easy samples."""

    name = "diversity"
    title = "Diversity: how much of the real data lies within reach of the set"
    question = (
        "The share of real images inside of a ball around a distilled one that reaches to its "
        "fifth nearest other one. Does it grow if easy samples are dropped? (The paper: from 0.84 "
        "to 0.89, without the space.)"
    )
    source = "equations 8 and 9, and their table"
    methods = ("frepo", "kip", "rcig", "rfad")
    images_per_class = 10
    least_images = _NEIGHBOUR + 1, "recall needs a fifth nearest other image"

    @property
    def judged_on(self) -> str:
        return f"compared with up to {MOST_SEEN:,} training images"

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        own = self.experiment
        arms = {_NONE: PLAIN}
        for which in ("easiest", "hardest"):
            arms |= {cell(which, share): dropped(own, which, share) for share in SHARES}
        arms[_BOTH] = module_changes(own.settings)["both"]

        def measure(name: str) -> dict[str, Any]:
            about = {"seed": seed, "arm": name, "both": [*map(str, arms[_BOTH].values())]}
            return own.kept(self.name, about, lambda: self._recalls(seed, arms[name]))

        return {name: lambda name=name: measure(name) for name in arms}

    def _recalls(self, seed: int, changes: dict[str, Any]) -> dict[str, float]:
        own = self.experiment
        distilled = own.distilled(seed, **changes)
        real, _ = own.real_images(distilled, seed)
        images, labels = distilled.to_numpy()
        untrained = untrained_network(distilled, seed)
        found = {}
        for space in _SPACES:
            pair = real, images
            if space != "pixels":
                network = untrained if space == "random" else own.real_network(distilled, seed)
                pair = tuple(features_of(network, 0, one) for one in pair)
            found[space] = float(manifold_recall(*pair, _NEIGHBOUR))
        return found

    def findings(self, runs: Runs) -> Findings:
        rows = []
        for name in runs:
            row: dict[str, Any] = {"setting": name}
            for space in _SPACES:
                row[space] = mean(runs, name, space)
            found = {} if name == _NONE else gain(runs, name, _NONE, "real").to_dict()
            rows.append({**row, **{one: found.get(one) for one in ("difference", "interval")}})
        easy = mean_of([gain(runs, cell("easiest", share), _NONE, "real") for share in SHARES])
        hard = mean_of([gain(runs, cell("hardest", share), _NONE, "real") for share in SHARES])
        base = rows[0]["real"] or 0.0
        sentences = [
            f"In the features of a network trained on real images {100 * base:.1f} % of the real "
            f"images lie within reach of the plain set; dropping easy samples changes that by "
            f"{told(easy)} points, dropping hard ones by {told(hard)} (means over 10, 20 and "
            "30 %).",
            "Recall is a number of a space: in pixels and in random features it is another one.",
        ]
        columns = (
            Column("setting", "setting", "text"),
            *(Column(name, f"recall, %, {shown}", "percent") for name, shown in _SPACES.items()),
            Column("difference", "difference in the first space, points", "points"),
            Column("interval", "95 % interval", "interval"),
        )
        claims = [Claim.of("dropping easy samples makes the set more diverse", easy)]
        return Findings(columns, rows, sentences, claims)

    def draw(self, runs: Runs) -> Any:
        figure, ((axis,),) = pictures.figure(5.6)
        names = [name for name in runs if name != _NONE]
        pictures.draw_gains(axis, runs, {name: (name, _NONE) for name in names}, _SPACES)
        axis.set_xlabel("points of manifold recall (k = 5)\nmore than the plain set")
        pictures.legend_below(figure)
        return figure


def untrained_network(distilled: DistilledData, seed: int) -> Students:
    """Returns a network of the recipe of a set with random weights.

    Args:
        distilled: The set.
        seed: Seed of the weights.
    """
    images, labels = distilled.to_numpy()
    about = len(images), distilled.image_shape, distilled.num_classes
    network = Students(*about, evaluation_recipe(distilled), repeats=1)
    network.start(images, labels, seed)
    return network
