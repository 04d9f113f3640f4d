"""What the pictures of the studies share: size, letters, colours, and how they become PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from keras_isa.evaluation.scores import mean_interval
from keras_isa.studies.base import Runs, gain

# Colours that people with any colour vision tell apart (Okabe and Ito 2008), and marks.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
# Inches and points: letters can be read on a screen of a telephone, where all is half as large.
_WIDTH, _LETTERS, _DPI = 6.4, 13, 150


def figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """Returns a figure and its axes `(rows, columns)`.

    Args:
        height: In inches; the width is the same for all.
        rows: Rows of axes.
        columns: Columns of axes.
        **options: Arguments of `Figure.subplots`.
    """
    from matplotlib import rc_context

    made = empty_figure(height)
    with rc_context({"font.size": _LETTERS, "axes.titlesize": _LETTERS}):
        axes = made.subplots(rows, columns, squeeze=False, **options)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
    return made, axes


def empty_figure(height: float) -> Any:
    """Returns a figure without axes.

    Args:
        height: In inches; the width is the same for all.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained", facecolor="white")


def legend_below(figure: Any, **options: Any) -> None:
    """Draws the legend of a figure below its axes.

    Args:
        figure: The figure.
        **options: Arguments of `Figure.legend`.
    """
    given = {"loc": "outside lower center", "frameon": False, "fontsize": _LETTERS, **options}
    figure.legend(**given)


def nothing_drawn() -> Any:
    """Returns a figure that says that there is nothing to draw."""
    made, ((axis,),) = figure(1.5)
    axis.axis("off")
    axis.text(0.5, 0.5, "every run diverged", ha="center", va="center")
    return made


def png(figure: Any) -> bytes:
    """Returns the PNG of a figure.

    Args:
        figure: A `matplotlib.figure.Figure`.
    """
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"font.size": _LETTERS}):
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def error_bar(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean in percent and half its 95 % interval, zero for one value; NaN for none.

    Args:
        values: Fractions.

    Example:

    >>> from keras_isa.studies.pictures import error_bar
    >>> [round(number, 2) for number in error_bar([0.9, 0.92, 0.94])]
    [92.0, 4.97]
    """
    if not len(values):
        return math.nan, 0.0
    interval = mean_interval(values)
    half = 0.0 if interval is None else (interval[1] - interval[0]) / 2
    return 100 * float(np.mean(values)), 100 * half


def points_of_settings(
    axis: Any, names: Sequence[str], series: Sequence[tuple[str, Sequence[Sequence[float]]]]
) -> None:
    """Draws scores with intervals, a line for each setting, the first one on top.

    Args:
        axis: The axes.
        names: Names of the settings.
        series: Name of a kind of score, and its values over seeds for each setting, in fractions.
    """
    places = np.arange(len(names))[::-1]
    for number, (label, values) in enumerate(series):
        bars = [error_bar(one) for one in values]
        shift = 0.16 * ((len(series) - 1) / 2 - number)
        axis.errorbar(
            [mean for mean, _ in bars],
            places + shift,
            xerr=[half for _, half in bars],
            fmt=MARKS[number],
            color=COLOURS[number],
            mfc=COLOURS[number] if number == 0 else "white",
            capsize=3,
            label=label,
        )
    axis.set_yticks(places, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)


def draw_gains(
    axis: Any,
    runs: Runs,
    pairs: Mapping[str, tuple[str, str]],
    scores: Mapping[str, str] = MappingProxyType({"student": "networks", "krr": "KRR"}),
) -> None:
    """Draws differences between cells with their 95 % intervals, and a line at zero.

    Args:
        axis: The axes.
        runs: The cells.
        pairs: Cells and those that they are compared with, by what stands beside them.
        scores: What scores are called, by name.
    """
    axis.axvline(0, color="0.4", linewidth=1)
    series = [
        (label, [gain(runs, *pair, score).differences for pair in pairs.values()])
        for score, label in scores.items()
    ]
    points_of_settings(axis, list(pairs), series)


def heat_map(
    axis: Any, table: np.ndarray, rows: Sequence[str], columns: Sequence[str], bar_label: str
) -> None:
    """Draws numbers as colours, with the numbers in the fields.

    Args:
        axis: The axes.
        table: Numbers `(rows, columns)`, NaN for runs that diverged.
        rows: Names of the rows, from top to bottom.
        columns: Names of the columns.
        bar_label: What the numbers are, with their unit.
    """
    known = table[np.isfinite(table)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    drawn = axis.imshow(table, cmap="cividis", aspect="auto", vmin=low, vmax=high)
    axis.set_yticks(range(len(rows)), rows)
    axis.set_xticks(range(len(columns)), columns)
    for (row, column), value in np.ndenumerate(table):
        colour = "white" if value < (low + high) / 2 else "black"
        text = f"{value:.1f}" if np.isfinite(value) else "diverged"
        axis.text(column, row, text, ha="center", va="center", color=colour)
    axis.spines[:].set_visible(False)
    axis.figure.colorbar(drawn, ax=axis, label=bar_label)
