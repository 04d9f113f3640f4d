import numpy as np
import pytest

from keras_isa.studies import pictures


def test_an_error_bar_is_the_interval_of_the_mean():
    from scipy import stats

    values = [0.9, 0.91, 0.94, 0.93]
    mean, half = pictures.error_bar(values)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (mean, half) == pytest.approx((100 * np.mean(values), 50 * (high - low)))
    assert pictures.error_bar([0.5]) == (50.0, 0.0)


def test_points_stand_where_their_settings_do():
    made, ((axis,),) = pictures.figure(3.0)
    pictures.points_of_settings(axis, ["first", "second"], [("networks", [[0.5], [0.7]])])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]
    line = axis.containers[0].lines[0]
    assert line.get_xdata().tolist() == [50.0, 70.0] and line.get_ydata().tolist() == [1.0, 0.0]
    pictures.legend_below(made)
    assert pictures.png(made).startswith(b"\x89PNG")


def test_gains_are_paired():
    runs = {
        "plain": {0: {"student": 0.5, "krr": 0.5}, 1: {"student": 0.7, "krr": 0.6}},
        "both": {0: {"student": 0.51, "krr": 0.5}, 1: {"student": 0.71, "krr": 0.6}},
        "lost": {0: {"diverged": "not finite"}, 1: {"diverged": "not finite"}},
    }
    made, ((axis,),) = pictures.figure(3.0)
    pictures.draw_gains(axis, runs, {"a": ("both", "plain"), "b": ("lost", "plain")})
    first, second = (bars.lines[0].get_xdata() for bars in axis.containers)
    assert first[0] == pytest.approx(1.0) and second[0] == 0.0 and np.isnan(first[1])
    assert pictures.png(made).startswith(b"\x89PNG")


def test_a_heat_map_shows_its_numbers():
    made, ((axis,),) = pictures.figure(3.0)
    pictures.heat_map(axis, np.array([[1.0, np.nan], [3.0, 4.0]]), "ab", "cd", "%")
    assert [text.get_text() for text in axis.texts] == ["1.0", "diverged", "3.0", "4.0"]
    assert pictures.png(made).startswith(b"\x89PNG")
