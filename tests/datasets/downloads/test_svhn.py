import numpy as np
import pytest

from keras_isa import datasets


@pytest.mark.parametrize("compress", [True, False])
def test_digits(format_samples, check_read, tmp_path, compress):
    expected = format_samples.svhn(tmp_path / "svhn", compress)
    train, _ = check_read(tmp_path / "svhn", expected)
    assert train.name == str(tmp_path / "svhn")
    check_read(tmp_path, expected)  # one folder above


def test_the_same_as_scipy_reads(format_samples, tmp_path):
    from scipy.io import loadmat

    format_samples.svhn(tmp_path)
    arrays = loadmat(tmp_path / "train_32x32.mat")
    train, _ = datasets.load(tmp_path)
    np.testing.assert_array_equal(train.x, arrays["X"].transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(train.y, arrays["y"][:, 0] % 10)


def test_extra_images(format_samples, check_read, tmp_path):
    x, y, *rest = format_samples.svhn(tmp_path)
    extra = format_samples.images(3, (32, 32, 3), 9)
    stored = {"X": extra.transpose(1, 2, 3, 0), "y": np.array([[10], [1], [9]], "uint8")}
    format_samples.mat(tmp_path / "extra_32x32.mat", stored)
    check_read(tmp_path, (x, y, *rest), warns="extra_32x32.mat not used")
    expected = np.concatenate([x, extra]), np.concatenate([y, [0, 1, 9]])
    check_read(tmp_path, (*expected, *rest), key="extra")
    with pytest.raises(ValueError, match="`key` must be None or \"extra\".*key='more'"):
        datasets.load(tmp_path, key="more")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.ones((4, 1), "uint8")}, "no images X"),
        ({"X": np.zeros((32, 32, 3, 4)), "y": np.ones((4, 1))}, "X is float64"),
        ({"X": np.zeros((32, 32, 3, 4), "uint8"), "y": np.ones((3, 1))}, "4 images and 3 labels"),
        ({"X": np.zeros((32, 32, 3, 1), "uint8"), "y": np.zeros((1, 1))}, "from 1 to 10"),
        ({"X": np.zeros((32, 32, 3, 1), "uint8"), "y": np.full((1, 1), 1.5)}, "from 1 to 10"),
    ],
)
def test_other_arrays(format_samples, tmp_path, arrays, message):
    format_samples.svhn(tmp_path)
    format_samples.mat(tmp_path / "test_32x32.mat", arrays)
    with pytest.raises(ValueError, match=f"test_32x32.mat \\(.*{message}"):
        datasets.load(tmp_path)


def test_a_missing_part(format_samples, tmp_path):
    format_samples.svhn(tmp_path)
    (tmp_path / "test_32x32.mat").unlink()
    with pytest.raises(ValueError, match="must be complete.*test_32x32.mat"):
        datasets.load(tmp_path)


def test_whole_numbers(format_samples, tmp_path):
    format_samples.written(tmp_path / "train" / "digitStruct.mat", b"")
    format_samples.written(tmp_path / "train" / "1.png", b"")
    with pytest.raises(ValueError, match="second form, train_32x32.mat.*digitStruct"):
        datasets.load(tmp_path)
