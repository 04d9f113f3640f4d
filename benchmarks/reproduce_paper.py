"""Distils with the published settings and sets the scores beside the published ones.

    python benchmarks/reproduce_paper.py cifar10 --ipc 1 --data cifar10.npz
    python benchmarks/reproduce_paper.py cifar10 --ipc 10 --method frepo --slice 600 --out run/
    python benchmarks/reproduce_paper.py digits --steps 6 --width 4 --networks 2     # a dry run

The published settings are for an accelerator: half a million steps. A part of the training data is
held out and chooses the set; the published sets were chosen by their test accuracy. Then networks
are trained from scratch on the set by the published protocol and tested, along with kernel ridge
regression on their features.

With --slice a process ends after about so many seconds, says how far it is, and leaves its state in
--out; the same command goes on from there, also after a kill, and ends as if it had never stopped.
What was compiled is kept there too, unless JAX_COMPILATION_CACHE_DIR names another folder.
Needs keras, jax and numpy; tensorflow is never imported. Prints one JSON object; progress and a
table go to stderr. The same object is in result.json in --out, the set in set.keras.

    method              isa: crucial samples and ISA as in the released code; frepo: without both
    changed             settings that differ from the published ones: with any, the figures are of
                        another run than the published one
    measured            per cent, mean and population standard deviation over networks
    published           the same from the paper, never from here; null where there is none
    finished            false when a slice has ended before the end
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _published
import _runs

METHODS = {
    "isa": {
        **{"crucial_fraction": 0.8, "isa_interval": (0.0, 0.5), "pairing": "nearest"},
        "reduction": "class_mean",
    },
    "frepo": {
        **{"crucial_fraction": 1.0, "isa_interval": (0.0, 0.0)},
        "reduction": "half_sum",
    },
}


def main() -> None:
    arguments = parse()
    # Each process, and each network in it, would compile the same programs again.
    _runs.keep_compiled(arguments.out / "compiled")
    from keras_isa import backend

    with contextlib.redirect_stdout(sys.stderr):
        backend.reuse_memory()
        try:
            result = Reproduction(arguments).result()
        except ValueError as error:
            print(f"reproduce_paper.py: error: {error}")
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on")
            sys.exit(130)
    _measure.print_json(result)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="name of a preset, see `keras-isa presets`")
    add("--data", help="an .npz file, or what keras_isa.datasets.load takes; default: by name")
    add("--ipc", type=int, default=1, help="images per class")
    add("--method", choices=tuple(METHODS), default="isa")
    add("--seed", type=int, default=0)
    add("--networks", type=int, default=5, help="networks trained on the set")
    add("--out", type=Path, help="folder, default: reproduce_DATASET_ipcN_METHOD_seedS")
    add("--slice", type=float, metavar="SECONDS", help="end after about so long; default: at last")
    changing = parser.add_argument_group("another run than the published one")
    changing.add_argument("--steps", type=int)
    changing.add_argument("--epochs", type=int, help="validations")
    changing.add_argument("--width", type=int, help="of the pool's and of the trained networks")
    changing.add_argument("--batch", type=int, help="target images per step")
    changing.add_argument(
        "--dtype-policy", help="of the pool's networks; on a GPU mixed_bfloat16 is faster"
    )
    changing.add_argument("--student-steps", type=int, help="steps of the networks on the set")
    arguments = parser.parse_args(words)
    if arguments.networks < 1:
        parser.error(f"--networks must be at least 1; got {arguments.networks}")
    if arguments.out is None:
        name = f"{arguments.dataset}_ipc{arguments.ipc}_{arguments.method}_seed{arguments.seed}"
        arguments.out = Path(f"reproduce_{name}")
    return arguments


class Reproduction:
    """One run, in as many processes as it takes.

    Args:
        arguments: What `parse` returned.

    Raises:
        ValueError: If the preset is unknown, the data do not fit it, or --out holds another run.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        from keras_isa.files import make_folder

        self.deadline = None if arguments.slice is None else time.monotonic() + arguments.slice
        self.arguments, self.out = arguments, arguments.out
        self.settings, self.changed = settings_of(arguments)
        make_folder(self.out, "out")
        configuration = {
            "dataset": arguments.dataset,
            "images_per_class": arguments.ipc,
            "method": arguments.method,
            "seed": arguments.seed,
            "changed": self.changed,
            "settings": self.settings.to_dict(),
        }
        self.journal = _runs.Journal(self.out / "result.json", configuration)
        self.journal.write({"runs": self.journal.runs})
        self.worked = False

    def result(self) -> dict[str, Any]:
        """Goes on until the end or the deadline; what there is then."""
        from _slices import SliceEnded

        train, test = load(self.arguments)
        try:
            distilled = self.distilled(train)
        except SliceEnded as ended:
            return self.unfinished("distillation", ended.steps, self.settings.steps)
        for number in range(self.arguments.networks):
            if not self.time_for_a_network(number):
                return self.unfinished("networks", number, self.arguments.networks)
            self.network(distilled, test, number)
        return self.finished(distilled)

    def distilled(self, train: Any) -> Any:
        """The distilled set, from its file or from what is left of the run."""
        import keras_isa

        path = self.out / "set.keras"
        if path.exists():
            return keras_isa.load(path)
        from _slices import Deadline, SlicedRun

        from keras_isa.callbacks import NaNGuard

        self.worked = True
        seed = self.arguments.seed
        share = self.settings.validation_split
        part, held_out = keras_isa.datasets.split_train_validation(train, share, seed)
        run = SlicedRun(self.out)
        distilled = _runs.distil(
            part,
            self.settings,
            seed,
            first=self.first_set(part),
            validation_split=0.0,
            validation_data=held_out,
            resume=run,
            callbacks=[NaNGuard(), Deadline(run, self.deadline)],
            verbose=2,
        )
        distilled.save(path)
        return distilled

    def first_set(self, part: Any) -> Any:
        """The set that the run starts from; its whitening is computed once for all processes."""
        import keras_isa

        path = self.out / "start.keras"
        if not path.exists():
            _runs.first_set(part, self.settings, self.arguments.seed).save(path)
        return keras_isa.load(path)

    def time_for_a_network(self, number: int) -> bool:
        """Whether another network is there already or fits into the slice, as the last one took."""
        if self.deadline is None or not self.worked or self.journal.kept({"network": number}):
            return True
        last = self.journal.runs[-1]["seconds"] if self.journal.runs else 0.0
        return time.monotonic() + last < self.deadline

    def network(self, distilled: Any, test: Any, number: int) -> None:
        """Trains and tests one network, unless that has been done."""
        import keras_isa

        def make() -> dict[str, Any]:
            self.worked = True
            found = keras_isa.evaluate(
                distilled, test, repeats=1, seed=1000 * self.arguments.seed + number
            )
            scores = found.distilled
            return {
                "accuracy": scores.accuracies[0],
                "krr_accuracy": scores.krr_accuracies[0],
                "seconds": found.seconds,
            }

        self.journal.run({"network": number}, make, describe)

    def unfinished(self, stage: str, done: int, of: int) -> dict[str, Any]:
        print(f"the slice is over: {stage}, {done:,} of {of:,}; the same command goes on")
        return {
            "benchmark": "reproduce_paper",
            "finished": False,
            "stage": stage,
            "done": done,
            "of": of,
            "out": str(self.out),
        }

    def finished(self, distilled: Any) -> dict[str, Any]:
        arguments = self.arguments
        runs = self.journal.runs[: arguments.networks]
        record = distilled.provenance
        result = {
            "benchmark": "reproduce_paper",
            "finished": True,
            "configuration": self.journal.configuration,
            "changed": self.changed,
            "measured": measured(runs),
            "published": _published.published(arguments.dataset, arguments.ipc, arguments.method),
            "steps": record["steps"],
            "distillation_seconds": record["seconds"],
            "evaluation_seconds": sum(run["seconds"] for run in runs),
            "selection": record["selection"],
            "networks": len(runs),
            **_measure.machine(),
        }
        self.journal.write({**result, "runs": self.journal.runs})
        print(table(arguments, result))
        return {**result, "runs": runs}


def settings_of(arguments: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The settings of the run, and those among them that are not the published ones."""
    from keras_isa.presets import read_preset

    preset, _ = read_preset(arguments.dataset, arguments.ipc)
    published, _ = read_preset(arguments.dataset.removesuffix("-cpu"), arguments.ipc)
    recipe = {"width": arguments.width, "steps": arguments.student_steps}
    recipe = {name: value for name, value in recipe.items() if value is not None}
    settings = preset.with_changes(
        **METHODS[arguments.method],
        steps=arguments.steps,
        epochs=arguments.epochs,
        width=arguments.width,
        batch_size=arguments.batch,
        dtype_policy=arguments.dtype_policy,
        recipe={**preset.recipe, **recipe},
    )
    before = published.with_changes(**METHODS[arguments.method]).to_dict()
    changed = {name: v for name, v in settings.to_dict().items() if v != before[name]}
    return settings, changed


def load(arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Training and test part of the data, which must be those of the preset."""
    from keras_isa import datasets, presets

    name = arguments.dataset.removesuffix("-cpu")
    source = arguments.data
    if source is None:
        _, about = presets.read_preset(arguments.dataset, arguments.ipc)
        file = Path(f"{name}.npz")
        source = file if file.is_file() else f"tfds:{about['tfds']}" if "tfds" in about else name
    train, test = datasets.load(source)
    # Refuses data of another shape or number of classes.
    presets.settings_for(train, arguments.ipc, accelerated=True, preset=arguments.dataset)
    return train, test


def measured(runs: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Mean and population standard deviation over networks, per cent."""
    import numpy as np

    found = {}
    for name, score in (("network", "accuracy"), ("krr", "krr_accuracy")):
        values = [100 * run[score] for run in runs]
        found[name] = [float(np.mean(values)), float(np.std(values))]
    return found


def describe(run: dict[str, Any]) -> str:
    scores = run["accuracy"], run["krr_accuracy"], run["seconds"]
    return "network {:.4f}, KRR {:.4f}, {:.0f} s".format(*scores)


def table(arguments: argparse.Namespace, result: dict[str, Any]) -> str:
    """Measured and published figures, one under the other."""
    head = f"{arguments.dataset}, {arguments.ipc} per class, {arguments.method}"
    lines = [f"{head:38}{'network':>13}{'KRR':>13}   test accuracy in %"]
    count = f"{result['networks']} network" + "s" * (result["networks"] > 1)
    rows = [(f"measured here, seed {arguments.seed}, {count}", result["measured"])]
    rows.append(("published", result["published"]))
    for title, figures in rows:
        cells = ["-", "-"]
        if figures:
            cells = ["{:.1f} ± {:.1f}".format(*figures[name]) for name in ("network", "krr")]
        lines.append(f"{title:38}{cells[0]:>13}{cells[1]:>13}")
    if result["published"]:
        lines.append(f"published: {result['published']['source']}")
    else:
        lines.append("published: no figure for this run is known here")
    if result["changed"]:
        lines.append(f"not the published settings: {', '.join(result['changed'])} differ")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
