"""What readers of foreign files return."""

from keras_isa.asset.foreign.found import shown_names


def test_names_of_a_file_are_shown_on_one_line():
    assert shown_names([f"n{k}" for k in range(12)]).endswith("n9 and 2 more")
    assert shown_names(["a\nb\x1b"]) == "a"
