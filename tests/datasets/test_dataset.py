import numpy as np
import pytest

from keras_isa.datasets import Dataset, train_test_from_arrays
from keras_isa.inputs.arrays import StoredImages


def images(n=4, shape=(5, 6, 3), dtype="uint8"):
    return (np.arange(n * np.prod(shape)) % 200).reshape(n, *shape).astype(dtype)


def test_uint8_stays_and_defaults_are_filled_in():
    x = images()
    dataset = Dataset.from_arrays(x, np.array([2, 0, 1, 2], "uint8"))
    assert dataset.x.dtype == np.uint8
    np.testing.assert_array_equal(dataset.x, x)
    assert dataset.y.dtype == np.int32
    assert dataset.y.tolist() == [2, 0, 1, 2]
    assert dataset.class_names == ("0", "1", "2")
    assert (dataset.num_classes, dataset.image_shape, len(dataset)) == (3, (5, 6, 3), 4)
    assert (dataset.name, dataset.split, dataset.pixel_range) == ("arrays", "train", (0.0, 255.0))


def test_greyscale_gets_a_channel_axis():
    x = images(shape=(5, 6))
    dataset = Dataset.from_arrays(x, [0, 1, 0, 1])
    assert dataset.x.shape == (4, 5, 6, 1)
    np.testing.assert_array_equal(dataset.x[..., 0], x)


SAID = pytest.mark.filterwarnings("ignore:.*0 is taken for black and 255 for white:UserWarning")


@SAID
@pytest.mark.parametrize("dtype", ["float64", "float16", ">f4", "int64", "uint16", object])
def test_other_numbers_become_float32(dtype):
    dataset = Dataset.from_arrays(images(dtype=dtype), [0, 1, 0, 1])
    assert dataset.x.dtype == np.float32
    np.testing.assert_array_equal(dataset.x, images().astype("float32"))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, (0, 1)), (0.25, 0.75, (0, 1)), (-1.0, 1.0, (-1, 1)), (0.0, 16.0, (0, 16))],
)
def test_pixel_range_of_floats(low, high, expected):
    x = np.linspace(low, high, 4 * 9).reshape(4, 3, 3)
    assert Dataset.from_arrays(x, [0, 1, 0, 1]).pixel_range == expected


def test_pixel_range_is_told_from_the_training_part():
    x = np.linspace(-2.0, 2.0, 36).reshape(4, 3, 3)
    train, test = train_test_from_arrays(x, [0, 1, 0, 1], 3 * x, [1, 1, 1, 1])
    assert train.pixel_range == test.pixel_range == (-2.0, 2.0)


def test_test_part_takes_its_classes_from_train():
    train, test = train_test_from_arrays(
        images(), [0, 1, 2, 0], images(2), [0, 1], class_names=["a", "b", "c"]
    )
    assert test.split == "test"
    assert test.class_names == train.class_names == ("a", "b", "c")
    assert test.num_classes == 3


def test_it_is_frozen():
    dataset = Dataset.from_arrays(images(), [0, 1, 0, 1])
    with pytest.raises(AttributeError):
        dataset.name = "other"


def with_pixel(value):
    x = images(dtype="float64")
    x[2, 1, 1, 0] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (images(), [0, 1, 0], ValueError, "`y_train` must hold one label per image. .*3 .*4"),
        (images(), [], ValueError, "`y_train` must hold one label per image"),
        (images(), [0.0, 1.0, 0.0, 1.0], TypeError, "`y_train` .*integer dtype.*float64"),
        (images(), [False, True, False, True], TypeError, "`y_train` .*integer dtype.*bool"),
        (images(), [0.0, 1.0, 0.5, 1.0], TypeError, "`y_train` .*float64, 0.5 at index 2$"),
        (images(), [0.0, np.nan, 0.0, 1.0], ValueError, "`y_train` .*Received: nan at index 1"),
        (images(), [None, "1", "0", "1"], ValueError, "`y_train` .*Received: None at index 0"),
        (images(), ["1", "0", 2, "1"], TypeError, "`y_train` .*words only. .*'1' at index 0, the"),
        (images(), [1 + 2j] * 4, TypeError, "`y_train` .*dtype=complex128"),
        (images(), np.zeros(4, "M8[D]"), TypeError, "`y_train` .*dtype=datetime64"),
        (images(), np.zeros(4, "i4,i4"), TypeError, "`y_train` .*records with the fields f0, f1"),
        (images(), [0, 1, -1, 1], ValueError, "`y_train` .*label -1 at index 2"),
        (images(), [0, 1, 3, 2**40], ValueError, "`y_train` .*int32"),
        (images(), np.eye(4), ValueError, r"`y_train` .*argmax.* one-hot labels.*\(4, 4\)"),
        (images(), np.ones((4, 3)), ValueError, "`y_train` .*several classes.*3 classes in row 0"),
        (images(), np.eye(4, 3), ValueError, "`y_train` .*without a class.*0 classes in row 3"),
        (images(), np.full((4, 2), 0.5), ValueError, "`y_train` .*soft labels are not.*0.5 at"),
        (images(), np.full((4, 2), 7), ValueError, "`y_train` .*with 7 at row 0, column 0"),
        (images(), 3, ValueError, "`y_train` must hold one class number per image"),
        (with_pixel(np.nan), [0, 1, 0, 1], ValueError, "`x_train` .*1 such .*index 2"),
        (with_pixel(-np.inf), [0, 1, 0, 1], ValueError, "`x_train` must hold finite"),
        (
            with_pixel(1e300),
            [0, 1, 0, 1],
            ValueError,
            "`x_train` .*float32.*scale .*ndex 2",
        ),
        (images(shape=()), [0, 1, 0, 1], ValueError, r"`x_train` .*\(N, F\) for flat features"),
        (images(shape=(2, 2, 2, 2)), [0, 1, 0, 1], ValueError, r"`x_train` .*\(4, 2, 2, 2, 2\)"),
        (images(0), [], ValueError, "`x_train` must hold at least one image"),
        (images(shape=(0, 5, 1)), [0, 1, 0, 1], ValueError, "`x_train` must hold at least one"),
        (images().astype(str), [0, 1, 0, 1], TypeError, "`x_train` must hold numbers"),
        (images().astype(complex), [0, 1, 0, 1], TypeError, "`x_train` must hold numbers"),
        (images() > 3, [0, 1, 0, 1], TypeError, "`x_train` must hold numbers.*bool.*astype"),
        ([[1, 2], [1]], [0, 1], ValueError, "`x_train` .*lists of equal length"),
        (np.full((4, 3, 3), 7.0), [0, 1, 0, 1], ValueError, "`x_train` .*every pixel is 7"),
    ],
)
def test_bad_arrays_are_refused_in_one_line(x, y, error, message):
    with pytest.raises(error, match=message) as caught:
        Dataset.from_arrays(x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x_test", "y_test", "error", "message"),
    [
        (images(2), [0], ValueError, "`y_test` must hold one label per image"),
        (images(2), [0, 2], ValueError, r"`y_test` .*from 0 to 1. .*label 2 at index 1"),
        (images(2), [0.0, 1.0], TypeError, "`y_test`"),
        (images(2, (6, 5, 3)), [0, 1], ValueError, "`x_test` must hold images of the shape"),
        (images(2, dtype="float32"), [0, 1], ValueError, "`x_test` .*pixel unit.*uint8.*float32"),
        (with_pixel(np.nan), [0, 1, 0, 1], ValueError, "`x_test` must hold finite"),
    ],
)
def test_a_test_part_that_does_not_fit_is_refused(x_test, y_test, error, message):
    with pytest.raises(error, match=message):
        train_test_from_arrays(images(), [0, 1, 0, 1], x_test, y_test)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"class_names": "ab"}, TypeError, "`class_names` must be a sequence"),
        ({"class_names": {"a", "b"}}, TypeError, "`class_names` must be a sequence.* in the order"),
        ({"class_names": {"b": 1, "a": 0}}, TypeError, "`class_names` must be a sequence"),
        ({"class_names": ["a", 1]}, TypeError, "`class_names` must be a sequence of strings"),
        ({"class_names": ["a", "a"]}, ValueError, "`class_names` must differ.*'a'"),
        ({"class_names": ["a"]}, ValueError, r"`y_train` .*from 0 to 0"),
        ({"class_names": ["a", "b", "c"]}, ValueError, "`y_train` .*class 2 has no images"),
        ({"pixel_range": (1.0, 1.0)}, ValueError, "`pixel_range` must be finite with low < high"),
        ({"pixel_range": (0.0, np.inf)}, ValueError, "`pixel_range` must be finite"),
        ({"pixel_range": 255}, TypeError, r"`pixel_range` must be two numbers"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        Dataset.from_arrays(images(), [0, 1, 0, 1], **options)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2, 4, 2], ("1", "2", "4")),
        ([0, 255, 255, 0], ("0", "255")),
        ([5, 5, 2**31 - 1, 5], ("5", "2147483647")),
    ],
)
def test_class_numbers_that_are_left_out_become_names(labels, names):
    with pytest.warns(UserWarning, match=r"`y_train` has \d different .* renumbered from 0"):
        train, test = train_test_from_arrays(images(), labels, images(2), labels[:2])
    assert train.class_names == test.class_names == names
    assert [int(names[number]) for number in train.y] == labels
    assert [int(names[number]) for number in test.y] == labels[:2]
    with (
        pytest.warns(UserWarning, match="renumbered"),
        pytest.raises(ValueError, match="`y_test` .*that are class names.* 3 at index 1"),
    ):
        train_test_from_arrays(images(), labels, images(2), [labels[0], 3])


@pytest.mark.parametrize(
    "labels",
    [[[0], [1], [0], [1]], [b"0", b"1", b"0", b"1"], np.array(["0", "1", "0", "1"], object)],
)
def test_columns_and_bytes_are_labels(labels):
    dataset = Dataset.from_arrays(images(), labels)
    assert dataset.class_names == ("0", "1") and dataset.y.tolist() == [0, 1, 0, 1]


def test_numbers_beside_names_that_are_numbers():
    with pytest.warns(UserWarning, match="class number 0 is '3': labels are taken for class num"):
        dataset = Dataset.from_arrays(images(), [0, 1, 1, 0], class_names=["3", "1"])
    assert dataset.y.tolist() == [0, 1, 1, 0]
    with pytest.warns(UserWarning, match="labels are matched to the names by their value"):
        dataset = Dataset.from_arrays(images(), [3, 1, 1, 3], class_names=["3", "1"])
    assert dataset.y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("high", [1, 9, 16, 31, 63, 127])
def test_shallow_bytes_have_a_range_of_their_own(high):
    x = images(8) % (high + 1)
    with pytest.warns(UserWarning, match=f"to {high}: 0 is taken for black and {high} for"):
        dataset = Dataset.from_arrays(x, [0, 1] * 4)
    assert dataset.pixel_range == (0.0, high)
    assert repr(dataset).endswith(f"pixels 0 to {high})")


@pytest.mark.parametrize("high", [0, 17, 60, 100, 128, 254])
def test_dark_bytes_are_not_stretched(high):
    assert Dataset.from_arrays(images(8).clip(0, high), [0, 1] * 4).pixel_range == (0.0, 255.0)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 252.5, (0, 255)), (0, 40000, (0, 65535)), (3, 1000, (0, 1023)), (-0.98, 0.97, (-1, 1))],
)
def test_floats_that_do_not_reach_their_range(low, high, expected):
    x = np.linspace(low, high, 4 * 9).reshape(4, 3, 3)
    with pytest.warns(UserWarning, match="is taken for black and"):
        assert Dataset.from_arrays(x, [0, 1, 0, 1]).pixel_range == expected


def test_parts_in_another_order():
    with pytest.raises(ValueError, match="`y_train` must be labels .* the order is x_train, y_tr"):
        train_test_from_arrays(images(4), images(2), [0, 1, 0, 1], [0, 1])


def test_the_constructor_checks_too():
    with pytest.raises(ValueError, match="`y_train` must hold one label per image"):
        Dataset(images(), [0, 1], ("a", "b"), "arrays", "train", (0, 255))


def test_only_the_training_part_needs_every_class():
    validation = Dataset(images(), [0, 0, 0, 0], ("a", "b"), "arrays", "validation", (0, 255))
    assert validation.num_classes == 2
    with pytest.raises(ValueError, match="class 1 has no images"):
        Dataset(images(), [0, 0, 0, 0], ("a", "b"), "arrays", "train", (0, 255))


def test_flat_features():
    train, test = train_test_from_arrays(
        images(shape=(7,)), [0, 1, 0, 1], images(2, (7,)), [1, 0], class_names=["a", "b"]
    )
    assert train.image_shape == test.image_shape == (7,)
    np.testing.assert_array_equal(train.x, images(shape=(7,)))
    with pytest.raises(ValueError, match=r"`x_test` must hold images of the shape.*\(7,\)"):
        train_test_from_arrays(images(shape=(7,)), [0, 1, 0, 1], images(2), [1, 0])


@pytest.mark.parametrize("dtype", ["U", object, np.dtypes.StringDType()])
def test_names_as_labels(dtype):
    names = np.array(["dog", "cat", "dog", "eel"], dtype)
    train, test = train_test_from_arrays(images(), names, images(2), names[:2])
    assert train.class_names == test.class_names == ("cat", "dog", "eel")
    assert train.y.tolist() == [1, 0, 1, 2] and test.y.tolist() == [1, 0]
    given = Dataset.from_arrays(images(), names, class_names=["eel", "dog", "cat"])
    assert given.y.tolist() == [1, 2, 1, 0] and given.y.dtype == np.int32
    with pytest.raises(ValueError, match="`y_test` .*out of cat, dog, eel.*'fox' at index 1"):
        train_test_from_arrays(images(), names, images(2), ["dog", "fox"])


@SAID
@pytest.mark.parametrize(
    ("axes", "shape"),
    [("NHWC", (5, 6, 3)), ("NCHW", (3, 5, 6)), ("NHW", (5, 6)), ("NTF", (5, 6)), ("NF", (7,))],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int16"])
def test_stored_images_are_as_arrays_and_stay_stored(axes, shape, dtype):
    x = images(6, shape, dtype)
    stored = Dataset.from_arrays(StoredImages(x), [0, 1, 2, 0, 1, 2], axes=axes)
    array = Dataset.from_arrays(x, [0, 1, 2, 0, 1, 2], axes=axes)
    assert isinstance(stored.x, StoredImages)
    assert (stored.x.dtype, stored.image_shape) == (array.x.dtype, array.image_shape)
    assert stored.pixel_range == array.pixel_range
    for rows in (slice(1, 4), [5, 0], array.y == 1, 3):
        np.testing.assert_array_equal(stored.x[rows], array.x[rows])
    some = stored.select_classes([2, 0])
    assert isinstance(some.x, StoredImages)
    np.testing.assert_array_equal(some.x[:], array.x[[0, 2, 3, 5]])


def test_stored_floats_are_checked():
    with pytest.raises(ValueError, match="`x_train` .*1 such .*index 2"):
        Dataset.from_arrays(StoredImages(with_pixel(np.nan)), [0, 1, 0, 1])


def test_select_classes():
    names = ["cat", "dog", "eel"]
    train, test = train_test_from_arrays(
        images(6), [0, 1, 2, 0, 1, 2], images(3), [2, 0, 0], class_names=names
    )
    some = train.select_classes(["eel", 0])
    assert some.class_names == ("eel", "cat") and some.y.tolist() == [1, 0, 1, 0]
    np.testing.assert_array_equal(some.x, images(6)[[0, 2, 3, 5]])
    assert (some.name, some.split, some.pixel_range) == ("arrays", "train", (0.0, 255.0))
    assert test.select_classes(["dog", "cat"]).y.tolist() == [1, 1]
    assert train.select_classes(["dog"]).num_classes == 1
    assert train.select_classes(names).y.tolist() == train.y.tolist()


@pytest.mark.parametrize("stored", [np.asarray, StoredImages])
def test_parts_in_different_pixel_units_are_refused(stored):
    x = images(20, dtype="float32")
    for train, test in ((x, x / 255), (x / 255, x)):
        with pytest.raises(ValueError, match="`x_test` must have the pixel .* Received: x_train f"):
            train_test_from_arrays(
                stored(train), [0, 1] * 10, stored(test), [0, 1] * 10, pixel_range=(0, 1)
            )


def test_names_and_then_numbers_are_refused():
    names = ["dog", "cat", "dog", "eel"]
    with pytest.raises(ValueError, match="`y_test` .* Received: integers; .* 0 would be 'cat'$"):
        train_test_from_arrays(images(), names, images(2), [0, 1])
    given = train_test_from_arrays(
        images(), names, images(2), [0, 1], class_names=["cat", "dog", "eel"]
    )
    assert given[1].y.tolist() == [0, 1]
    with pytest.raises(ValueError, match="`y_test` must hold names out of 0, 1. Received: 'dog'"):
        train_test_from_arrays(images(), [0, 1, 0, 1], images(2), ["dog", "cat"])


def test_columns_in_another_order():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"age": [1.0, 2.0, 3.0], "size": [0.5, 0.25, 0.75]})
    with pytest.warns(UserWarning, match="`x_test` has the columns .*they are matched by their na"):
        train, test = train_test_from_arrays(
            table, [0, 1, 0], table.select(["size", "age"]), [0, 1, 0]
        )
    np.testing.assert_array_equal(train.x, test.x)
    other = table.rename_columns(["age", "width"])
    with pytest.raises(ValueError, match="only in x_train: size; only in x_test: width$"):
        train_test_from_arrays(table, [0, 1, 0], other, [0, 1, 0])


def test_one_class():
    train, test = train_test_from_arrays(images(), [0, 0, 0, 0], images(1), [0])
    assert train.num_classes == test.num_classes == 1


# ------------------------------------------------------------------ regression


def test_targets_stay_numbers_in_their_own_units():
    y = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
    dataset = Dataset.from_arrays(images(), y, task="regression", class_names=["a", "b"])
    assert dataset.y.dtype == np.float64 and dataset.y.tolist() == y.tolist()
    assert dataset.class_names == ("a", "b") and dataset.num_classes == 2
    assert "2 targets" in repr(dataset)
    assert Dataset.from_arrays(images(), y[:, 0], task="regression").y.shape == (4, 1)
    with pytest.raises(ValueError, match="`classes` must not be given for task='regression'"):
        dataset.select_classes(["a"])


def test_integers_are_classes_unless_asked_otherwise():
    y = [0, 1, 1, 0]
    assert Dataset.from_arrays(images(), y).task == "classification"
    assert Dataset.from_arrays(images(), y, task="regression").y.tolist() == [[0], [1], [1], [0]]
    for wrong in (["a", "b", "a", "b"], [True, False, True, False]):
        with pytest.raises(TypeError, match="must hold numbers for task='regression'"):
            Dataset.from_arrays(images(), wrong, task="regression")
    with pytest.raises(TypeError, match="task='regression' in `Dataset.from_arrays`"):
        Dataset.from_arrays(images(), [0.5, 1.0, 1.5, 2.0])


def test_both_parts_of_a_regression():
    x = images().astype("float32") / 200
    train, test = train_test_from_arrays(x, [1.0, 2.0, 3.0, 4.0], x[:1], [9.0], task="regression")
    assert (train.task, test.task, test.y.tolist()) == ("regression", "regression", [[9.0]])
    with pytest.raises(ValueError, match="1 targets per row. Received: 2"):
        train_test_from_arrays(x, [1.0, 2.0, 3.0, 4.0], x[:1], [[9.0, 1.0]], task="regression")
