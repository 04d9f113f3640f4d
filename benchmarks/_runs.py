"""Whole runs, as `keras-isa distill` does them, and their results kept in a file."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _measure


def keep_compiled(folder: Path) -> None:
    """Lets JAX keep what it compiles in a folder, unless its own variables say otherwise."""
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder.absolute()))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def settings_for(train: Any, images_per_class: int) -> Any:
    """The preset of the data set, or settings derived from its shape and the hardware."""
    from keras_isa import backend, presets

    return presets.settings_for(train, images_per_class, backend.has_accelerator())


def on_random_images(
    shape: Sequence[int], classes: int = 10, batches: int = 4, **settings: Any
) -> tuple[Any, Any, Any]:
    """A compiled trainer with a pool of two networks, and images and classes for it to fit.

    Args:
        shape: Of an image.
        classes: Number of classes.
        batches: How many there are images for.
        **settings: Fields of `keras_isa.presets.Settings`.
    """
    from keras_isa import DistilledData, FRePoTrainer
    from keras_isa.presets import Settings

    settings = Settings(**{"pool_size": 2, "validation_split": 0.0, **settings})
    needed = max(batches * settings.batch_size, 2 * classes * settings.images_per_class)
    x, y = _measure.random_images(needed, shape, classes)
    distilled = DistilledData.from_samples(x, y, settings.images_per_class, num_classes=classes)
    return FRePoTrainer.from_settings(settings, distilled), x, y


def first_set(train: Any, settings: Any, seed: int) -> Any:
    """A set of random images of `train`, with the preprocessing adapted to it."""
    from keras_isa import DistilledData

    return DistilledData.from_samples(
        train.x,
        train.y,
        settings.images_per_class,
        preprocessing=settings.preprocessing,
        seed=seed,
        num_classes=train.num_classes,
        class_names=train.class_names,
        pixel_range=train.pixel_range,
    )


def distil(train: Any, settings: Any, seed: int, first: Any = None, **fit: Any) -> Any:
    """Distils `train`; everything that is drawn follows from `seed`.

    Args:
        train: Training data; a part of it is held out, unless `fit` says otherwise.
        settings: Settings of the run.
        seed: Seed of everything.
        first: The set to start from, or `None` for `first_set`.
        **fit: Further arguments of `fit`.

    Returns:
        The distilled set.
    """
    from keras_isa import FRePoTrainer

    distilled = first_set(train, settings, seed) if first is None else first
    trainer = FRePoTrainer.from_settings(settings, distilled, seed=seed)
    options = {"validation_split": settings.validation_split, "verbose": 0, **fit}
    trainer.fit(train, **options)
    return distilled


def one_run(
    train: Any, test: Any, settings: Any, seed: int, repeats: int, baselines: bool = False
) -> dict[str, Any]:
    """Distils and evaluates once; the scores are fractions of the test images."""
    import keras_isa

    started = time.perf_counter()
    distilled = distil(train, settings, seed)
    seconds = time.perf_counter() - started
    result = keras_isa.evaluate(
        distilled, test, train=train if baselines else None, repeats=repeats, seed=seed
    )
    record = distilled.provenance
    report = result.to_dict()
    return {
        "seed": seed,
        **{name: report[name] for name in report if "accuracy" in name},
        "val_accuracy": (record["selection"] or {}).get("val_accuracy"),
        "steps": record["steps"],
        "steps_per_second": record["steps"] / record["seconds"],
        "distillation_seconds": seconds,
        "evaluation_seconds": result.seconds,
        **({"baselines": report["baselines"]} if baselines else {}),
    }


def outcome(run: dict[str, Any]) -> str:
    """What came of `one_run`, in a few words."""
    seconds = run["distillation_seconds"] + run["evaluation_seconds"]
    accuracies = run["accuracy_mean"], run["krr_accuracy_mean"]
    return f"network {accuracies[0]:.4f}, KRR {accuracies[1]:.4f}, {seconds:.0f} s"


class Journal:
    """Finished runs, kept in a file so that a stopped script goes on where it was.

    Args:
        path: The JSON file, or `None` to keep nothing.
        configuration: What all runs share; a file with another one is refused.
    """

    def __init__(self, path: Path | None, configuration: dict[str, Any]) -> None:
        from keras_isa.files import check_writable

        self.path = path
        # As it comes back from the file: tuples are lists there.
        self.configuration = json.loads(json.dumps(configuration))
        self.runs: list[dict[str, Any]] = []
        if path is None:
            return
        check_writable(path)
        if not path.exists():
            return
        kept = json.loads(path.read_text("utf-8"))
        if kept.get("configuration") != self.configuration:
            raise ValueError(
                f"{path} holds runs of another configuration; name another file or delete it"
            )
        self.runs = kept["runs"]

    def kept(self, names: dict[str, Any]) -> dict[str, Any] | None:
        """The kept run with these `names`, if there is one."""
        for kept in self.runs:
            if all(kept.get(name) == value for name, value in names.items()):
                return kept
        return None

    def run(
        self,
        names: dict[str, Any],
        make: Callable[[], dict[str, Any]],
        describe: Callable[[dict[str, Any]], str] | None = None,
    ) -> dict[str, Any]:
        """Returns the kept run with these `names`, or makes and keeps it.

        Args:
            names: What tells the run from others.
            make: Makes it.
            describe: Says in a few words what came of it; by default those of `one_run`.
        """
        kept = self.kept(names)
        if kept is not None:
            return kept
        title = ", ".join(f"{name} {value}" for name, value in names.items())
        print(f"running {title}", file=sys.stderr, flush=True)
        made = self.keep(names, make())
        print(f"done {title}: {(describe or outcome)(made)}", file=sys.stderr, flush=True)
        return made

    def keep(self, names: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        """Keeps what came of the run with these `names`; returns both together."""
        self.runs.append({**names, **made})
        self.write({"runs": self.runs})
        return self.runs[-1]

    def write(self, result: dict[str, Any]) -> None:
        """Puts `result`, with the configuration, into the file."""
        from keras_isa.files import atomic_path

        if self.path is None:
            return
        text = json.dumps({**result, "configuration": self.configuration}, indent=1)
        with atomic_path(self.path) as temporary:
            temporary.write_text(text + "\n", "utf-8")
