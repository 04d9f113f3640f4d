"""The command `keras-isa`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

PAIRINGS = ("nearest", "random", "all", "same_class")
_INTERRUPTED = 130


def main() -> None:
    """Runs the command line: 0 when done, 2 after bad input, 130 after Ctrl-C."""
    try:
        sys.exit(cli.main(sys.argv[1:] or ["--help"], standalone_mode=False))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        _fail(str(error) or type(error).__name__)


def _fail(message: str) -> None:
    click.echo(f"keras-isa: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from keras_isa.versions import package_version

        click.echo(f"keras-isa {package_version()}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version)
def cli() -> None:
    """Dataset distillation: learns a few synthetic images that train networks like all the data."""


_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
# Seeds are stored in 32 bits, and a run counts a few numbers on from its own.
_seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True
)
_repeats_option = click.option(
    "--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Networks per set."
)


@cli.command()
@click.argument("dataset")
@click.option("--ipc", type=int, default=1, show_default=True, help="Images per class.")
@click.option("--steps", type=int, help="Distillation steps.")
@click.option("--crucial-fraction", type=float, help="Share of each batch kept, in (0, 1].")
@click.option("--isa-interval", type=float, nargs=2, metavar="LO HI", help="0 0 turns ISA off.")
@click.option("--pairing", help=f"Partners: {', '.join(PAIRINGS)}.")
@click.option("--regularization", type=float, help="Ridge, relative to the kernel's diagonal.")
@click.option("--width", type=int, help="Channels of the pool's first block.")
@_seed_option
@_repeats_option
@click.option("--output", type=click.Path(path_type=Path), help="[default: ./DATASET_ipcN.keras]")
@click.option("--no-overwrite", is_flag=True, help="Refuse to replace an existing file.")
@_json_option
def distill(
    dataset: str,
    ipc: int,
    steps: int | None,
    crucial_fraction: float | None,
    isa_interval: tuple[float, float] | None,
    pairing: str | None,
    regularization: float | None,
    width: int | None,
    seed: int,
    repeats: int,
    output: Path | None,
    no_overwrite: bool,
    as_json: bool,
) -> None:
    """Distils DATASET: `digits` or the path of an .npz file.

    Writes the distilled set as a .keras file and its picture as a .png beside it, then trains
    networks on it, on random real images and on k-means images, and prints the accuracies.
    """
    started = time.perf_counter()
    with _work_on_stderr():
        from keras_isa import backend, datasets, presets
        from keras_isa.export import save_grid
        from keras_isa.files import check_writable
        from keras_isa.trainers.frepo_trainer import FRePoTrainer

        backend.current()
        changes = _checked_changes(
            ipc=ipc,
            steps=steps,
            crucial_fraction=crucial_fraction,
            isa_interval=isa_interval,
            pairing=pairing,
            regularization=regularization,
            width=width,
        )
        output = output or Path(f"{Path(dataset).stem}_ipc{ipc}.keras")
        if output.suffix != ".keras":
            raise ValueError(f"--output must end in .keras. Received: {output}")
        picture = output.with_suffix(".png")
        for path in (output, picture):
            with _naming("--output"):
                check_writable(path)
            if no_overwrite and path.exists():
                raise ValueError(f"--no-overwrite: there is already a file {path}")
        with _naming("DATASET"):
            train, test = datasets.load(dataset)
        settings = presets.settings_for(train, ipc, backend.has_accelerator())
        settings = settings.with_changes(**changes)
        share = settings.validation_split
        fit_part, held_out = datasets.split_train_validation(train, share, seed)
        with _naming("--ipc", hint=f" ({share:.0%} of DATASET are held out for validation)"):
            distilled = _first_images(fit_part, ipc, seed)
        trainer = FRePoTrainer.from_settings(settings, distilled, seed=seed)
        _say_settings(train, settings)
        interrupted = False
        try:
            trainer.fit(fit_part, validation_data=held_out, verbose=_verbosity())
        except KeyboardInterrupt:
            interrupted = True
        try:
            distilled.save(output)
        except Exception:
            if interrupted:  # a second Ctrl-C ended a compiled call, and the set was inside
                raise KeyboardInterrupt from None
            raise
        save_grid(distilled, picture)
        click.echo(f"wrote {output} and {picture}", err=True)
        if interrupted:
            click.echo(f"interrupted; what was distilled so far is in {output}", err=True)
            sys.exit(_INTERRUPTED)
        result = _evaluate(distilled, train, test, repeats, seed)
    report = result.to_dict()
    record = distilled.provenance
    report["seconds"] = time.perf_counter() - started
    report["steps_per_second"] = record["steps"] / record["seconds"]
    report["output"] = str(output)
    _print_report(report, result, as_json)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--dataset", help="`digits` or an .npz file [default: the recorded one].")
@_seed_option
@_repeats_option
@_json_option
def evaluate(path: Path, dataset: str | None, seed: int, repeats: int, as_json: bool) -> None:
    """Trains networks on the distilled set at PATH and tests them."""
    started = time.perf_counter()
    with _work_on_stderr():
        from keras_isa import backend, datasets
        from keras_isa.loading import load

        backend.current()
        with _naming("PATH"):
            distilled = load(path)
        source = dataset or distilled.provenance.get("dataset")
        if source in (None, "arrays"):
            raise ValueError(f"{path} records no data set; name one with --dataset")
        with _naming("--dataset" if dataset else "PATH"):
            train, test = datasets.load(source)
            result = _evaluate(distilled, train, test, repeats, seed)
    report = {**result.to_dict(), "seconds": time.perf_counter() - started}
    _print_report(report, result, as_json)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="[default: PATH with .png]")
def show(path: Path, output: Path | None) -> None:
    """Draws the distilled set at PATH as one picture."""
    with _work_on_stderr():
        from keras_isa.export import save_grid
        from keras_isa.loading import load

        with _naming("PATH"):
            distilled = load(path)
        output = output or path.with_suffix(".png")
        if output.suffix != ".png":
            raise ValueError(f"--output must end in .png. Received: {output}")
        with _naming("--output"):
            save_grid(distilled, output)
    click.echo(f"wrote {output}")


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["npz", "png"]), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def export(path: Path, kind: str, output: Path) -> None:
    """Writes the distilled set at PATH as an .npz file or a folder of .png files."""
    with _work_on_stderr():
        from keras_isa.export import export_npz, export_png
        from keras_isa.loading import load

        with _naming("PATH"):
            distilled = load(path)
        with _naming("--output"):
            (export_npz if kind == "npz" else export_png)(distilled, output)
    click.echo(f"wrote {output}")


@contextlib.contextmanager
def _work_on_stderr() -> Iterator[None]:
    """Progress and log go to stderr; stdout is for results."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _naming(option: str, hint: str = "") -> Iterator[None]:
    """Puts the option that was typed before what the library says about its value."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{option}: {error}{hint}") from error


def _verbosity() -> int:
    """A live bar on a terminal, one line per epoch in a file."""
    return 1 if sys.stderr.isatty() else 2


def _checked_changes(ipc: int, **changes: Any) -> dict[str, Any]:
    """Refuses bad options before anything is loaded; the layers know their own limits."""
    from keras_isa.layers import (
        CrucialSamples,
        InfiniteSemanticAugmentation,
        KernelRidgeRegression,
    )
    from keras_isa.presets import Settings

    for name, value in (("ipc", ipc), ("steps", changes["steps"]), ("width", changes["width"])):
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be at least 1. Received: {value}")
    chosen = Settings(images_per_class=ipc).with_changes(**changes)
    with _naming("--crucial-fraction"):
        CrucialSamples(chosen.crucial_fraction)
    with _naming("--regularization"):
        KernelRidgeRegression(chosen.regularization)
    with _naming("--isa-interval"):
        InfiniteSemanticAugmentation(chosen.isa_interval)
    with _naming("--pairing"):
        InfiniteSemanticAugmentation(pairing=chosen.pairing)
    return changes


def _first_images(train: Any, ipc: int, seed: int) -> Any:
    from keras_isa.layers import DistilledData

    return DistilledData.from_samples(
        train.x,
        train.y,
        ipc,
        seed=seed,
        num_classes=train.num_classes,
        class_names=train.class_names,
        pixel_range=train.pixel_range,
    )


def _say_settings(train: Any, settings: Any) -> None:
    click.echo(f"{train}", err=True)
    for name, value in settings.to_dict().items():
        click.echo(f"  {name} = {value}", err=True)


def _evaluate(distilled: Any, train: Any, test: Any, repeats: int, seed: int) -> Any:
    import keras_isa

    return keras_isa.evaluate(
        distilled, test, train=train, repeats=repeats, seed=seed, verbose=sys.stderr.isatty()
    )


def _print_report(report: dict[str, Any], result: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(str(result))
    click.echo(f"{report['seconds']:.0f} seconds")
