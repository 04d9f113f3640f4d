"""What the commands that test sets share: the set, its data, and the options of an evaluation."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from os.path import abspath, realpath
from pathlib import Path
from typing import Any, NamedTuple

import click

import keras_isa
from keras_isa import datasets
from keras_isa.asset.loading import load
from keras_isa.asset.recipe import STRATEGIES
from keras_isa.cli import support
from keras_isa.datasets.sources import load_test
from keras_isa.evaluation.architectures import ALL, NETWORKS, recipes_for
from keras_isa.evaluation.evaluate import LABELS, evaluation_recipe, set_for_networks
from keras_isa.evaluation.result import BASELINES
from keras_isa.evaluation.stored import stored_recipe
from keras_isa.inputs.class_names import format_names

_MOST_HINTED = 100
_NONE = "none"


class Words(click.ParamType):
    """Names with commas between them, `none`, or `all`.

    Args:
        choices: The names.
        takes_all: Whether `all` stands for all of them.
        keeps_all: Whether it stays a word, as it is the data that say which are all.
    """

    name = "names"

    def __init__(
        self, choices: Sequence[str], takes_all: bool = True, keeps_all: bool = False
    ) -> None:
        self._choices = tuple(choices)
        self._takes_all, self._keeps_all = takes_all, keeps_all

    def get_metavar(self, param: Any, ctx: Any = None) -> str:
        return "NAME,..."

    def convert(self, value: Any, parameter: Any, context: Any) -> tuple[str, ...]:
        if not isinstance(value, str):
            return tuple(value)
        if value == _NONE:
            return ()
        if value == ALL and self._takes_all:
            return (ALL,) if self._keeps_all else self._choices
        words = tuple(dict.fromkeys(word.strip() for word in value.split(",")))
        for word in words:
            if word in (_NONE, ALL) and (word == _NONE or self._takes_all):
                self.fail(f"{word!r} must stand alone", parameter, context)
            if word not in self._choices:
                others = [_NONE, *([ALL] if self._takes_all else [])]
                self.fail(
                    f"{word!r} is none of {', '.join(self._choices)}, nor {' or '.join(others)}",
                    parameter,
                    context,
                )
        return words


_OPERATIONS = sorted({name for names in STRATEGIES.values() for name in names})

# Arguments of `keras_isa.evaluate`; `evaluated` takes them.
evaluation_options = support.together(
    click.option(
        "--networks",
        type=Words(tuple(NETWORKS), keeps_all=True),
        default="none",
        help=f"Other architectures to test the set on: {', '.join(NETWORKS)}; all or none. Their "
        "learning rates are chosen on held-out training images.",
    ),
    click.option(
        "--baselines",
        type=Words(BASELINES),
        default="random,kmeans",
        show_default=True,
        help=f"Real images to compare with: {', '.join(BASELINES)}; all or none. full trains on "
        "all images, soft on random ones with the outputs of such a network as labels.",
    ),
    click.option(
        "--labels",
        type=click.Choice(LABELS),
        default="learned",
        show_default=True,
        help="The labels of the set, or classes in their place.",
    ),
    click.option(
        "--augmentation",
        type=Words(_OPERATIONS, takes_all=False),
        default=None,
        help="Augmentation in place of that of the recipe; none for none.",
    ),
)

dataset_option = click.option(
    "--dataset", help="Data set, as for `distill`. [default: the recorded one]"
)


class Opened(NamedTuple):
    """A set and its data.

    Attributes:
        distilled: The set.
        train: The training part, or `None`.
        test: The test part.
        named: The option that named the data, for errors.
        hint: What an error about classes adds.
    """

    distilled: Any
    train: Any
    test: Any
    named: str
    hint: str


def open_set(path: str | Path, dataset: str | None, data: dict[str, Any]) -> Opened:
    """Loads a set and the data that it is tested with.

    Args:
        path: The file of the set.
        dataset: What was typed for `--dataset`, or `None` for the recorded data.
        data: The values of `support.data_options`.
    """
    with support.naming("PATH"):
        distilled = load(path)
    options = {name: value for name, value in support.load_options(data).items() if value}
    if options.get("task", distilled.task) != distilled.task:
        raise click.UsageError(
            f"--task regression has no meaning here: the set of {path} has classes"
        )
    if distilled.is_regression:
        options["task"] = distilled.task
    named, hint = ("--dataset", "") if dataset else ("PATH", " (--dataset names another)")
    with support.naming(named, hint):
        # Of the data from which the set was distilled the test part must be used.
        recorded = distilled.provenance.get("dataset")
        if dataset and recorded not in (dataset, realpath(dataset), abspath(dataset)):
            train, test = load_test(dataset, distilled.class_names, **options)
        else:
            train, test = datasets.load_recorded(distilled.provenance, **options)
    fits = test.class_names == distilled.class_names
    return Opened(
        distilled, train, test, named, "" if fits else _classes_hint(distilled.class_names)
    )


def evaluated(opened: Opened, options: dict[str, Any]) -> Any:
    """Evaluates a set by the values of `evaluation_options`, `--repeats` and `--seed`.

    Args:
        opened: The set and its data.
        options: The values by name; they are taken out.
    """
    given = {name: options.pop(name) for name in ("baselines", "labels", "repeats", "seed")}
    given["networks"], augmentation = options.pop("networks"), options.pop("augmentation")
    with support.naming("--networks"):
        _check_networks(given["networks"], opened.distilled)
    with support.naming("--labels"):
        set_for_networks(opened.distilled, given["labels"])
    if augmentation is not None:
        with support.naming("--augmentation"):
            evaluation_recipe(opened.distilled, None, augmentation)
        given["augmentation"] = augmentation
    with support.naming(opened.named, opened.hint):
        return keras_isa.evaluate(
            opened.distilled,
            opened.test,
            train=opened.train,
            verbose=support.verbosity(),
            **given,
        )


def command_line() -> str:
    """The command that is running, as a shell takes it."""
    return shlex.join(["keras-isa", *sys.argv[1:]])


def _check_networks(words: Any, distilled: Any) -> None:
    recipes_for(words, stored_recipe(distilled), distilled.image_shape)


def _classes_hint(class_names: Sequence[str]) -> str:
    """Returns a hint with the option for classes in this order, as a shell takes it."""
    if len(class_names) > _MOST_HINTED:
        return ""
    return f" (at the command line: --classes {shlex.quote(format_names(class_names))})"
