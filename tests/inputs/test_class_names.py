import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_isa.cli.options import parse_ipc
from keras_isa.inputs.class_names import (
    first_ten,
    format_names,
    parse_counted_names,
    parse_names,
    sort_names,
)

# All that a folder may be called, with the characters that mean something here more often.
names = st.text(
    st.one_of(
        st.sampled_from(",=\"'\\ :$#\t1p"),
        st.characters(exclude_categories=("Cs",), exclude_characters="/\0"),
    ),
    min_size=1,
    max_size=12,
)
some_names = st.lists(names, min_size=1, max_size=5, unique=True)


@given(some_names)
@settings(max_examples=200, deadline=None)
def test_every_list_of_names_is_read_back(wanted):
    assert parse_names(format_names(wanted)) == wanted
    assert shlex.split(f"--classes {shlex.quote(format_names(wanted))}")[1] == format_names(wanted)


@given(some_names, st.integers(1, 10**6))
@settings(max_examples=200, deadline=None)
def test_every_list_of_counted_names_is_read_back(wanted, count):
    text = ",".join(f"{format_names([name])}={count + k}" for k, name in enumerate(wanted))
    assert parse_ipc(text) == {name: count + k for k, name in enumerate(wanted)}


def test_what_people_type():
    assert parse_names("cat, dog ,3") == ["cat", "dog", "3"]
    assert parse_names("1=one,5'8,a b") == ["1=one", "5'8", "a b"]
    assert parse_names('"tench, Tinca tinca","1=one", " x " ') == [
        "tench, Tinca tinca",
        "1=one",
        " x ",
    ]
    assert parse_names('"say ""a"""') == ['say "a"'] and parse_names('5" disk') == ['5" disk']
    assert parse_names("") == [""] and parse_names("a,") == ["a", ""]
    assert parse_ipc('"tench, Tinca tinca"=2,"1=one"=1, cat = 3') == {
        "tench, Tinca tinca": 2,
        "1=one": 1,
        "cat": 3,
    }
    assert parse_ipc("1=one=2") == {"1=one": 2}  # as long as it is clear
    assert parse_ipc('"proportional:2"=3') == parse_ipc("proportional:2=3")
    assert parse_counted_names("a=,b=x") == [("a", ""), ("b", "x")]


@pytest.mark.parametrize("text", ['"a', '"a" b', 'a,"b', '"a"b"', '""a'])
def test_quotes_that_are_not_closed(text):
    with pytest.raises(ValueError, match="double quotes, with its own quotes doubled"):
        parse_names(text)
    with pytest.raises(ValueError, match="--ipc must be"):
        parse_ipc(f"{text}=1")


def test_a_long_list_is_shortened():
    assert format_names(["a", "b,c", "d"], 2) == 'a,"b,c",...'
    assert format_names(["a", "b"], 2) == "a,b"


def test_the_first_names():
    assert first_ten(list("abcdefghij")) == "a, b, c, d, e, f, g, h, i, j"
    assert first_ten(range(11)).endswith("8, 9 and 1 more")


def test_order():
    assert sort_names(["10", "9", "01", "1"]) == ["01", "1", "9", "10"]
    assert sort_names(["b", "a", "B"]) == ["B", "a", "b"]
    assert sort_names(["10", "9", "-1"]) == ["-1", "10", "9"]
