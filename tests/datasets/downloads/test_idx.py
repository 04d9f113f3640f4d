import gzip
import struct

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.downloads.idx import FASHION_MNIST
from keras_isa.datasets.downloads.registry import recognise_download


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(("test", "dot"), [("t10k", "-"), ("t10k", "."), ("test", "-")])
def test_mnist(samples, tmp_path, packed, test, dot):
    folder = samples.written(tmp_path / "raw", samples.idx_files("", test, dot, packed=packed))
    for source in (folder, tmp_path, next(iter(sorted(folder.iterdir())))):
        parts = datasets.load(source)
        for part, name in zip(parts, ("train", "test"), strict=True):
            images, labels = samples.idx_arrays()[name]
            np.testing.assert_array_equal(part.x, images[..., None])
            assert part.y.tolist() == labels.tolist()
            assert part.class_names == ("0", "1", "2")
    assert datasets.prepare("mnist", folder, tmp_path / "set.npz").image_shape == (6, 5, 1)


def test_plain_files_beside_packed_ones(samples, tmp_path):
    folder = samples.mnist(tmp_path)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"not one")
    assert len(datasets.load(folder)[0]) == 7


def test_emnist_stands_upright_with_letters_as_names(samples, tmp_path):
    folder = samples.emnist(tmp_path)
    train, test = datasets.load(folder)
    images, labels = samples.idx_arrays()["train"]
    np.testing.assert_array_equal(train.x[..., 0], images.transpose(0, 2, 1))
    assert train.class_names == ("A", "B", "C") and train.y.tolist() == labels.tolist()
    (folder / "emnist-letters-mapping.txt").write_text("1 88 120\n2 89 121\n3 90 122\n")
    assert datasets.load(folder)[0].class_names == ("X", "Y", "Z")


def test_several_sets_in_one_folder(samples, tmp_path):
    folder = samples.emnist(tmp_path)
    samples.written(folder, samples.idx_files("emnist-balanced-", "test", packed=True))
    with pytest.raises(ValueError, match="`key` must be 'balanced' or 'letters'.*key=None"):
        datasets.load(folder)
    for key in ("balanced", "emnist-balanced"):
        assert datasets.load(folder, key=key)[0].class_names == ("0", "1", "2")
    with pytest.raises(ValueError, match="`key` must be 'balanced' or 'letters'.*key='digits'"):
        datasets.load(folder, key="digits")
    one = folder / "emnist-letters-test-labels-idx1-ubyte.gz"
    assert datasets.load(one)[0].class_names == ("A", "B", "C")


def test_qmnist_labels(samples, tmp_path):
    files = {}
    for part, (images, labels) in samples.idx_arrays().items():
        table = np.column_stack([labels.astype("int32"), np.full((len(labels), 7), 70_000)])
        files[f"qmnist-{part}-images-idx3-ubyte"] = samples.idx(images)
        files[f"qmnist-{part}-labels-idx2-int"] = samples.idx(table)
    folder = samples.written(tmp_path / "qmnist", files)
    assert recognise_download(folder).name == "qmnist"
    with pytest.warns(UserWarning, match="has eight numbers per image; only the first one"):
        train, test = datasets.load(folder)
    assert train.y.tolist() == [0, 1, 2, 0, 1, 2, 0] and test.y.tolist() == [2, 0, 0]


def test_fashion_mnist_is_known_by_its_labels(samples, tmp_path):
    labels = np.resize(np.arange(10, dtype="uint8"), 60_000)
    labels[:10] = 9, 0, 0, 3, 0, 2, 7, 2, 5, 5
    files = {
        "train-images-idx3-ubyte": samples.idx(np.zeros((60_000, 1, 1), "uint8")),
        "train-labels-idx1-ubyte.gz": gzip.compress(samples.idx(labels), 1),
        "t10k-images-idx3-ubyte": samples.idx(np.ones((10, 1, 1), "uint8")),
        "t10k-labels-idx1-ubyte": samples.idx(np.arange(10, dtype="uint8")),
    }
    folder = samples.written(tmp_path / "fashion", files)
    assert recognise_download(folder).name == "fashion_mnist"
    assert datasets.load(folder)[0].class_names == FASHION_MNIST
    with pytest.raises(ValueError, match="`source` must be mnist.*is fashion_mnist"):
        datasets.prepare("mnist", folder, tmp_path / "set.npz")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train-images-idx3-ubyte", b"", "it begins with"),
        ("train-images-idx3-ubyte", b"\x89PNG", "begins with 89 50 4e 47"),
        ("train-images-idx3-ubyte", struct.pack(">I", 0x803) + b"\0\0", "ends within its header"),
        (
            "train-images-idx3-ubyte",
            struct.pack(">4I", 0x803, *[2**32 - 1] * 3),
            "its header asks for 79,228,162,458,924,105,385,300,197,375 bytes",
        ),
        (
            "train-images-idx3-ubyte",
            struct.pack(">4I", 0x803, 2, 1, 1) + b"abc",
            "asks for 18 bytes, but there are 19",
        ),
        (
            "train-images-idx3-ubyte",
            struct.pack(">2I", 0x801, 3) + b"abc",
            r"images must be bytes \(N, H, W\), but they are uint8 \(3,\)",
        ),
        ("train-labels-idx1-ubyte", struct.pack(">2I", 0x801, 2) + b"ab", "7 images and 2 labels"),
        ("t10k-labels-idx1-ubyte", struct.pack(">2I", 0x801, 3) + bytes([0, 1, 9]), "class.* 9 in"),
    ],
)
def test_damaged_files_are_refused(samples, tmp_path, name, content, reason):
    folder = samples.mnist(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        datasets.load(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_gzip_files_are_bounded_and_checked(samples, tmp_path):
    folder = samples.mnist_gz(tmp_path)
    path = folder / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    path.write_bytes(gzip.compress(struct.pack(">4I", 0x803, 2**31, 1, 1) + bytes(1 << 20)))
    with pytest.raises(ValueError, match="asks for 2,147,483,648 bytes, more than it can have"):
        datasets.load(folder)
    path.write_bytes(gzip.compress(gzip.decompress(whole) + b"more"))
    with pytest.raises(ValueError, match="does not have the 210 bytes"):
        datasets.load(folder)
    path.write_bytes(whole[:-8] + bytes(4) + whole[-4:])
    with pytest.raises(ValueError, match="CRC check failed"):
        datasets.load(folder)


def test_a_missing_file_is_named(samples, tmp_path):
    folder = samples.mnist(tmp_path)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="both parts. Received: .*raw without test-labels"):
        datasets.load(folder)
