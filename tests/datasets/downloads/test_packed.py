import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.downloads.packed import CLASS_NAMES, FILES, read


@pytest.fixture
def packed(samples, tmp_path, crops):
    """Writes 20 training and 10 test images, in both files as CIFAR-10 is."""
    x = np.stack(crops(0, 30, (32, 32)))
    y = (np.arange(30) % 10).astype("uint8")
    return samples.write_packed(tmp_path, x, y, 13, 7), x, y


def test_what_was_packed_comes_out(packed):
    folder, x, y = packed
    train, test = datasets.load(folder)
    np.testing.assert_array_equal(train.x, x[:20])
    np.testing.assert_array_equal(test.x, x[20:])
    assert train.y.tolist() == y[:20].tolist() and test.y.tolist() == y[20:].tolist()
    assert train.class_names == CLASS_NAMES and train.name == str(folder)


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_prepared_by_name(packed, kind):
    folder, x, _ = packed
    output = folder / ("cifar10.npz" if kind == "npz" else "cifar10")
    prepared = datasets.prepare("cifar10", folder, output)
    assert (prepared.train, prepared.test, prepared.num_classes) == (20, 10, 10)
    train, test = datasets.load(output)
    np.testing.assert_array_equal(test.x[:], x[20:])
    assert train.class_names == CLASS_NAMES


def test_damaged_files_are_refused(packed):
    folder, *_ = packed
    whole = (folder / FILES[1]).read_bytes()
    (folder / FILES[1]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="part2.*, which is something else or damaged"):
        datasets.load(folder)
    (folder / FILES[1]).unlink()
    with pytest.raises(ValueError, match="must be complete. Received: no file .*part2"):
        read(folder)


@pytest.mark.slow
def test_cifar10(data_dir):
    if not (data_dir / FILES[0]).is_file():
        pytest.skip(f"needs {FILES[0]}")
    train, test = datasets.load(data_dir)
    assert (train.x.shape, test.x.shape) == ((50000, 32, 32, 3), (10000, 32, 32, 3))
    assert np.bincount(train.y).tolist() == [5000] * 10
    assert np.bincount(test.y).tolist() == [1000] * 10
    means = train.x.reshape(-1, 3).mean(0, dtype="float64") / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=1e-4)
