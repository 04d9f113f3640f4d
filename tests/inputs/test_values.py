"""What holds numbers or words is read right, or the entry that is at fault is named."""

from decimal import Decimal

import keras
import numpy as np
import pytest

from keras_isa.inputs.checks import check_finite, check_images
from keras_isa.inputs.class_labels import check_labels, find_class_names
from keras_isa.inputs.values import columns_of, match_columns, to_array


class Frame:
    """What NumPy sees of a frame with columns of different kinds."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self._columns = columns

    def __array__(self, dtype=None, copy=None):
        return np.array(list(zip(*self._columns.values(), strict=True)), object)


def test_frames_of_numbers():
    frame = Frame(age=[1, 2, 3], size=[0.5, 1.5, 2.5])
    assert columns_of(frame) == ["age", "size"]
    np.testing.assert_array_equal(check_images(frame, "x"), [[1, 0.5], [2, 1.5], [3, 2.5]])
    assert check_labels(Frame(kind=["b", "a"]), 2, "y", ("a", "b")).tolist() == [1, 0]


class NAType:
    """What stands for a missing value in a nullable frame."""

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    def __repr__(self):
        return "<NA>"


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        (
            [1, 2, "three"],
            TypeError,
            "numbers only, or words only. Received: 'three' at row 2, col",
        ),
        (
            [1, None, 3],
            ValueError,
            "fill them in or remove them. Received: None at row 1, column 'size'",
        ),
        ([1, NAType(), 3], ValueError, "Received: <NA> .* at row 1, column 'size'"),
        ([1, 2, float("nan")], ValueError, "Received: nan at row 2, column 'size'"),
        (
            [1, [2], 3],
            TypeError,
            r"numbers or words; pass a column of arrays by itself. Received: \[2\] \(list\) at ro",
        ),
    ],
)
def test_the_entry_of_a_frame_is_named(column, error, message):
    with pytest.raises(error, match=f"`x` must .*{message}") as caught:
        check_images(Frame(age=[1, 2, 3], size=column), "x")
    assert "\n" not in str(caught.value)


def test_arrays_in_cells():
    images = np.arange(24, dtype="uint8").reshape(3, 2, 4)
    cells = np.empty(3, object)
    cells[:] = list(images)
    stacked = to_array(cells, "x")
    assert stacked.dtype == np.uint8
    np.testing.assert_array_equal(stacked, images)
    cells[:] = [one.tolist() for one in images]
    np.testing.assert_array_equal(to_array(cells, "x"), images)
    cells[1] = np.zeros((2, 5))
    with pytest.raises(ValueError, match=r"`x` must .*shape \(2, 5\) at index 1, and \(2, 4\)"):
        to_array(cells, "x")


def test_strings_that_may_be_missing():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("needs NumPy 2")
    for none in (np.nan, None):
        dtype = np.dtypes.StringDType(na_object=none)
        assert find_class_names(np.array(["b", "a"], dtype), "y") == ("a", "b")
        with pytest.raises(ValueError, match="`y` must have no missing .* at index 1$"):
            find_class_names(np.array(["b", none], dtype), "y")


def test_frames_that_are_not_computed_yet():
    class LazyFrame:
        def collect(self):
            """Computes it."""

    with pytest.raises(TypeError, match=r"LazyFrame .it is not computed yet; use `.collect\(\)`\)"):
        to_array(LazyFrame(), "x")


def test_arrow_tables():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"age": [1, 2, 3], "size": [0.5, None, 2.5]})
    with pytest.raises(ValueError, match="`x` must hold finite .*first at row 1, column 'size'"):
        check_images(table, "x")
    assert check_images(table.select(["age"]), "x").tolist() == [[1], [2], [3]]
    assert find_class_names(pyarrow.array(["b", "a"]), "y") == ("a", "b")
    with pytest.raises(ValueError, match="`y` must have .* Received: None at index 1"):
        find_class_names(pyarrow.array(["b", None]), "y")


def test_objects_become_numbers():
    assert to_array(np.array([1, 2], object), "y").dtype.kind == "i"
    assert to_array(np.array([1, 2.5, True, Decimal(3)], object), "y").tolist() == [1, 2.5, 1, 3]
    assert to_array([2**70, 1], "x").tolist() == [float(2**70), 1]
    assert to_array([b"a", "b"], "y").tolist() == ["a", "b"]
    assert to_array(np.array([], object), "y").size == 0


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["cat", None], ValueError, "Received: None at index 1"),
        (["cat", float("nan")], ValueError, "Received: nan at index 1"),
        (["cat", 3], TypeError, "words only. Received: 'cat' at index 0$"),
        ([None, 1], ValueError, "Received: None at index 0"),
    ],
)
def test_words_beside_other_things_are_not_made_words(labels, error, message):
    with pytest.raises(error, match=f"`y` must .*{message}"):
        find_class_names(labels, "y")


def test_masked_arrays():
    values = np.ma.MaskedArray(np.arange(6.0).reshape(2, 3), mask=[[0, 0, 0], [0, 1, 0]])
    with pytest.raises(ValueError, match="Received: a masked entry at row 1, column 1"):
        to_array(values, "x")
    values.mask = False
    assert type(to_array(values, "x")) is np.ndarray


def test_masked_arrays_in_lists():
    whole, part = np.ma.array([1.0, 2.0]), np.ma.array([1.0, 2.0], mask=[False, True])
    for values, where in (
        ([whole, part], "row 1, column 1"),
        ((part, [1.0, 2.0]), "row 0, column 1"),
        ([[[1.0, 2.0], part]], r"index 0, position \(1, 1\)"),
        ([1.0, np.ma.masked], "index 1"),
        ([keras.ops.ones(2), part], "row 1, column 1"),
        ([whole, np.ma.array([1.0], mask=[True])], "row 1, column 0"),
    ):
        with pytest.raises(ValueError, match=f"a masked entry at {where}$"):
            to_array(values, "x")
    with pytest.raises(ValueError, match="remove them. Received: .* at index 1$"):
        to_array(np.array([1, np.ma.masked], object), "x")
    assert to_array([whole, whole], "x").tolist() == [[1, 2], [1, 2]]
    with pytest.raises(ValueError, match=r"shape \(1,\) at index 1, and \(2,\) at index 0"):
        to_array([whole, whole[:1]], "x")


def test_tensors_of_keras():
    variable = keras.Variable([[1.0, 2.0]])
    assert check_images(variable, "x").tolist() == [[1, 2]]
    half = keras.ops.cast(np.array([[1.5, 2.5]], "float32"), "bfloat16")
    assert check_images(half, "x").dtype == np.float32
    assert check_images(half, "x").tolist() == [[1.5, 2.5]]


def test_jax_arrays_that_are_gone():
    jax = pytest.importorskip("jax")
    array = jax.numpy.ones((2, 3))
    array.delete()
    with pytest.raises(TypeError, match="`x` must be an array.* deleted") as caught:
        check_images(array, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*quantize")
def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    values = torch.tensor([[1.5, 2.5]])
    for tensor in (
        values.clone().requires_grad_(),
        values.bfloat16(),
        values.half(),
        values.to_sparse(),
        torch.quantize_per_tensor(values, 0.5, 0, torch.quint8),
    ):
        assert check_images(tensor, "x").tolist() == [[1.5, 2.5]]
    assert check_images([values[0], values[0]], "x").tolist() == [[1.5, 2.5]] * 2
    with pytest.raises(TypeError, match="`x` must hold numbers .*complex64"):
        check_images(values.to(torch.complex64), "x")


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.csr_matrix([[0, 2], [1, 0]]), sparse.coo_array([[0, 2], [1, 0]])):
        assert check_images(matrix, "x").tolist() == [[0, 2], [1, 0]]


class Samples:
    """Pairs by their number, like a dataset of torch."""

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return np.zeros((2, 3)), number


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            [np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 5))],
            ValueError,
            r"\(4, 5\) at index 2",
        ),
        ([[1, 2], [1]], ValueError, r"lists of equal length.*\(1,\) at index 1"),
        (np.zeros((2, 3), "i4,f4"), TypeError, "records with the fields f0, f1"),
        (np.zeros((2, 3), "M8[D]"), TypeError, "`x` must hold numbers.*datetime64"),
        (np.full((2, 3), "a"), TypeError, "'a'.* at row 0, column 0"),
        (iter([1]), TypeError, "`x` must be an array.*Received: list_iterator .*from_batches"),
        ({"image": [1]}, TypeError, r"Received: dict \(pass one of its entries"),
        (lambda: [1], TypeError, r"Received: function \(call it"),
        (Samples(), TypeError, r"Received: Samples \(wrap it in a DataLoader"),
        (3, ValueError, "`x` must have shape"),
    ],
)
def test_other_things_are_refused_in_one_line(values, error, message):
    with pytest.raises(error, match=message) as caught:
        check_images(values, "x")
    assert "\n" not in str(caught.value)


def test_where_a_number_is_not_finite():
    x = np.zeros((4, 5, 6, 3), "float32")
    x[2, 1, 4, 0] = np.inf
    with pytest.raises(ValueError, match=r"1 such images, .* at index 2, position \(1, 4, 0\)"):
        check_images(x, "x")
    with pytest.raises(ValueError, match="finite numbers. Received: nan at row 1, column 0"):
        check_finite([[0.0], [np.nan]], "images")


def test_columns_are_matched_by_name():
    for others in (["a", "b"], None, ["0", "1"]):
        assert match_columns(["a", "b"], others, "x", "z") is None
    with pytest.warns(UserWarning, match="`z` has the columns of `x` in another order, b, c, a "):
        assert match_columns(["a", "b", "c"], ["b", "c", "a"], "x", "z") == [2, 0, 1]
    with pytest.raises(ValueError, match="only in x: none; only in z: c$"):
        match_columns(["a", "b"], ["a", "b", "c"], "x", "z")
    with pytest.raises(ValueError, match="the column 'b' more than once"):
        match_columns(["a", "b", "b"], ["b", "a", "b"], "x", "z")


def test_a_list_of_bytes_and_others_is_refused():
    one = np.full((4, 4), 200, "uint8")
    for other, dtype in ((one / 255, "float64"), (one.astype("uint16"), "uint16")):
        with pytest.raises(ValueError, match=f"one pixel unit: .*{dtype} at index 1, uint8 at ind"):
            check_images([one, other], "x")
    assert check_images([one, one], "x").dtype == np.uint8
