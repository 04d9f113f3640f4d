"""A picture of distilled sequences: lines over the steps, a small panel for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_LINES = 10  # features that are drawn, as many as there are colours
_PANEL = (190, 130)  # pixels, with what lies between panels
_GAP, _CAPTION = 8, 20  # pixels around a panel, and above it
_HEAD, _STEPS, _LEGEND_LINE = 34, 24, 16  # pixels: of the title, below the panels, of the legend
_LEAST_WIDTH = 480  # pixels, of a legend of two columns
_MARGIN = 0.12  # above and below the lines, of the height of a panel


def draw_sequences(
    sequences: np.ndarray,
    places: Sequence[tuple[int, int, int, int]],
    captions: Sequence[str],
    title: str,
    fonts: Sequence[str],
) -> Any:
    """Draws sequences as lines, a panel for each.

    Every feature is drawn over its own range in the whole set, which the legend names, so that
    features of different units are seen side by side and panels can be compared.

    Args:
        sequences: Array `(n, T, F)`.
        places: Row and column of each panel, and class and index of its sequence.
        captions: What stands above the panels of a class.
        title: Title of the picture.
        fonts: Font families of the captions.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    shown = sequences[..., :MOST_LINES]
    if shown.shape[-1] < sequences.shape[-1]:
        title += f"; the first {MOST_LINES} of {sequences.shape[-1]} features"
    low, high = shown.min(axis=(0, 1)), shown.max(axis=(0, 1))
    scaled = (shown - low) / np.where(high > low, high - low, 1.0)
    foot = _STEPS + _LEGEND_LINE * (len(low) // 2 + 1)
    rows, columns = 1 + np.max(places, axis=0)[:2]
    width = max(columns * _PANEL[0] + 2 * _GAP, 8 * len(title), _LEAST_WIDTH)
    height = _HEAD + rows * _PANEL[1] + foot
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    figure.suptitle(title, y=1 - 0.5 * _HEAD / height, va="center", fontsize=9)
    # All panels are drawn into one: Matplotlib takes ten times as long to lay out hundreds.
    canvas = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    canvas.axis("off")
    panel = np.array([_PANEL[0] - 2 * _GAP, _PANEL[1] - _CAPTION - _GAP])
    steps = np.arange(shown.shape[1]) / max(shown.shape[1] - 1, 1)
    lines: list[list] = [[] for _ in low]
    frames = []
    for row, column, class_id, index in places:
        x = (width - columns * _PANEL[0]) / 2 + column * _PANEL[0] + _GAP
        y = foot + (rows - 1 - row) * _PANEL[1] + _GAP
        for line, values in zip(lines, scaled[index].T, strict=True):
            values = (values + _MARGIN) / (1 + 2 * _MARGIN)
            line.append(np.stack([x + steps * panel[0], y + values * panel[1]], axis=-1))
        frames.append((x, y) + panel * [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
        above = x + panel[0] / 2, y + panel[1] + 4
        canvas.text(*above, captions[class_id], ha="center", size=8, family=fonts, parse_math=False)
        if row == rows - 1:
            for share, text in ((0, "0"), (0.5, "step"), (1, str(shown.shape[1] - 1))):
                canvas.text(x + share * panel[0], y - 3, text, ha="center", va="top", size=7)
    canvas.add_collection(LineCollection(frames, colors="0.6", linewidths=0.6))
    for k, line in enumerate(lines):
        label = f"feature {k}: {low[k]:.4g} to {high[k]:.4g}"
        canvas.add_collection(LineCollection(line, colors=f"C{k}", linewidths=1, label=label))
    figure.legend(loc="lower center", fontsize=7, ncols=2)
    return figure
