import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_labels import check_labels, names_in


def test_names_become_numbers():
    found = check_labels(["dog", "cat", "dog"], 3, "y", class_names=("cat", "dog"))
    assert found.dtype == np.int32 and found.tolist() == [1, 0, 1]
    # Numbers stay numbers where names are known.
    assert check_labels([1, 0], 2, "y", class_names=("cat", "dog")).tolist() == [1, 0]


def test_names_without_the_names_of_all_classes_are_refused():
    with pytest.raises(TypeError, match="`y` must be class numbers .*names of all classes are giv"):
        check_labels(["dog", "cat"], 2, "y")


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["cat", "fox"], ValueError, "`y` must hold names out of cat, dog. .*'fox' at index 1"),
        (["cat"], ValueError, "`y` must hold one label per image"),
        ([["cat", "a"], ["dog", "b"]], ValueError, "`y` must hold one class number per image"),
        ([0.5, 1.0], TypeError, "`y` must be class numbers"),
    ],
)
def test_bad_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        check_labels(labels, 2, "y", class_names=("cat", "dog"))


def test_an_error_names_few_of_many_classes():
    names = [f"class {i}" for i in range(1000)]
    with pytest.raises(ValueError, match="class 9 and 990 more. Received: 'x'") as caught:
        check_labels(["x"], 1, "y", class_names=names)
    assert len(str(caught.value)) < 300


def test_names_in():
    assert names_in(["b", "a", "b"], "y") == ("a", "b")
    assert names_in(np.array(["b", "a"], object), "y") == ("a", "b")
    assert names_in([b"b", b"a"], "y") == ("a", "b")
    assert names_in(["10", "9", "1"], "y") == ("1", "9", "10")
    for labels in ([1, 0], []):
        assert names_in(labels, "y") is None
    with pytest.raises(ValueError, match="`y` must have a value .* Received: None at index 0"):
        names_in([None, "a"], "y")


def test_stored_uint8_images_are_not_read():
    class Unreadable:
        shape, dtype = (5, 4, 4, 3), np.dtype("uint8")

        def __getitem__(self, rows):
            raise AssertionError("read")

    images = StoredImages(Unreadable())
    assert check_images(images, "x") is images
    with pytest.raises(ValueError, match="`x` must hold images, .*volumes"):
        check_images(StoredImages(np.zeros((2, 3, 3, 3, 1), "uint8")), "x")
    with pytest.raises(ValueError, match="`x` must hold at least one image"):
        check_images(StoredImages(np.zeros((0, 3, 3, 1), "uint8")), "x")


def test_stored_floats_are_read_in_pieces():
    sizes = []

    class Counted(np.ndarray):
        def __getitem__(self, rows):
            found = super().__getitem__(rows)
            sizes.append(len(found))
            return found

    values = np.zeros((5000, 2, 2, 1), "float32")
    values[4321] = np.nan
    with pytest.raises(ValueError, match="`x` must hold finite .*1 such .*index 4321"):
        check_images(StoredImages(values.view(Counted)), "x")
    assert max(sizes) < 5000
