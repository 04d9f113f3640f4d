import io
import pickle
import tracemalloc

import numpy as np
import pytest

from keras_isa import datasets


def as_images(rows, side):
    return np.stack([np.moveaxis(row.reshape(3, side, side), 0, -1) for row in rows])


@pytest.mark.parametrize("form", ["pickles", "npz"])
@pytest.mark.parametrize("side", [16, 64])
def test_batches(samples, tmp_path, form, side):
    folder = getattr(samples, f"imagenet_{form}")(tmp_path, side)
    arrays = samples.imagenet_arrays(side)
    rows = np.concatenate([arrays[f"train_data_batch_{k}"]["data"] for k in range(1, 11)])
    labels = [label for k in range(1, 11) for label in arrays[f"train_data_batch_{k}"]["labels"]]
    train, test = datasets.load(tmp_path)
    np.testing.assert_array_equal(train.x, as_images(rows, side))
    np.testing.assert_array_equal(test.x, as_images(arrays["val_data"]["data"], side))
    assert train.class_names == ("1", "2", "3")
    assert (train.y + 1).tolist() == labels and test.y.tolist() == [1, 2]
    prepared = datasets.prepare(f"imagenet{side}", folder, tmp_path / "set")
    assert (prepared.train, prepared.image_shape) == (20, (side, side, 3))
    np.testing.assert_array_equal(datasets.load(tmp_path / "set")[0].x[:], train.x)
    other = 32
    with pytest.raises(ValueError, match=f"`source` must be imagenet{other}.*is imagenet{side}"):
        datasets.prepare(f"imagenet{other}", folder, tmp_path / "other")


def test_names_of_the_authors(samples, tmp_path):
    folder = samples.imagenet_pickles(tmp_path)
    lines = ["n02119789 1 kit_fox", "n02012849 2 crane", "n03126707 3 crane", "n02123159 4 cat"]
    (folder / "map_clsloc.txt").write_text("\n".join(lines))
    assert datasets.load(folder)[0].class_names == ("kit_fox", "crane (2)", "crane (3)")


@pytest.mark.parametrize("form", ["pickles", "npz"])
def test_some_images_are_read_and_the_rest_is_not(samples, tmp_path, form):
    from keras_isa.datasets.downloads.imagenet import read

    folder = getattr(samples, f"imagenet_{form}")(tmp_path)
    count = 3000
    for k, name in enumerate(samples.imagenet_arrays()):
        rows = np.broadcast_to(np.arange(count)[:, None] % 251, (count, 192)).astype("uint8")
        values = {"data": rows, "labels": [k % 2 + 1] * count}
        if form == "pickles":
            (folder / name).write_bytes(pickle.dumps(values, 3))
        else:
            np.savez_compressed(folder / f"{name}.npz", **values)
    read(folder)  # imports what is needed
    tracemalloc.start()
    parts = read(folder)
    one = next(iter(parts.train.select(np.array([2 * count + 700]))))
    summed = sum(int(image[0, 0, 0]) for image in parts.train)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert one.shape == (8, 8, 3) and (one == 700 % 251).all()
    assert summed == 10 * int((np.arange(count) % 251).sum())
    # The images of all files have 6.3 MB, of one 0.6 MB; labels have 0.6 MB.
    assert peak < 4e6


def test_what_is_wrong_is_named(samples, tmp_path):
    folder = samples.imagenet_pickles(tmp_path)
    whole = (folder / "val_data").read_bytes()
    for values, message in (
        ({"data": samples.pixels(2, 192), "labels": [1]}, r"must be uint8 \(1, 192\)"),
        ({"data": samples.pixels(2, 100), "labels": [1, 2]}, "rows of 3 . side . side"),
        ({"data": samples.pixels(2, 192), "labels": [1, 2.5]}, "not whole numbers"),
        ({"data": samples.pixels(2, 192)}, "not whole numbers"),
        ({"data": samples.pixels(1, 192), "labels": [9]}, "part lacks. Received: 9 in .*val_data"),
        ({"data": samples.pixels(1, 768), "labels": [1]}, "of one size.*8, 16"),
    ):
        (folder / "val_data").write_bytes(pickle.dumps(values, 3))
        with pytest.raises(ValueError, match=message):
            datasets.prepare("imagenet", folder, tmp_path / "set")
    (folder / "val_data").write_bytes(whole)
    (folder / "train_data_batch_7").unlink()
    with pytest.raises(ValueError, match="no file .*train_data_batch_7"):
        datasets.load(folder)


def test_an_npz_file_whose_images_are_objects(samples, tmp_path):
    folder = samples.imagenet_npz(tmp_path)
    stream = io.BytesIO()
    np.savez(stream, data=np.array([[None] * 192]), labels=np.array([1]))
    (folder / "val_data.npz").write_bytes(stream.getvalue())
    with pytest.raises(ValueError, match="val_data.npz .*object"):
        datasets.load(folder)
