"""`keras-isa distill --budget-bytes`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keras_isa.cli import support
from keras_isa.cli.planning import known_data
from keras_isa.cli.run import Run, short_name
from keras_isa.methods.screening import candidates_for, table_of, within_budget

OPTION = "--budget-bytes"


def check_budget(run: Run, budget_bytes: int, **others: Any) -> None:
    """Refuses what has no meaning beside a number of bytes, and names the file after it.

    Args:
        run: The run that was asked for.
        budget_bytes: The number.
        **others: Values of options that exclude it, by name; not given if they are `None`.

    Raises:
        ValueError: If another option says the size of the set too. The message names both.
    """
    sizes = {"--ipc": support.was_typed("ipc")}
    sizes["--parametrization"] = "parametrization" in run.changes
    for option, given in sizes.items():
        if given:
            raise ValueError(
                f"{option} has no meaning with {OPTION}, which chooses images per class and "
                "parametrisation: give one of them"
            )
    if run.start is not None:
        raise ValueError(f"--start has no meaning with {OPTION}, which starts from real images")
    if others.get("resume") is not None:
        raise ValueError(
            f"--resume has no meaning with {OPTION}: screen first, then give --ipc and "
            "--parametrization as it chose them"
        )
    if not support.was_typed("output"):
        run.output = Path(f"{short_name(run.dataset)}_{budget_bytes}bytes.keras")


def choose(run: Run, train: Any, budget_bytes: int) -> dict[str, Any]:
    """Screens, takes the best for the run, and returns the table for the record."""
    with support.naming(OPTION):
        found = within_budget(
            train,
            budget_bytes,
            method=run.method,
            preset=run.preset,
            seed=run.seed,
            report=support.note,
            **run.changes,
        )
    run.take(found.best.images_per_class, found.best.parametrization)
    return found.to_dict()


def plan_budget(run: Run, budget_bytes: int) -> tuple[dict[str, Any], str]:
    """Says what would be tried, and tries nothing.

    Returns:
        The candidates, JSON-compatible, and the same in words.
    """
    data = known_data(run) or run.load()[0]
    with support.naming(OPTION):
        found = candidates_for(data, budget_bytes, run.method.Config, run.preset, run.changes)
    report = {"budget_bytes": budget_bytes, "candidates": [one._asdict() for one in found]}
    text = f"{data}\n{budget_bytes:,} bytes: it would try\n{table_of(found)}"
    return report, text
