import pytest

from keras_isa.datasets.downloads.names import decoded_names, make_unique, name_lines


def test_lines(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text(" Bär\n\ncrab \r\n", "utf-8")
    assert name_lines(path) == ["Bär", "crab"]
    path.write_bytes(b"a\n" * (1 << 19))
    assert len(name_lines(path)) == 1 << 19
    path.write_bytes(b"a\n" * (1 << 19) + b"b")
    with pytest.raises(ValueError, match="it is too long for class names"):
        name_lines(path)


def test_names_of_both_pythons():
    assert decoded_names([b"B\xc3\xa4r", "crab"]) == ("Bär", "crab")
    for names in (None, ("cat",), ["cat", 3], "cat"):
        with pytest.raises(ValueError, match="it has no list of class names"):
            decoded_names(names)


@pytest.mark.parametrize(("name", "times"), [(b"n" * 10_000, 110), ("", 1_100_000)])
def test_a_name_that_is_named_again_and_again(name, times):
    with pytest.raises(ValueError, match="it is too long for class names"):
        decoded_names([name] * times)


def test_names_that_are_there_twice():
    assert make_unique(["a", "b", "a"], "123") == ("a (1)", "b", "a (3)")
