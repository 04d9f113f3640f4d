"""A map of real and distilled images of three classes, and numbers for what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.evaluation.readings import features_of
from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, gain, mean, shown_seed
from keras_isa.studies.cruciality import dropped
from keras_isa.studies.experiment import MOST_SEEN, PLAIN, Experiment, module_changes
from keras_isa.studies.result import Claim, Column, Findings, told

_SHOWN_CLASSES, _SHOWN_IMAGES = 3, 150
_NEIGHBOURS, _LEAST = 5, 2
_SHARE = 0.2
_NONE, _EASY, _HARD, _ISA = "plain", "easiest 20 % dropped", "hardest 20 % dropped", "ISA"
_COLUMNS = (
    Column("setting", "setting", "text"),
    Column("evenness", "evenness, %", "percent"),
    Column("evenness_difference", "difference, points", "points"),
    Column("evenness_interval", "95 % interval", "interval"),
    Column("overlap", "overlap, %", "percent"),
    Column("overlap_difference", "difference, points", "points"),
    Column("overlap_interval", "95 % interval", "interval"),
)


class ManifoldStudy(Study):
    """Real images as dots, distilled ones as stars, in the features of a network of real images."""

    name = "manifold"
    title = "Where distilled images lie among the real ones"
    question = (
        "How evenly do the distilled images of a class stand for its real ones, and how often do "
        "they lie among those of other classes: plain, without the easiest or the hardest samples, "
        "and with ISA?"
    )
    source = "Figures 4 and 6"
    methods = ("frepo", "kip", "rcig", "rfad")
    images_per_class = 10
    seeds = 3

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        counts = experiment.settings.images_per_class
        if min(counts if isinstance(counts, tuple) else [counts]) < _LEAST:
            raise ValueError(
                f"`images_per_class` must be {_LEAST} or more for every class for the study "
                f"{self.name}: evenness compares images of a class. Received: {counts}"
            )

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        def measure(name: str) -> dict[str, Any]:
            about = {"seed": seed, "arm": name, "isa": str(self._arms[_ISA])}
            return self.experiment.kept(self.name, about, lambda: self._numbers(seed, name))

        return {name: lambda name=name: measure(name) for name in self._arms}

    @property
    def _arms(self) -> dict[str, dict[str, Any]]:
        own = self.experiment
        return {
            _NONE: PLAIN,
            _EASY: dropped(own, "easiest", _SHARE),
            _HARD: dropped(own, "hardest", _SHARE),
            _ISA: module_changes(own.settings)["isa"],
        }

    @property
    def _shown(self) -> int:
        return min(_SHOWN_CLASSES, self.experiment.train.num_classes)

    @property
    def judged_on(self) -> str:
        return f"compared with up to {MOST_SEEN:,} training images"

    def _features(self, seed: int, name: str) -> tuple[np.ndarray, ...]:
        """Features and classes of real images, and of those of a set."""
        own = self.experiment
        distilled = own.distilled(seed, **self._arms[name])
        network = own.real_network(distilled, seed)
        real, y = own.real_images(distilled, seed)
        images, _ = distilled.to_numpy()
        features = (np.asarray(features_of(network, 0, one)) for one in (real, images))
        of_real, of_set = features
        return of_real, y, of_set, np.asarray(distilled.class_ids)

    def _numbers(self, seed: int, name: str) -> dict[str, float]:
        found = self._features(seed, name)
        return {"evenness": evenness(*found), "overlap": overlap(*found)}

    def findings(self, runs: Runs) -> Findings:
        rows = []
        for name in runs:
            row: dict[str, Any] = {"setting": name}
            for what in ("evenness", "overlap"):
                row[what] = mean(runs, name, what)
                found = {} if name == _NONE else gain(runs, name, _NONE, what).to_dict()
                row[f"{what}_difference"] = found.get("difference")
                row[f"{what}_interval"] = found.get("interval")
            rows.append(row)
        even, far = gain(runs, _ISA, _NONE, "evenness"), gain(runs, _ISA, _NONE, "overlap")
        sentences = [
            "Evenness is the entropy of how many real images of a class are nearest to each of its "
            "distilled ones, as a share of the greatest possible; overlap is the share of the five "
            "nearest real images of a distilled one that are of another class. Both are measured "
            "in the features of a network trained on real images, with all classes; the map shows "
            f"the first {self._shown} of seed {shown_seed(runs)[0]}.",
            f"ISA changes evenness by {told(even)} points and overlap by {told(far)}; without the "
            f"easiest 20 % they change by {told(gain(runs, _EASY, _NONE, 'evenness'))} and "
            f"{told(gain(runs, _EASY, _NONE, 'overlap'))}.",
        ]
        claims = [
            Claim.of("ISA spreads distilled images more evenly", even),
            Claim.of("ISA makes classes overlap less", far, sign=-1),
        ]
        return Findings(_COLUMNS, rows, sentences, claims)

    def draw(self, runs: Runs) -> Any:
        from matplotlib.lines import Line2D

        seed, there = shown_seed(runs)
        names = self.experiment.train.class_names
        shown = range(self._shown)
        panels = {}
        for name in there:
            real, y, made, classes = self._features(seed, name)
            rows = [np.flatnonzero(y == one)[:_SHOWN_IMAGES] for one in shown]
            kept = np.flatnonzero(np.isin(classes, list(shown)))
            panels[name] = real[np.concatenate(rows)], made[kept], classes[kept]
            labels = np.concatenate([y[some] for some in rows])
        # One map for all: the real images are the same in every panel.
        stacked = [next(iter(panels.values()))[0], *(made for _, made, _ in panels.values())]
        places = np.split(
            t_sne(np.concatenate(stacked), seed), np.cumsum([len(s) for s in stacked])
        )
        figure, axes = pictures.figure(7.4, rows=2, columns=2)
        for axis in axes.flat[len(panels) :]:
            axis.axis("off")
        for axis, (name, (_, _, classes)), stars in zip(
            axes.flat, panels.items(), places[1:], strict=False
        ):
            for one in shown:
                colour = pictures.COLOURS[one]
                dots, own = places[0][labels == one], stars[classes == one]
                axis.scatter(*dots.T, s=9, color=colour, alpha=0.35, linewidths=0)
                axis.scatter(*own.T, s=110, color=colour, marker="*", edgecolors="black")
            axis.set_title(name)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_xlabel("t-SNE 1")
            axis.set_ylabel("t-SNE 2")
        handles = [
            Line2D([], [], color=pictures.COLOURS[one], marker="o", linestyle="", label=names[one])
            for one in shown
        ]
        handles.append(
            Line2D(
                [],
                [],
                color="white",
                mec="black",
                marker="*",
                ms=11,
                linestyle="",
                label="distilled",
            )
        )
        pictures.legend_below(figure, handles=handles, ncols=4, columnspacing=1.0)
        return figure


def t_sne(features: np.ndarray, seed: int) -> np.ndarray:
    """Returns places `(n, 2)` of samples on a map, by scikit-learn's t-SNE.

    Args:
        features: Features `(n, F)`.
        seed: Seed of the map.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    size = min(50, *features.shape)
    reduced = PCA(size, random_state=seed).fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    # Several threads wait for each other so busily that next to other work they take a minute.
    with threadpool_limits(1):
        return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)


def evenness(real: np.ndarray, y: np.ndarray, made: np.ndarray, classes: np.ndarray) -> float:
    """Returns how evenly distilled samples stand for the real ones of their class.

    It is the entropy of the shares of real samples that are nearest to each distilled sample of
    their class, divided by the greatest possible one: 1 where each stands for as many, 0 where one
    stands for all. The mean over classes.

    Args:
        real: Features of real samples `(N, F)`.
        y: Their classes `(N,)`.
        made: Features of distilled samples `(n, F)`, two or more of each class.
        classes: Their classes `(n,)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.studies.manifold import evenness
    >>> real = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> evenness(real, np.zeros(4, int), np.array([[0.5], [2.5]]), np.zeros(2, int))
    1.0
    """
    found = []
    for one in np.unique(classes):
        own = made[classes == one]
        counts = np.bincount(_nearest(real[y == one], own, 1)[:, 0], minlength=len(own))
        shares = counts[counts > 0] / counts.sum()
        found.append(-np.sum(shares * np.log(shares)) / np.log(len(own)))
    return float(np.mean(found))


def overlap(real: np.ndarray, y: np.ndarray, made: np.ndarray, classes: np.ndarray) -> float:
    """Returns the share of the five nearest real samples of distilled ones of another class.

    Args:
        real: Features of real samples `(N, F)`.
        y: Their classes `(N,)`.
        made: Features of distilled samples `(n, F)`.
        classes: Their classes `(n,)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.studies.manifold import overlap
    >>> real, y = np.arange(10.0)[:, None], np.repeat([0, 1], 5)
    >>> overlap(real, y, np.array([[2.0]]), np.array([1]))
    1.0
    """
    nearest = _nearest(made, real, min(_NEIGHBOURS, len(real)))
    return float(np.mean(y[nearest] != classes[:, None]))


def _nearest(rows: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=count).fit(others).kneighbors(rows, return_distance=False)
