"""`keras-isa publish`."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import click

from keras_isa.asset import hub
from keras_isa.asset.card import UNFILLED, check_has_card, check_licence
from keras_isa.asset.lettering import warn_of_boxes
from keras_isa.asset.loading import load
from keras_isa.asset.measured import read_report, recorded_report
from keras_isa.asset.publishing import write_folder
from keras_isa.cli import support
from keras_isa.cli.command import cli


@cli.command()
@support.set_argument
@click.option("--repo", metavar="USER/REPO", required=True, help="Where it is published.")
@click.option(
    "--licence",
    "--license",
    metavar="ID",
    help="Licence of the set, as the Hub writes it: cc-by-4.0, mit, other.",
)
@support.path_option(
    "--report",
    help="What `evaluate --json` has printed, for the card. [default: what the file records]",
)
@click.option("--dry-run", is_flag=True, help="Write the folder and upload nothing.")
@support.folder_option("--output", help="Keep the folder in DIR. [default with --dry-run: ./REPO]")
def publish(
    path: str | Path,
    repo: str,
    licence: str | None,
    report: Path | None,
    dry_run: bool,
    output: Path | None,
) -> None:
    """Publishes the distilled set at PATH on the Hugging Face Hub, as a repository of data sets.

    A folder with the set, its picture and a card, README.md, is written and uploaded with the
    credentials of `hf auth login` or HF_TOKEN. The repository is made if there is none; files of
    the same names in it are replaced. The card says what the file records, without paths of this
    machine, and the accuracies of --report, or those of the evaluation that the file records.
    """
    with support.work_on_stderr(), contextlib.ExitStack() as stack:
        with support.naming("--repo"):
            hub.check_repo(repo)
        if licence is None and not dry_run:
            raise ValueError(
                "--licence must say under which licence the set may be used: it is learned from "
                "its data, and the licence of the data says what is allowed (--licence other, "
                "where the Hub has no name for it)"
            )
        with support.naming("--licence"):
            if licence is not None:
                check_licence(licence)
        if not dry_run:
            hub.check_installed()
        folder = output
        if folder is None and dry_run:
            folder = Path(repo.partition("/")[2])
        elif folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with support.naming("PATH"):
            distilled, source = load(path), hub.local_file(path)
            check_has_card(distilled)
        with support.naming("--report"):
            measured = read_report(report, distilled) if report else recorded_report(distilled)
        warn_of_boxes(distilled.class_names)
        with support.naming("--output"):
            names = write_folder(distilled, source, folder, repo, licence, measured)
        if not dry_run:
            with support.naming("--repo"):
                url = hub.upload(folder, repo, names)
    if licence is None:
        support.note(
            f"the card's licence says {UNFILLED}: give --licence before the set is published"
        )
    if output or dry_run:
        click.echo(f"wrote {', '.join(str(folder / name) for name in names)}")
    if not dry_run:
        click.echo(f'published {url}; keras_isa.load("hf://{repo}/{names[0]}") reads it')
