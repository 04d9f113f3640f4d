import pytest

from keras_isa.asset import lettering
from keras_isa.asset.lettering import drawable, fonts_for, warn_of_boxes

CUNEIFORM = "\N{CUNEIFORM SIGN A}"


@pytest.fixture
def one_font(monkeypatch):
    """Only the font that comes with Matplotlib, whatever else is installed."""
    from matplotlib import font_manager

    fonts = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)


def test_one_font_is_enough_for_most_names(recwarn):
    names = ["chat", "\u0447\u0430\u0439", "\u03b1", "$x_1$", "a=b"]
    assert fonts_for(names) == (["DejaVu Sans"], set())
    warn_of_boxes(names)
    assert not recwarn


def test_characters_without_a_font_are_told(one_font):
    assert fonts_for(["a", CUNEIFORM]) == (["DejaVu Sans"], {CUNEIFORM})
    assert drawable(f"a\n b {CUNEIFORM}", {CUNEIFORM}) == "a b \u25a1"
    with pytest.warns(UserWarning, match=r"no installed font has: 1 class names, '\\U00012000'"):
        warn_of_boxes(["a", CUNEIFORM])


def test_another_font_is_found(monkeypatch):
    own = lettering._characters
    more = {"DejaVu Serif": {ord(CUNEIFORM)}}
    monkeypatch.setattr(lettering, "_characters", lambda one: own(one) | more.get(one, set()))
    assert fonts_for([CUNEIFORM]) == (["DejaVu Sans", "DejaVu Serif"], set())
