"""The evaluation of a distilled set and of as many real images, by one protocol."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.baselines import kmeans_indices, random_indices
from keras_isa.evaluation.regression import RegressionScores, format_table
from keras_isa.evaluation.score_cache import ScoreCache
from keras_isa.evaluation.stored import check_loss, stored_predictor, stored_recipe
from keras_isa.evaluation.students import Students
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.targets import group_ids
from keras_isa.models.recorded_network import check_builder
from keras_isa.ops.arguments import instance_of, seed_number, whole_number, words_of
from keras_isa.ops.counts import simplest
from keras_isa.training.inputs import checked_data, dataset_or_pair
from keras_isa.training.progress import StepBar, forecast

BASELINES = ("random", "kmeans")


@dataclasses.dataclass(frozen=True)
class Scores:
    """Test accuracies of `r` networks, as fractions.

    Args:
        accuracies: Accuracies of the networks' own output, one per network.
        krr_accuracies: Accuracies of kernel ridge regression on their features.

    Raises:
        RuntimeError: If an accuracy is not finite, because the training of a network has diverged.
    """

    accuracies: tuple[float, ...]
    krr_accuracies: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, values in dataclasses.asdict(self).items():
            lost = len(values) - int(np.isfinite(values).sum())
            if lost:
                kind = "logits" if name == "accuracies" else "predictions by regression"
                raise RuntimeError(
                    f"{lost} of {len(values)} networks have {kind} that are not finite, and so no "
                    "accuracy: look for values that are not finite in the set and the test images, "
                    "and lower the `learning_rate` of the recipe."
                )

    def to_dict(self) -> dict[str, float]:
        """Returns means and population standard deviations over the networks."""
        return {
            "accuracy_mean": float(np.mean(self.accuracies)),
            "accuracy_std": float(np.std(self.accuracies)),
            "krr_accuracy_mean": float(np.mean(self.krr_accuracies)),
            "krr_accuracy_std": float(np.std(self.krr_accuracies)),
        }

    def columns(self) -> str:
        """Formats means and standard deviations in %, in two columns of 14 characters."""
        kinds = (self.accuracies, self.krr_accuracies)
        return "".join(f"{_spread(values):>14}" for values in kinds)


@dataclasses.dataclass(frozen=True)
class Storage:
    """What a distilled set stores, and the real images that it is compared with.

    Args:
        parametrization: How its images follow from what is stored, as text.
        images: Images that follow, of all classes together.
        stored_bytes: Bytes of images and labels, or what stands for them.
        real_images_per_class: Real images per class that take as many numbers, rounded down and at
            least one; one number or one
            for each class.
    """

    parametrization: str
    images: int
    stored_bytes: int
    real_images_per_class: int | tuple[int, ...]


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
    """

    distilled: Scores | RegressionScores
    baselines: dict[str, Scores | RegressionScores]
    repeats: int
    images_per_class: int | tuple[int, ...]
    seconds: float
    storage: Storage
    kept: tuple[str, ...] = ()

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
        }

    def __str__(self) -> str:
        titles = {"random": "random real images", "kmeans": "k-means, nearest real images"}
        rows = [(titles[name], scores) for name, scores in self.baselines.items()]
        rows.append(("distilled", self.distilled))
        regression = isinstance(self.distilled, RegressionScores)
        if regression:
            rows = [(title.replace("images", "rows"), scores) for title, scores in rows]
            lines = format_table(rows, self.images_per_class)
        else:
            head = f"{_per_class(self.images_per_class)} per class, test accuracy in %"
            lines = [f"{head:34}{'network':>14}{'KRR':>14}"]
            lines += [f"{title:34}{scores.columns()}" for title, scores in rows]
        if self.repeats == 1:
            lines.append("one network, which shows no spread: --repeats, `repeats`, asks for more")
        else:
            lines.append(f"mean ± standard deviation over {self.repeats} networks")
        if self.storage.parametrization != "identity":
            real = _per_class(self.storage.real_images_per_class)
            real += " real rows" if regression else " per class"
            lines.append(
                f"distilled: {self.storage.images:,} images by {self.storage.parametrization} in "
                f"{self.storage.stored_bytes:,} bytes; real images beside it: {real}"
            )
        if self.kept:
            names = " and ".join({"kmeans": "k-means"}.get(name, name) for name in self.kept)
            lines.append(f"{names}: kept from an earlier evaluation")
        return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * np.std(values):.1f}"


def _per_class(count: int | tuple[int, ...]) -> str:
    return str(count) if isinstance(count, int) else f"{min(count)} to {max(count)}"


@in_standard_settings
def evaluate(
    distilled: DistilledData | str | os.PathLike,
    test: Any,
    *,
    train: Any = None,
    repeats: int = 5,
    baselines: Sequence[str] = BASELINES,
    recipe: Recipe | None = None,
    network: Callable[[], keras.Model] | None = None,
    seed: int = 0,
    verbose: bool | int = False,
) -> Evaluation:
    """Trains networks from scratch on a distilled set and tests them.

    The recipe in the asset gives the protocol, which is FRePo's (Zhou et al. 2022) or another. With
    `train` the same recipe is applied to as many real images of each class: to random ones, drawn
    anew for each network, and to those nearest to the k-means centroids of each class.

    Args:
        distilled: A `DistilledData` or the path of its file.
        test: Test images in pixel units: a dataset with `.x` and `.y`, or a pair of arrays
            `(N, H, W, C)` and `(N,)` with class numbers or class names. If the class names of the
            set are whole numbers other than 0, 1, 2, ..., the integers of a pair are class names.
            For a set for regression the labels are targets `(N,)` or `(N, K)` in their own units.
        train: Training images for the baselines, in the same form; without them there are none.
        repeats: Networks per set.
        baselines: The baselines, out of `"random"` and `"kmeans"`.
        recipe: A recipe to use instead of the asset's.
        network: Function that builds a Keras model with the outputs `[logits, features]`, to use
            instead of the recipe's network.
        seed: Seed of weights, augmentation and baselines.
        verbose: 1 or `True` shows a forecast of the duration, and progress; 2 shows the forecast
            alone.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: If the file cannot be read, or the data do not fit the set.
        TypeError: If an argument has the wrong type, or the data are neither a dataset nor a pair
            of arrays, or have the wrong dtype.
        RuntimeError: If the active Keras backend is not supported, or a network's predictions are
            not finite.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, images_per_class=1)
    >>> recipe = keras_isa.evaluation.Recipe(width=4, steps=2)
    >>> result = keras_isa.evaluate(distilled, test, recipe=recipe, repeats=2)
    >>> 0 <= result.to_dict()["accuracy_mean"] <= 1
    True
    """
    started = time.perf_counter()
    backend.current()
    if not isinstance(distilled, DistilledData):
        distilled = load(distilled)
    repeats, seed = whole_number("repeats", repeats), seed_number(seed)
    baselines = words_of("baselines", baselines, BASELINES)
    if recipe is None:
        recipe = stored_recipe(distilled)
    instance_of("recipe", recipe, Recipe)
    check_loss(recipe, distilled)
    if network is not None:
        check_builder(network, "network")
    x_test, y_test = _checked(test, distilled, "test")
    if distilled.is_regression and not y_test.std(axis=0).all():
        raise ValueError(
            "`test` must hold targets that vary: without differences R^2 has no value. "
            f"Received: {len(y_test)} rows"
        )
    preprocess: Callable = distilled
    if not distilled.elementwise:  # images are whitened once, not for every set anew
        x_test, preprocess = distilled.preprocess(x_test), np.asarray
    trained: dict[int, Students] = {}

    def students_for(rows: int) -> Students:
        if rows not in trained:
            about = rows, distilled.image_shape, distilled.num_classes, recipe
            trained[rows] = Students(*about, repeats=repeats, network=network)
        return trained[rows]

    regression = stored_predictor(distilled)

    def score(name: str, images: np.ndarray, labels: np.ndarray) -> Scores | RegressionScores:
        students = students_for(labels.shape[-2])
        with _progress(name, students.steps, verbose == 1) as progress:
            students.train(images, labels, seed=seed, progress=progress)
        if distilled.is_regression:
            restore = distilled.restore_targets
            errors = students.squared_errors(x_test, y_test, preprocess, restore, **regression)
            return RegressionScores.of(errors, y_test, distilled.class_names)
        found = students.accuracies(x_test, y_test, preprocess, **regression)
        return Scores(*(tuple(float(value) for value in kind) for kind in found))

    real, kept, keys = {}, {}, {}
    if train is not None:
        x_train, y_train = _checked(train, distilled, "train")
        for name in baselines:
            real[name] = _real_images(name, x_train, y_train, distilled, repeats, seed)
        numbers = {"repeats": repeats, "seed": seed, **regression}
        cache = ScoreCache(x_test, y_test, preprocess, recipe, network, numbers)
        # The cache keeps accuracies.
        known = {} if distilled.is_regression else real
        keys = {name: cache.key(*images) for name, images in known.items()}
        found = {name: cache.get(key) for name, key in keys.items()}
        kept = {name: Scores(*scores) for name, scores in found.items() if scores is not None}
    if verbose:
        sets = 1 + len(real) - len(kept)
        students = students_for(len(distilled.class_ids))
        seconds = students.steps * sets * students.seconds_per_step(*distilled.to_numpy())
        details = f"{sets * repeats} networks, {students.steps:,} steps each"
        line = forecast("evaluation", seconds, details)
        if line is not None:
            print(line, flush=True)
    results = {}
    for name, images in real.items():
        results[name] = kept[name] if name in kept else score(name, *images)
        if name in keys and name not in kept:
            cache.put(keys[name], results[name].accuracies, results[name].krr_accuracies)
    scores = score("distilled", *distilled.to_numpy())
    seconds = time.perf_counter() - started
    about = repeats, distilled.images_per_class, seconds
    storage = Storage(
        str(distilled.parametrization),
        len(distilled.class_ids),
        distilled.stored_bytes,
        simplest(distilled.equal_counts),
    )
    return Evaluation(scores, results, *about, storage, tuple(kept))


def _real_images(
    name: str, x: np.ndarray, y: np.ndarray, distilled: DistilledData, repeats: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images in model space and the labels of a baseline; random ones per network."""
    groups, count = group_ids(y), distilled.equal_counts
    if name == "random":
        rng = np.random.default_rng(seed)
        rows = np.stack([random_indices(groups, count, len(count), rng) for _ in range(repeats)])
    else:
        # Pixels have one unit. Features may have several, so that they are compared in model space.
        space = x if x.ndim == 4 else distilled.preprocess(x)
        rows = kmeans_indices(space, groups, count, len(count), seed)
    images = distilled.preprocess(x[rows.reshape(-1)]).reshape(*rows.shape, *x.shape[1:])
    y = distilled.standardize_targets(y[rows.reshape(-1)])
    labels = to_numpy(distilled.encode(y, scaled=True))
    return images, labels.reshape(*rows.shape, distilled.num_classes)


def _checked(data: Any, distilled: DistilledData, name: str) -> tuple[np.ndarray, np.ndarray]:
    given, names = dataset_or_pair(data, name), (f"x_{name}", f"y_{name}")
    return checked_data(distilled, given, names, name, named=True)


class _progress:  # noqa: N801 - reads as a statement
    """Keras's progress bar around the training of one set."""

    def __init__(self, name: str, steps: int, verbose: bool) -> None:
        self._name, self._steps, self._verbose = name, steps, verbose

    def __enter__(self) -> Callable[[int], None] | None:
        if not self._verbose:
            return None
        print(f"Training networks on: {self._name}")
        return StepBar(self._steps).update

    def __exit__(self, *exception: Any) -> None:
        return None
