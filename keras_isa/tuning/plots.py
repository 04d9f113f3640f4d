"""Plots of the objective against the searched settings."""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_isa.files import atomic_path, check_writable
from keras_isa.tuning.history import TrialRecord
from keras_isa.tuning.space import SearchSpace


def save_plot(trials: Sequence[TrialRecord], space: SearchSpace, path: str | os.PathLike) -> None:
    """Draws one panel for each searched setting, with failed trials at the bottom.

    Args:
        trials: The trials.
        space: The search space.
        path: The .png file to write; an existing file is replaced.

    Raises:
        ValueError: If the file cannot be written.

    Example:

    >>> import tempfile
    >>> from keras_isa.tuning import SearchSpace
    >>> from keras_isa.tuning.history import TrialRecord
    >>> from keras_isa.tuning.plots import save_plot
    >>> trials = [TrialRecord("0", {"crucial_fraction": 0.8}, 0.5)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_plot(trials, SearchSpace(["crucial_fraction"]), f"{folder}/plot.png")
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_writable(path)
    names = list(space.dimensions)
    figure = Figure(figsize=(4 * len(names), 3.4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    done = [trial for trial in trials if trial.score is not None]
    failed = [trial for trial in trials if trial.score is None]
    for place, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), place + 1)
        if space.is_logarithmic(name):
            axes.set_xscale("log")
        axes.scatter(_positions(done, space, name), [trial.score for trial in done], s=24)
        if failed:
            transform = axes.get_xaxis_transform()
            marks = {"marker": "x", "color": "tab:red", "label": "failed"}
            axes.scatter(
                _positions(failed, space, name), [0.02] * len(failed), transform=transform, **marks
            )
            axes.legend(fontsize=8)
        axes.set_xlabel(name)
        if not place:
            axes.set_ylabel("accuracy on held-out images")
    with atomic_path(path) as temporary:
        canvas.print_figure(temporary, format="png", dpi=110)


def _positions(trials: Sequence[TrialRecord], space: SearchSpace, name: str) -> list:
    values = [trial.values[name] for trial in trials]
    return values if space.is_numeric(name) else [str(value) for value in values]
