"""Data, settings and a folder of distilled sets, which the studies of a dataset share."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.datasets.dataset import Dataset, subset
from keras_isa.evaluation.bench import Bench, TestData
from keras_isa.evaluation.evaluate import evaluate, evaluation_recipe
from keras_isa.evaluation.full_data import FullData
from keras_isa.evaluation.scores import DivergedError
from keras_isa.evaluation.students import Students
from keras_isa.files import make_folder
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.registry import method
from keras_isa.ops.arguments import instance_of, whole_number
from keras_isa.planning.plan import StepClock
from keras_isa.presets.config import Config
from keras_isa.studies.cells import Cells
from keras_isa.training.run_state import fingerprint
from keras_isa.versions import package_version

# What cells mean. Another number leaves all that are kept aside.
_REVISION = 1
# The plain method, and the two additions, alone and together.
PLAIN = {"crucial_fraction": 1.0, "isa_interval": (0.0, 0.0)}
# Real images that a network of features is trained on, and that studies look at, at most.
# A rare class has a few of them.
_MOST_TRAINED, MOST_SEEN, _FEW = 10_000, 2_000, 5
# Rounds by which the times of steps are compared, the seconds of each, and its steps.
_ROUNDS, _ROUND_SECONDS, _FIRST, _LEAST, _MOST = 7, 1.0, 4, 3, 300


class Experiment:
    """Distils sets of one dataset by variations of one method's settings, and keeps them.

    Everything that a run draws follows from its seed: first images, networks and batches are the
    same for all variations. Sets and scores are files of a folder, by all that they depend on, so
    that a study goes on where it was stopped, and studies share their sets.

    Args:
        train: Training data.
        test: What sets are scored on.
        settings: Settings of the runs, of any method. Runs take all their steps: `patience` is not
            used.
        folder: Where sets and scores are kept.
        repeats: Networks that are trained on each set.
        scored_on: What the rows of `test` are, for pages.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the data are for regression.

    Example:

    >>> import tempfile
    >>> import keras_isa
    >>> from keras_isa.studies import Experiment
    >>> train, test = keras_isa.datasets.load("digits")
    >>> settings = keras_isa.presets.settings_for(train, 1, accelerated=False).with_changes(
    ...     steps=2, width=2, depth=1, recipe={"steps": 2, "width": 2})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     experiment = Experiment(train, test, settings, folder, repeats=1)
    ...     sorted(experiment.scores(seed=0, crucial_fraction=1.0))
    ['krr', 'seconds', 'student', 'val']
    """

    def __init__(
        self,
        train: Dataset,
        test: Dataset,
        settings: Config,
        folder: str | Path,
        *,
        repeats: int = 3,
        scored_on: str = "test images",
    ) -> None:
        for name, data in (("train", train), ("test", test)):
            if instance_of(name, data, Dataset).task == "regression":
                raise ValueError(
                    f"`{name}` must have classes: the studies are of classification. Received: "
                    "task='regression'"
                )
        self.train, self.test = train, test
        instance_of("settings", settings, Config)
        self.settings = type(settings).from_dict({**settings.to_dict(), "patience": None})
        self.method = method(settings.method)
        self.repeats = whole_number("repeats", repeats)
        self.cells, self.scored_on = Cells(folder), scored_on
        self._data = [fingerprint(one.x, one.y) for one in (train, test)]
        self._networks: dict[tuple, Students] = {}

    def distilled(
        self, seed: int, trainer: type[DistillationTrainer] | None = None, **changes: Any
    ) -> DistilledData:
        """Returns the set of a run, which is made if it is not in the folder.

        Args:
            seed: Seed of the run.
            trainer: A variant of the method's trainer.
            **changes: Settings that differ.

        Raises:
            DivergedError: If the set has numbers that are not finite.
        """
        kind, settings = trainer or self.method, self.settings.with_changes(**changes)
        path = self.cells.path(self._about(seed, kind, settings), ".keras")
        with contextlib.suppress(FileNotFoundError, ValueError):  # a damaged file is made anew
            return load(path)
        run = kind.for_data(self.train, settings, seed=seed)
        run.fit(self.train, validation_split=settings.validation_split, verbose=0)
        if not all(np.isfinite(to_numpy(one)).all() for one in run.distilled.decode()):
            raise DivergedError("the set has numbers that are not finite")
        make_folder(path.parent)
        run.distilled.save(path)
        return run.distilled

    def scores(
        self, seed: int, trainer: type[DistillationTrainer] | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Returns what came of a run, as fractions of the test images.

        Args:
            seed: Seed of the run.
            trainer: A variant of the method's trainer.
            **changes: Settings that differ.

        Returns:
            `student`, the mean accuracy of networks trained on the set, `krr`, that of kernel ridge
            regression on their features, `val`, the best accuracy on held-out images (`None`
            without), and `seconds` of the distillation; or `diverged` alone, the reason, for a run
            or networks that diverged.
        """
        kind, settings = trainer or self.method, self.settings.with_changes(**changes)
        about = {**self._about(seed, kind, settings), "repeats": self.repeats}

        def score() -> dict[str, Any]:
            distilled = self.distilled(seed, trainer, **changes)
            found = evaluate(distilled, self.test, repeats=self.repeats, seed=seed).distilled
            selection = distilled.provenance["selection"] or {}
            return {
                "student": float(np.mean(found.accuracies)),
                "krr": float(np.mean(found.krr_accuracies)),
                "val": selection.get("val_accuracy"),
                "seconds": distilled.provenance["seconds"],
            }

        return self.cells.kept(about, lambda: _unless_diverged(score))

    def kept(self, name: str, about: Mapping[str, Any], make: Callable[[], dict]) -> dict[str, Any]:
        """Returns a result of these data and settings, or makes and keeps it.

        Args:
            name: What it is.
            about: What else it depends on, JSON-compatible.
            make: Returns it, JSON-compatible.
        """
        own = self._about(0, self.method, self.settings)
        about = {**own, "result": name, "of": dict(about)}
        return self.cells.kept(about, lambda: _unless_diverged(make))

    def seconds_per_step(
        self, arms: Mapping[str, Mapping[str, Any]], note: Callable[[str], None] | None = None
    ) -> dict[str, float]:
        """Times the steps of variations in turns, so that other load meets all of them alike.

        Args:
            arms: Changes of settings by the name of the variation.
            note: Takes a line if steps are timed now.

        Returns:
            The median over rounds of the seconds of a step, by name.
        """

        def measure() -> dict[str, float]:
            if note is not None:
                note("timing steps in turns")
            trainers, each = {}, {name: [] for name in arms}
            for name, changes in arms.items():
                settings = self.settings.with_changes(**changes)
                trainers[name] = self.method.for_data(self.train, settings, seed=0)

            # Every `fit` takes its images to the device, which takes longer than the steps.
            x, y = self._some(self.train, _MOST_TRAINED, seed=0)

            def lap(name: str, steps: int) -> float:
                clock, about = StepClock(), {"epochs": 1, "steps_per_epoch": steps}
                trainers[name].fit(x, y, callbacks=[clock], verbose=0, **about)
                return clock.seconds_per_step

            for _ in range(2):  # the first lap compiles
                slowest = max(lap(name, _FIRST) for name in arms)
            steps = min(max(round(_ROUND_SECONDS / slowest), _LEAST), _MOST)
            for _ in range(_ROUNDS):
                for name in arms:
                    each[name].append(lap(name, steps))
            return {name: statistics.median(values) for name, values in each.items()}

        changes = {name: _plain_values(values) for name, values in arms.items()}
        machine = [backend.device_name(), os.cpu_count()]
        return self.kept("seconds per step", {"arms": changes, "machine": machine}, measure)

    def real_network(self, distilled: DistilledData, seed: int) -> Students:
        """Returns a network trained on real images, whose features compare sets of one seed.

        It is the network of the set's recipe with the width of the distillation, trained by that
        recipe on about 10,000 training images at most, in the space of the set.

        Args:
            distilled: A set of that seed, for its preprocessing.
            seed: Seed of the network.
        """
        x, y = self._some(self.train, _MOST_TRAINED, seed)
        recipe = evaluation_recipe(distilled)
        if recipe.network == "convnet":
            recipe = dataclasses.replace(recipe, width=self.settings.width)
        first = np.asarray(distilled.preprocess(x[:_FEW]))
        key = seed, recipe, fingerprint(first, y[:_FEW])
        if key not in self._networks:
            test = TestData(first, y[:_FEW], np.asarray)  # it is not tested
            bench = Bench(distilled, test, recipe, repeats=1, seed=seed)
            self._networks = {key: FullData(bench, x, y).networks(1)[0]}  # one at a time
        return self._networks[key]

    def real_images(self, distilled: DistilledData, seed: int) -> tuple[Any, np.ndarray]:
        """About 2,000 random training images in model space `(n, ...)`, and their classes `(n,)`.

        Args:
            distilled: The set, for its preprocessing.
            seed: Seed of the choice.
        """
        x, y = self._some(self.train, MOST_SEEN, seed)
        return distilled.preprocess(x), y

    def unseen_images(self, distilled: DistilledData, seed: int) -> tuple[Any, np.ndarray]:
        """As `real_images`, of those that sets are scored on.

        Args:
            distilled: The set, for its preprocessing.
            seed: Seed of the choice.
        """
        x, y = self._some(self.test, MOST_SEEN, seed)
        return distilled.preprocess(x), y

    def _some(self, data: Dataset, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rows = some_rows(data.y, most, seed)
        return np.asarray(data.x[rows]), data.y[rows]  # of stored images these are read

    @property
    def networks(self) -> str:
        """How many networks are trained on each set, in words."""
        return f"{self.repeats} network{'s' if self.repeats > 1 else ''}"

    def description(self) -> dict[str, Any]:
        """Data and settings, JSON-compatible."""
        return {
            "dataset": self.train.name,
            "data_sha256": self._data,
            "classes": list(map(str, self.train.class_names)),
            "image_shape": list(self.train.image_shape),
            "train_images": len(self.train.y),
            "test_images": len(self.test.y),
            "scored_on": self.scored_on,
            "method": self.settings.method,
            "settings": self.settings.to_dict(),
            "repeats": self.repeats,
        }

    def _about(
        self, seed: int, kind: type[DistillationTrainer], settings: Config
    ) -> dict[str, Any]:
        return {
            "revision": _REVISION,
            "data": self._data,
            "pixel_range": list(self.train.pixel_range),
            "class_names": list(map(str, self.train.class_names)),
            "trainer": kind.__name__,
            "method": settings.method,
            "settings": settings.to_dict(),
            "seed": seed,
            "computed_by": [package_version(), keras.backend.backend()],
            "dtype_policy": keras.config.dtype_policy().name,
        }


def some_rows(y: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Returns rows at random, in order, or all where there are not more.

    Every class has its share of them, and a rare one a few.

    Args:
        y: Classes `(N,)`.
        most: About how many rows are wanted.
        seed: Seed of the choice.

    Example:

    >>> import numpy as np
    >>> from keras_isa.studies.experiment import some_rows
    >>> y = np.array([0] * 90 + [1] * 10)
    >>> np.bincount(y[some_rows(y, 50, seed=0)]).tolist()
    [45, 5]
    """
    if len(y) <= most:
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    chosen = []
    for one in np.unique(y):
        own = order[y[order] == one]
        chosen.append(own[: max(round(most * len(own) / len(y)), _FEW)])
    return np.sort(np.concatenate(chosen))


def held_out_part(train: Dataset, count: int, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Divides training data into a part to distil and one for scores, without the test part.

    Args:
        train: The training data.
        count: Images of the second part.
        seed: Seed of the choice.

    Raises:
        ValueError: If the first part would lack images of a class.

    Example:

    >>> import keras_isa
    >>> from keras_isa.studies.experiment import held_out_part
    >>> train, test = keras_isa.datasets.load("digits")
    >>> [len(part.y) for part in held_out_part(train, 300)]
    [1137, 300]
    """
    count = whole_number("count", count)
    scored = np.zeros(len(train.y), bool)
    scored[np.random.default_rng(seed).permutation(len(train.y))[:count]] = True
    if len(np.unique(train.y[~scored])) < train.num_classes:
        raise ValueError(
            "`count` must be less, so that every class keeps images for the sets. Received: "
            f"{count} of {len(train.y):,} images"
        )
    return subset(train, ~scored, "train"), subset(train, scored, "test")


def module_changes(settings: Config) -> dict[str, dict[str, Any]]:
    """Returns the changes of settings that switch crucial samples and ISA on and off.

    Args:
        settings: Settings with the share and the interval where they are on; where they are off,
            those of the released code are taken, 0.8 and (0, 0.5).

    Returns:
        `plain`, `crucial`, `isa` and `both`.

    Example:

    >>> from keras_isa.presets import Settings
    >>> from keras_isa.studies.experiment import module_changes
    >>> module_changes(Settings(images_per_class=1))["crucial"]
    {'crucial_fraction': 0.8, 'isa_interval': (0.0, 0.0)}
    """
    share = settings.crucial_fraction if settings.crucial_fraction < 1 else 0.8
    interval = settings.isa_interval if any(settings.isa_interval) else (0.0, 0.5)
    return {
        "plain": PLAIN,
        "crucial": {**PLAIN, "crucial_fraction": share},
        "isa": {**PLAIN, "isa_interval": interval},
        "both": {"crucial_fraction": share, "isa_interval": interval},
    }


def _unless_diverged(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `make` returns, or why there is nothing, which is kept too."""
    try:
        return make()
    except DivergedError as error:
        return {"diverged": str(error)}


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
