import csv
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from keras_isa.asset.export import _layout, contrasted, export_npz, export_png, save_grid


def fake(images_per_class=1, channels=1, names=None):
    """Digits standing in for distilled data, exceeding the pixel range as such images do."""
    data = load_digits()
    rows = np.concatenate([np.flatnonzero(data.target == c)[:images_per_class] for c in range(10)])
    images = (data.images[rows, ..., None] / 16.0 * 1.4 - 0.2).astype("float32")
    images = np.repeat(images, channels, axis=-1)
    labels = (np.eye(10)[data.target[rows]] - 0.1).astype("float32")

    def to_numpy(space="pixels"):
        return (images if space == "pixels" else (images - 0.3) / 0.4), labels

    return SimpleNamespace(
        to_numpy=to_numpy,
        class_names=names or [f"digit {c}" for c in range(10)],
        class_ids=data.target[rows],
        pixel_range=(0.0, 1.0),
        images_per_class=images_per_class,
    )


def read(path, mode=None):
    with Image.open(path) as file:
        return np.asarray(file.convert(mode) if mode else file)


def shape_of(groups, columns=None):
    rows, columns, *_ = zip(*_layout([np.arange(n) for n in groups], columns), strict=True)
    return max(rows) + 1, max(columns) + 1


def test_layout():
    assert shape_of([1] * 10) == (2, 5)
    assert shape_of([1] * 3) == (1, 3)
    assert shape_of([1] * 100) == (7, 15)
    assert shape_of([10] * 10) == (10, 10)
    assert shape_of([2] * 10, columns=5) == (4, 5)
    places = [(0, 0, 0, 4), (0, 1, 1, 5), (1, 1, 1, 6)]
    assert _layout([np.array([4]), np.array([5, 6])], None) == places


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("images_per_class, tiles", [(1, (2, 5)), (3, (3, 10))])
def test_grid_holds_every_image_pixel_for_pixel(tmp_path, images_per_class, tiles, channels):
    distilled = fake(images_per_class, channels)
    save_grid(distilled, tmp_path / "grid.png")
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]
    picture = read(tmp_path / "grid.png", "RGB")
    gap, caption, head, tile = 8, 20, 34, 96
    assert picture.shape[:2] == (
        head + tiles[0] * (tile + caption + gap) + gap,
        tiles[1] * (tile + gap) + gap,
    )
    images, _ = distilled.to_numpy()
    for index, image in enumerate(images):
        if images_per_class == 1:
            row, column = divmod(index, 5)
        else:
            column, row = divmod(index, images_per_class)
        y, x = head + caption + row * (tile + caption + gap), gap + column * (tile + gap)
        expected = np.broadcast_to(contrasted(image), (8, 8, 3)).repeat(12, 0).repeat(12, 1)
        np.testing.assert_array_equal(picture[y : y + tile, x : x + tile], expected)
        assert picture[y - caption : y, x : x + tile].min() < 128  # the class name


def test_contrast_ignores_outliers():
    image = np.linspace(0, 1, 400).reshape(20, 20, 1)
    plain = contrasted(image).astype(int)
    image[0, 0], image[19, 19] = -50, 50
    assert np.abs(contrasted(image).astype(int) - plain).max() <= 3
    assert contrasted(np.full((4, 4, 1), 7.0)).tolist() == np.zeros((4, 4, 1)).tolist()


def test_large_sets_are_cut(tmp_path):
    distilled = fake(25)
    save_grid(distilled, tmp_path / "grid.png")
    height = read(tmp_path / "grid.png").shape[0]
    assert height == 34 + 20 * (96 + 28) + 8


def test_grid_accepts_odd_names_and_overwrites(tmp_path):
    names = ["$x", "a very long class name that does not fit", "", "a\nb"] + list("45678\U00012000")
    path = tmp_path / "grid.png"
    path.write_text("old")
    save_grid(fake(names=names), path, columns=3)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="`columns` must be a positive integer"):
        save_grid(fake(), path, columns=0)


def test_npz_round_trip_without_pickle(tmp_path):
    distilled = fake(2)
    export_npz(distilled, tmp_path / "set.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["set.npz"]
    images, labels = distilled.to_numpy()
    with np.load(tmp_path / "set.npz", allow_pickle=False) as file:
        assert set(file) == {"images", "labels", "images_model_space", "class_ids", "class_names"}
        np.testing.assert_array_equal(file["images"], images)
        np.testing.assert_array_equal(file["labels"], labels)
        np.testing.assert_array_equal(file["images_model_space"], distilled.to_numpy("model")[0])
        np.testing.assert_array_equal(file["class_ids"], np.repeat(np.arange(10), 2))
        assert file["class_names"].tolist() == distilled.class_names
        assert file["images"].dtype == file["labels"].dtype == np.float32


@pytest.mark.parametrize("channels", [1, 3])
def test_png_files_and_labels(tmp_path, channels):
    names = ["../up", "T-shirt/top"] + [f"digit {c}" for c in range(2, 10)]
    distilled = fake(2, channels, names)
    folder = tmp_path / "new" / "pictures"
    export_png(distilled, folder)
    images, labels = distilled.to_numpy()
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["file", "class", *names]
    assert [row[0] for row in rows[:4]] == [
        "0_up/0.png",
        "0_up/1.png",
        "1_T-shirt_top/0.png",
        "1_T-shirt_top/1.png",
    ]
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")} == {
        row[0] for row in rows
    } | {"labels.csv"}
    assert rows[2][1] == "T-shirt/top"
    for row, image, label in zip(rows, images, labels, strict=True):
        picture = read(folder / row[0])
        assert picture.dtype == np.uint8 and picture.ndim == (2 if channels == 1 else 3)
        expected = np.clip(image * 255, 0, 255)
        got = picture.astype("float32").reshape(image.shape)
        np.testing.assert_allclose(got, expected, atol=0.51)
        np.testing.assert_array_equal(np.array(row[2:], "float32"), label)
    assert expected.min() == 0 and expected.max() == 255


def test_pixel_range_is_used(tmp_path):
    distilled = fake()
    distilled.pixel_range = (-1.0, 3.0)
    export_png(distilled, tmp_path)
    got = read(tmp_path / "3_digit_3" / "0.png").astype("float32")
    np.testing.assert_allclose(got, (distilled.to_numpy()[0][3, ..., 0] + 1) / 4 * 255, atol=0.51)


def test_unwritable_targets_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`path` must lie in an existing folder"):
        save_grid(fake(), tmp_path / "none" / "grid.png")
    with pytest.raises(ValueError, match="`path` must be a file, not a folder"):
        export_npz(fake(), tmp_path)
    with pytest.raises(ValueError, match="`folder` must be a folder"):
        export_png(fake(), tmp_path / "file")
    with pytest.raises(ValueError, match="1 or 3 channels"):
        export_png(fake(channels=2), tmp_path / "two")


@pytest.mark.parametrize(("count", "features"), [(1, 2), (3, 12)])
def test_sequences_are_drawn_as_lines(tmp_path, count, features):
    x = np.random.default_rng(0).normal(size=(2 * count, 9, features)).astype("float32")
    x[..., 1] = 5  # a feature that never changes
    distilled = SimpleNamespace(
        to_numpy=lambda space="pixels": (x, np.eye(2).repeat(count, axis=0)),
        class_names=("$walk", "run"),
        class_ids=np.arange(2).repeat(count),
        pixel_range=(-1.0, 1.0),
        images_per_class=count,
    )
    save_grid(distilled, tmp_path / "series.png")
    picture = read(tmp_path / "series.png", "RGB")
    # The first colour of the lines, in each half of the picture.
    blue = (np.abs(picture.astype(int) - [31, 119, 180]).sum(axis=-1) < 10).nonzero()[1]
    assert min(blue) < picture.shape[1] / 2 < max(blue)
    export_npz(distilled, tmp_path / "series.npz")
    with np.load(tmp_path / "series.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], x)
    with pytest.raises(ValueError, match=r"use export_npz.* sequences of shape \(9, "):
        export_png(distilled, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_flat_features_are_drawn_as_squares(tmp_path):
    distilled = fake()
    images = distilled.to_numpy()[0].reshape(10, 64)[:, :60]
    distilled.to_numpy = lambda space="pixels": (images, np.eye(10))
    save_grid(distilled, tmp_path / "flat.png")
    picture = read(tmp_path / "flat.png", "L")
    assert picture.shape[0] > 2 * 96 and len(np.unique(picture)) > 20
    export_npz(distilled, tmp_path / "flat.npz")
    with np.load(tmp_path / "flat.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], images)
    with pytest.raises(ValueError, match="use export_npz"):
        export_png(distilled, tmp_path / "folder")
