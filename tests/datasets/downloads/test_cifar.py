import pickle
import shutil

import numpy as np
import pytest

from keras_isa import datasets


def as_images(rows):
    """Rows of red, green and blue planes as images, pixel by pixel."""
    images = np.empty((len(rows), 32, 32, 3), "uint8")
    for channel in range(3):
        images[..., channel] = rows[:, 1024 * channel : 1024 * (channel + 1)].reshape(-1, 32, 32)
    return images


@pytest.mark.parametrize("form", ["python", "binary"])
def test_cifar10(samples, tmp_path, form):
    folder = getattr(samples, f"cifar10_{form}")(tmp_path)
    arrays = samples.cifar10_arrays()
    for source in (folder, tmp_path):  # the folder that it lies in serves too
        train, test = datasets.load(source)
        rows = np.concatenate([x for x, _ in list(arrays.values())[:5]])
        np.testing.assert_array_equal(train.x, as_images(rows))
        np.testing.assert_array_equal(test.x, as_images(arrays["test_batch"][0]))
        labels = [label for _, y in list(arrays.values())[:5] for label in y]
        assert train.y.tolist() == labels
        assert test.y.tolist() == arrays["test_batch"][1]
        assert train.class_names == tuple(samples.CIFAR10_NAMES)


@pytest.mark.parametrize("form", ["python", "binary"])
@pytest.mark.parametrize(
    ("key", "names", "column"), [(None, "FINE_NAMES", 1), ("coarse", "COARSE_NAMES", 2)]
)
def test_cifar100(samples, tmp_path, form, key, names, column):
    folder = getattr(samples, f"cifar100_{form}")(tmp_path)
    train, test = datasets.load(folder, key=key)
    for part, name in ((train, "train"), (test, "test")):
        expected = samples.cifar100_arrays()[name]
        np.testing.assert_array_equal(part.x, as_images(expected[0]))
        assert part.y.tolist() == expected[column]
        assert part.class_names == tuple(getattr(samples, names))


@pytest.mark.parametrize("protocol", range(6))
def test_batches_written_anew(samples, tmp_path, protocol):
    folder = samples.cifar10_python(tmp_path)
    for name, (x, y) in samples.cifar10_arrays().items():
        batch = {"data": x, "labels": [np.int64(label) for label in y]}
        (folder / name).write_bytes(pickle.dumps(batch, protocol))
    train, _ = datasets.load(folder)
    np.testing.assert_array_equal(
        train.x[:3], as_images(samples.cifar10_arrays()["data_batch_1"][0])
    )


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("gztar", "tar.gz"),
        ("bztar", "tar.bz2"),
        ("xztar", "tar.xz"),
        ("tar", "tar"),
        ("zip", "zip"),
    ],
)
def test_archives(samples, tmp_path, kind, end):
    pack = samples.archive(samples.cifar10_python, "cifar-10-python", kind)
    path = pack(tmp_path)
    assert path.name == f"cifar-10-python.{end}"
    train, test = datasets.load(path)
    assert (len(train), len(test), train.name) == (15, 3, str(path))
    prepared = datasets.prepare("cifar10", path, tmp_path / "set")
    assert (prepared.train, prepared.num_classes) == (15, 3)
    np.testing.assert_array_equal(datasets.load(tmp_path / "set")[0].x[:], train.x)
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, "set"]


def test_both_sets_in_one_folder(samples, tmp_path):
    samples.cifar10_python(tmp_path)
    samples.cifar100_python(tmp_path)
    with pytest.raises(ValueError, match="one image set.*holds cifar10 and cifar100"):
        datasets.load(tmp_path)
    assert datasets.prepare("cifar100", tmp_path, tmp_path / "set.npz").train == 5


def test_another_set_than_its_name_says(samples, tmp_path):
    folder = samples.cifar100_python(tmp_path)
    with pytest.raises(ValueError, match="`source` must be cifar10. Received: .*is cifar100"):
        datasets.prepare("cifar10", folder, tmp_path / "set.npz")
    assert datasets.prepare("mine", folder, tmp_path / "set.npz").train == 5


def test_at_another_size(samples, tmp_path):
    from keras_isa.datasets.images import fit_image

    folder = samples.cifar10_binary(tmp_path)
    whole, small = datasets.load(folder)[1], datasets.load(folder, image_size=8)[1]
    np.testing.assert_array_equal(small.x, [fit_image(image, (8, 8)) for image in whole.x])


def test_what_is_missing_is_named(samples, tmp_path):
    folder = samples.cifar10_python(tmp_path)
    (folder / "data_batch_3").unlink()
    with pytest.raises(ValueError, match="must be complete. Received: no file .*data_batch_3"):
        datasets.load(folder)
    shutil.rmtree(folder)
    folder = samples.cifar100_binary(tmp_path)
    (folder / "test.bin").write_bytes(bytes(3074 + 5))
    with pytest.raises(ValueError, match="test.bin .*not a multiple of 3074 bytes"):
        datasets.load(folder)
    (folder / "test.bin").write_bytes(bytes([0, 9]) + bytes(3072))
    with pytest.raises(ValueError, match="labels from 0 to 3. Received: .* 9 to 9"):
        datasets.load(folder)


def test_a_key_that_there_is_not(samples, tmp_path):
    with pytest.raises(ValueError, match="`key` must be coarse or fine. Received: key='x'"):
        datasets.load(samples.cifar100_python(tmp_path), key="x")
    with pytest.raises(ValueError, match="`key` must be None for cifar10. Received: key='fine'"):
        datasets.load(samples.cifar10_python(tmp_path), key="fine")
