"""What is drawn of sequences, looked at before it becomes pixels."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from keras_isa.asset.sequence_plot import draw_sequences

FONTS = ["DejaVu Sans"]
PLACES = [(0, 0, 0, 0), (0, 1, 1, 2), (1, 0, 0, 1)]


def drawn(features=2):
    """Sequences, their figure, and the lines of each feature, `(panels, T, 2)` in pixels."""
    x = np.arange(3 * 5 * features, dtype="float32").reshape(3, 5, features)
    figure = draw_sequences(x, PLACES, ["one", "two"], "a title", FONTS)
    (canvas,) = figure.axes  # one of Matplotlib's for each panel would take a minute
    frames, *lines = (np.array(found.get_segments()) for found in canvas.collections)
    return x, figure, frames, lines


def test_each_panel_shows_its_sequence_over_the_range_of_the_set():
    x, figure, frames, lines = drawn()
    assert len(frames) == 3 and len(lines) == 2
    corners = frames.min(axis=1), frames.max(axis=1)
    for k, line in enumerate(lines):
        low, high = x[..., k].min(), x[..., k].max()
        for panel, index in enumerate((0, 2, 1)):
            left, bottom = corners[0][panel]
            right, top = corners[1][panel]
            np.testing.assert_allclose(line[panel, :, 0], np.linspace(left, right, 5))
            heights = (line[panel, :, 1] - bottom) / (top - bottom)  # a margin below and above
            expected = (x[index, :, k] - low) / (high - low)
            np.testing.assert_allclose(heights, (expected + 0.12) / 1.24, rtol=1e-5)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["feature 0: 0 to 28", "feature 1: 1 to 29"]


def test_panels_are_apart_and_have_their_captions_above():
    _, figure, frames, _ = drawn()
    (left, bottom), (right, top) = frames.min(axis=1).T, frames.max(axis=1).T
    assert right[0] < left[1] and bottom[0] > top[2] and left[0] == left[2]
    (canvas,) = figure.axes
    captions = [text for text in canvas.texts if text.get_text() in ("one", "two")]
    assert [text.get_text() for text in captions] == ["one", "two", "one"]
    for caption, *side in zip(captions, left, right, top, strict=True):
        x, y = caption.get_position()
        assert x == pytest.approx((side[0] + side[1]) / 2) and side[2] < y < side[2] + 10
    width, height = 100 * figure.get_size_inches()
    assert left.min() > 0 and right.max() < width and top.max() < height
    legend = figure.legends[0].get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert 0 < legend.y0 and legend.y1 < bottom.min()


@pytest.mark.parametrize(("features", "lines"), [(10, 10), (11, 10)])
def test_many_features_are_counted_in_the_title(features, lines):
    _, figure, _, found = drawn(features)
    assert len(found) == lines
    assert ("the first 10 of 11 features" in figure.get_suptitle()) == (features > lines)
