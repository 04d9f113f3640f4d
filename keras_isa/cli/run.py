"""One distillation as the command line describes it, for `distill` and `tune`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from keras_isa import backend, datasets, presets
from keras_isa.asset.export import save_grid
from keras_isa.asset.lettering import warn_of_boxes
from keras_isa.asset.samples import counts_of_groups
from keras_isa.asset.stored_set import group_count
from keras_isa.asset.target_units import TargetUnits
from keras_isa.cli import support
from keras_isa.cli.options import mean_count, parse_ipc
from keras_isa.cli.settings import checked_settings, named_method
from keras_isa.cli.starting import OPTION as STARTING
from keras_isa.cli.starting import check_start, loaded_start
from keras_isa.files import check_writable, safe_file_name
from keras_isa.inputs.targets import group_ids
from keras_isa.methods.given_sets import settings_of
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.ops.splits import validation_mask
from keras_isa.parametrizations import parametrization_of
from keras_isa.presets.choose import source_of
from keras_isa.versions import versions

# Settings that a set brings from which a run starts.
_OF_SET = ("parametrization", "preprocessing")


class Run:
    """One distillation as the command line describes it, checked before anything is loaded.

    Args:
        dataset: What was typed for DATASET.
        method: Name of the method.
        ipc: Images per class.
        preset: Name of a preset, or `None`.
        assignments: Values of `--set`.
        seed: Seed of everything.
        output: File of the distilled set, or `None`.
        start: File of the set that the run starts from, or `None` for real images.
        **options: Values of `data_options` and of the settings that have options of their own.

    Raises:
        ValueError: If a value is not usable. The message names the option.
    """

    def __init__(
        self,
        dataset: str,
        method: str,
        ipc: str,
        preset: str | None,
        assignments: tuple[str, ...],
        seed: int,
        output: Path | None,
        start: str | Path | None = None,
        **options: Any,
    ) -> None:
        self._started = time.perf_counter()
        self.data = support.load_options(options)
        self.wanted, self.method = parse_ipc(ipc), named_method(method)
        self._check_task()
        self._count, self._config = mean_count(self.wanted), self.method.Config
        self.changes = checked_settings(self._config, self._count, assignments, **options)
        self.dataset, self.preset, self.seed = dataset, preset, seed
        named = f"ipc{short_name(ipc)}" if start is None else f"from_{short_name(str(start))}"
        self.output = output or Path(f"{short_name(dataset)}_{named}.keras")
        self.start = None if start is None else self._loaded_start(start)

    def _loaded_start(self, path: str | Path) -> Any:
        typed = {"--ipc": support.was_typed("ipc")}
        typed |= {name: name in self.changes for name in _OF_SET}
        start = loaded_start(path, self.output, typed)
        self._count = mean_count(start.class_counts)
        return start

    def take(self, images_per_class: int, parametrization: str) -> None:
        """Sets what a screening has chosen in place of `--ipc` and `--parametrization`."""
        self.wanted = self._count = images_per_class
        self.changes = {**self.changes, "parametrization": parametrization}

    def _check_task(self) -> None:
        """Refuses what a regression does not have, before any work."""
        if not self.data["task"]:
            return
        with support.naming("--task"):
            self.method.Config.check_task(self.data["task"])
        if not isinstance(self.wanted, int):
            raise ValueError(
                "--ipc must be a number of rows for --task regression, which has no classes. "
                f"Received: {self.wanted}"
            )

    def check_output(self, no_overwrite: bool = False) -> None:
        """Refuses, before any work, a place where the set or its picture cannot be written."""
        if self.output.suffix != ".keras":
            raise ValueError(f"--output must end in .keras. Received: {self.output}")
        for path in (self.output, self.output.with_suffix(".png")):
            with support.naming("--output"):
                check_writable(path)
            if no_overwrite and path.exists():
                raise ValueError(f"--no-overwrite: there is already a file {path}")

    def load(self) -> tuple[Any, Any]:
        """Training and test part."""
        with support.naming("DATASET"):
            given = {name: value for name, value in self.data.items() if value is not None}
            train, test = datasets.load(self.dataset, **given)
            if train.task == "regression":
                TargetUnits.of(train.y, train.class_names)
        warn_of_boxes(train.class_names)
        return train, test

    def settings(self, train: Any) -> Any:
        """Settings for the data, with what was typed."""
        with support.naming("--preset"):
            chosen = presets.settings_for(
                train, self._count, backend.has_accelerator(), self.preset, self._config
            )
        if self.start is not None:
            check_start(self.start, train)
            chosen = chosen.with_changes(**settings_of(self.start))
        return chosen.with_changes(**self.changes)

    def settings_with_counts(self, train: Any, held_out: bool) -> Any:
        """As `settings`, with the number of images of each class where they differ.

        Args:
            train: The training part.
            held_out: Whether the images that are held out for validation cannot be taken.
        """
        settings, available, hint = self.settings(train), train.y, ""
        if self.start is not None:
            return settings
        share = settings.validation_split
        if held_out and share:
            groups = group_ids(train.y)
            available = train.y[~validation_mask(groups, train.num_classes, share, self.seed)]
            hint = f" ({share:.0%} of DATASET are held out for validation)"
        with support.naming("--ipc", hint=hint):
            about = available, train.num_classes, train.class_names
            counts = counts_of_groups(self.wanted, *about)
        return settings.with_changes(images_per_class=simplest(counts))

    def described(self, train: Any, settings: Any) -> str:
        """Describes the data and the settings, one line each.

        With `--verbose` there are also the versions of the libraries that compute, and the source
        of each setting: an option, a preset, or the shape and size of the data.
        """
        if not support.asked_to_be("verbose"):
            return f"{train}\n{settings}"
        accelerated = backend.has_accelerator()
        source = source_of(train, accelerated, self.preset, self._config)
        options = {name: "--" + name.replace("_", "-") for name in self.changes}
        options["images_per_class"] = "--ipc"
        if self.start is not None:
            options |= dict.fromkeys(settings_of(self.start), STARTING)
        computes = [f"{name} {version}" for name, version in versions().items()]
        computes.append("on an accelerator" if accelerated else "on a CPU")
        lines = [", ".join(computes), str(train)]
        for line in str(settings).splitlines():
            lines.append(f"{line}  ({options.get(line.split()[0], source)})")
        return "\n".join(lines)

    def trainer(self, train: Any, settings: Any) -> Any:
        """The compiled trainer. Its `fit` draws images from `train` for a run without a start."""
        if self.start is not None:
            with support.naming(STARTING):
                return self.method.from_settings(settings, self.start, seed=self.seed)
        form = parametrization_of(settings.parametrization)
        with support.naming("--parametrization"):
            groups = group_count(train.task, train.num_classes)
            counts = checked_counts(settings.images_per_class, groups)
            form.check(train.image_shape, sum(form.rows(counts)))
        with support.naming("--preprocessing"):
            return self.method.for_data(train, settings, seed=self.seed)

    def save(self, distilled: Any) -> None:
        """Writes the set, with what `keras-isa evaluate` needs to load the same data again."""
        kept = {name: value for name, value in self.data.items() if value and name != "download"}
        distilled.provenance["load_options"] = kept
        distilled.save(self.output)

    def save_picture(self, distilled: Any) -> Path:
        """Draws the set beside its file, and returns the path of the picture."""
        picture = self.output.with_suffix(".png")
        save_grid(distilled, picture)
        return picture

    def report(self, **values: Any) -> dict[str, Any]:
        """A report of the finished run, with its file and its duration."""
        return {
            **values,
            "output": str(self.output),
            "seconds": time.perf_counter() - self._started,
        }


def short_name(word: str) -> str:
    """A name for files, such as `imagenet_resized_64x64` for `tfds:imagenet_resized/64x64`."""
    return safe_file_name(
        word.removeprefix("tfds:") if word.startswith("tfds:") else Path(word).stem
    )
