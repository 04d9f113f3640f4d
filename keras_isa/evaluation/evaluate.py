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
from keras_isa.asset.recipe import STRATEGIES, Recipe
from keras_isa.evaluation import architectures
from keras_isa.evaluation.bench import Bench, TestData, hard_recipe
from keras_isa.evaluation.real_sets import RealSets
from keras_isa.evaluation.result import BASELINES, Evaluation, NetworkScores, Storage
from keras_isa.evaluation.score_cache import ScoreCache
from keras_isa.evaluation.scores import Scores
from keras_isa.evaluation.stored import check_loss, stored_recipe
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select, to_numpy
from keras_isa.inputs.targets import group_ids
from keras_isa.models.recorded_network import check_builder
from keras_isa.ops.arguments import instance_of, one_of, seed_number, whole_number, words_of
from keras_isa.ops.counts import simplest
from keras_isa.training.inputs import checked_data, dataset_or_pair
from keras_isa.training.progress import forecast
from keras_isa.training.run_state import fingerprint

LABELS = ("learned", "hard")
# Baselines where none are asked for, and there are training images.
_USUAL = ("random", "kmeans")


@in_standard_settings
def evaluate(
    distilled: DistilledData | str | os.PathLike,
    test: Any,
    *,
    train: Any = None,
    repeats: int = 5,
    baselines: Sequence[str] = _USUAL,
    networks: str | Sequence[str] = (),
    labels: str = "learned",
    augmentation: Sequence[str] | None = None,
    recipe: Recipe | None = None,
    network: Callable[[], keras.Model] | None = None,
    seed: int = 0,
    verbose: bool | int = False,
) -> Evaluation:
    """Trains networks from scratch on a distilled set and tests them.

    The recipe in the asset gives the protocol, which is FRePo's (Zhou et al. 2022) or another. With
    `train` the same recipe is applied to as many real images of each class: to random ones, drawn
    anew for each network, to those nearest to the k-means centroids of each class, and to what else
    `baselines` names.

    Args:
        distilled: A `DistilledData` or the path of its file.
        test: Test images in pixel units: a dataset with `.x` and `.y`, or a pair of arrays
            `(N, H, W, C)` and `(N,)` with class numbers or class names. If the class names of the
            set are whole numbers other than 0, 1, 2, ..., the integers of a pair are class names.
            For a set for regression the labels are targets `(N,)` or `(N, K)` in their own units.
        train: Training images for the baselines, in the same form; without them there are none of
            the usual ones, random and k-means.
        repeats: Networks per set.
        baselines: The baselines: `"random"`, `"kmeans"`, `"herding"` (each class's images whose
            mean comes nearest to its mean), `"soft"` (random images with the outputs of a network
            that was trained on all images as labels) and `"full"` (all training images).
        networks: Other architectures to test the set on: `"convnet"`, `"convnet_batch"`,
            `"convnet_instance"`, `"alexnet"`, `"vgg11"`, `"resnet18"`, `"mlp"`, or `"all"`. The
            learning rate of each is chosen on held-out training images, if there is `train`, among
            a fifth of the recipe's, the recipe's and five times that. Baselines are of the recipe's
            own network.
        labels: `"learned"` for the labels of the set, or `"hard"` for classes in their place.
        augmentation: Operations to use instead of the recipe's; empty for none.
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
    recipe = evaluation_recipe(distilled, recipe, augmentation)
    own_recipe = recipe if one_of("labels", labels, LABELS) == "learned" else hard_recipe(recipe)
    images, learned = set_for_networks(distilled, labels)
    if network is not None:
        check_builder(network, "network")
        if networks:
            raise ValueError(
                "`networks` must be empty where `network` builds the network. Received: "
                f"networks={networks!r}"
            )
    others = architectures.recipes_for(networks, own_recipe, distilled.image_shape)
    x_test, y_test = _checked(test, distilled, "test")
    if distilled.is_regression and not y_test.std(axis=0).all():
        raise ValueError(
            "`test` must hold targets that vary: without differences R^2 has no value. "
            f"Received: {len(y_test)} rows"
        )
    real: dict[str, tuple] = {}
    x_train = y_train = None
    unserved = [name for name in baselines if train is None and name not in _USUAL]
    if unserved:
        raise ValueError(
            f"`train` must be given for the baselines {', '.join(unserved)}, which are made of "
            "training images. Received: train=None"
        )
    if train is not None:
        x_train, y_train = _checked(train, distilled, "train")
    test_data = TestData.of(distilled, x_test, y_test)
    about = {"repeats": repeats, "seed": seed}
    bench = Bench(distilled, test_data, recipe, network, **about, verbose=verbose == 1)
    if x_train is not None:
        sets = RealSets(bench, x_train, y_train)
        real = {name: sets.choose(name) for name in baselines}
    keys, kept = {}, {}
    if real and not distilled.is_regression:  # the cache keeps accuracies
        numbers = {**about, **bench.regression}
        cache = ScoreCache(x_test, y_test, test_data.preprocess, recipe, network, numbers)
        keys = {name: cache.key(*sets.depends_on(name)) for name in real}
        found = {name: cache.get(key) for name, key in keys.items()}
        kept = {name: Scores(*scores) for name, scores in found.items() if scores is not None}
    if verbose:
        _say_forecast(bench, images, learned, 1 + len(real) - len(kept))
    results = {}
    for name in real:
        results[name] = kept[name] if name in kept else sets.score(name, real[name])
        if name in keys and name not in kept:
            cache.put(keys[name], *dataclasses.astuple(results[name]))
    scores = bench.score("distilled", images, learned, own_recipe)
    rows = np.zeros(0, int)
    if others and x_train is not None:
        rows = architectures.held_out_rows(distilled, group_ids(y_train), seed)
    held_out = None
    if len(rows):
        held_out = TestData.of(distilled, select(x_train, rows), y_train[rows])
    tested = {}
    for name, changed in others.items():
        other = Bench(distilled, test_data, changed, **about, verbose=verbose == 1)
        tested[name] = _on_other_network(other, name, images, learned, held_out)
    return Evaluation(
        scores,
        results,
        repeats,
        distilled.images_per_class,
        time.perf_counter() - started,
        storage_of(distilled),
        tuple(kept),
        tested,
        len(rows),
        {
            "recipe": own_recipe.to_dict(),
            "labels": labels,
            "seed": seed,
            "network": "the user's" if network is not None else recipe.network,
            "num_classes": distilled.num_classes,
            "test_images": len(y_test),
            "test_sha256": fingerprint(x_test, y_test),
        },
        backend.device_name(),
    )


def evaluation_recipe(
    distilled: DistilledData, recipe: Recipe | None = None, augmentation: Any = None
) -> Recipe:
    """Returns the recipe by which networks are trained on a set.

    Args:
        distilled: The set.
        recipe: A recipe to use instead of that of the set.
        augmentation: Operations to use instead of the recipe's.

    Raises:
        TypeError, ValueError: If it does not fit the set.
    """
    if recipe is None:
        recipe = stored_recipe(distilled)
    instance_of("recipe", recipe, Recipe)
    check_loss(recipe, distilled)
    if augmentation is not None:
        operations = words_of("augmentation", augmentation, STRATEGIES[recipe.strategy])
        recipe = dataclasses.replace(recipe, augmentation=operations)
    return recipe


def set_for_networks(distilled: DistilledData, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of a set in model space, and its labels or its classes in their place.

    Args:
        distilled: The set.
        labels: `"learned"` or `"hard"`.

    Raises:
        ValueError: If a set for regression is to have classes.
    """
    images, learned = distilled.to_numpy()
    if labels == "learned":
        return images, learned
    if distilled.is_regression:
        raise ValueError(
            "`labels` must be 'learned' for a set for regression, which has no classes. Received: "
            f"labels={labels!r}"
        )
    return images, to_numpy(distilled.encode(distilled.class_ids, scaled=True))


def storage_of(distilled: DistilledData) -> Storage:
    """Returns what a set stores.

    Args:
        distilled: The set.
    """
    inner = distilled.preprocessing
    variables = [] if inner is None else inner.variables
    return Storage(
        str(distilled.parametrization),
        len(distilled.class_ids),
        distilled.stored_bytes,
        simplest(distilled.equal_counts),
        sum(to_numpy(one).nbytes for one in variables),
    )


def _on_other_network(
    bench: Bench, name: str, images: np.ndarray, labels: np.ndarray, held_out: TestData | None
) -> NetworkScores:
    """Searches the learning rate of an architecture, if there are images for it, and tests it."""
    rate = bench.recipe.learning_rate
    if held_out is None:
        scores = bench.score(f"distilled, {name}", images, labels, diverged=0.0)
        return NetworkScores(scores, rate)
    factor, searched = bench.train_at_best_rate(images, labels, held_out)
    # What has been computed for the other networks must not be lost if one diverges.
    scores = bench.scores_of([bench.students(len(labels))], diverged=0.0)
    return NetworkScores(scores, rate * factor, searched)


def _say_forecast(bench: Bench, images: np.ndarray, labels: np.ndarray, sets: int) -> None:
    steps = bench.students(len(labels)).steps
    seconds = steps * sets * bench.seconds_per_step(images, labels)
    line = forecast("evaluation", seconds, f"{sets * bench.repeats} networks, {steps:,} steps each")
    if line is not None:
        print(line, flush=True)


def _checked(data: Any, distilled: DistilledData, name: str) -> tuple[np.ndarray, np.ndarray]:
    given, names = dataset_or_pair(data, name), (f"x_{name}", f"y_{name}")
    return checked_data(distilled, given, names, name, named=True)
