"""Small downloads in the layouts that their authors distribute, and what should be read of them.

Each function writes a folder and returns `(x_train, y_train, x_test, y_test, class_names)`.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

Expected = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]


def images(count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Noise, `(count, *shape)` uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def labels(count: int, classes: int) -> np.ndarray:
    """Every class in turn, `(count,)` int64."""
    return np.arange(count) % classes


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """An image file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, kind)
    return file.getvalue()


def written(path: Path, content: bytes | str) -> Path:
    """A file in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---------------------------------------------------------------- MATLAB


def mat(path: Path, arrays: dict[str, np.ndarray], compress: bool = True) -> Path:
    """A MATLAB file of version 5, as `save` writes it; uint8 and float64 arrays."""
    content = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    for name, array in arrays.items():
        kind, stored = {"u": (9, 2), "f": (6, 9)}[array.dtype.kind]
        body = b"".join(
            _element(*part)
            for part in (
                (6, struct.pack("<II", kind, 0)),
                (5, struct.pack(f"<{array.ndim}i", *array.shape)),
                (1, name.encode()),
                (stored, array.tobytes(order="F")),
            )
        )
        element = struct.pack("<II", 14, len(body)) + body
        if compress:
            element = zlib.compress(element)
            element = struct.pack("<II", 15, len(element)) + element
        content += element
    return written(path, content)


def _element(kind: int, content: bytes) -> bytes:
    if len(content) <= 4:
        return struct.pack("<HH4s", kind, len(content), content)
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def svhn(folder: Path, compress: bool = True) -> Expected:
    """SVHN's second form; the label 10 is the digit 0."""
    parts = []
    for seed, (part, count) in enumerate((("train", 20), ("test", 10))):
        x, y = images(count, (32, 32, 3), seed), labels(count, 10)
        stored = np.where(y == 0, 10, y).astype(np.uint8 if seed else np.float64)
        arrays = {"X": x.transpose(1, 2, 3, 0), "y": stored[:, np.newaxis]}
        mat(folder / f"{part}_32x32.mat", arrays, compress)
        parts += [x, y]
    return *parts, tuple("0123456789")


# ---------------------------------------------------------------- arrays of bytes


def stl10(folder: Path) -> Expected:
    """STL-10: channel by channel, each of them column by column; labels from 1."""
    parts = []
    for seed, (part, count) in enumerate((("train", 20), ("test", 10))):
        x, y = images(count, (96, 96, 3), seed), labels(count, 10)
        written(folder / f"{part}_X.bin", x.transpose(0, 3, 2, 1).tobytes())
        written(folder / f"{part}_y.bin", (y + 1).astype(np.uint8).tobytes())
        parts += [x, y]
    names = "airplane bird car cat deer dog horse monkey ship truck".split()
    written(folder / "class_names.txt", "\n".join(names) + "\n")
    return *parts, tuple(names)


def medmnist(folder: Path, name: str = "bloodmnist", classes: int = 8, shape=(28, 28, 3)):
    """A set of MedMNIST with one label per image."""
    arrays, parts = {}, []
    for seed, (part, count) in enumerate((("train", 16), ("val", 8), ("test", 8))):
        x, y = images(count, shape, seed), labels(count, classes)
        arrays |= {f"{part}_images": x, f"{part}_labels": y[:, np.newaxis].astype(np.uint8)}
        if part != "val":
            parts += [x, y]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{name}.npz", **arrays)
    names = "basophil,eosinophil,erythroblast,immature granulocyte,lymphocyte,monocyte,neutrophil"
    return *parts, (*names.split(","), "platelet")


def pixel_csv(folder: Path) -> Expected:
    """MNIST and its like as Kaggle has them, a row of numbers for each image."""
    parts = []
    for seed, (part, count) in enumerate((("train", 12), ("test", 6))):
        x, y = images(count, (4, 4, 1), seed), labels(count, 3)
        head = ",".join(["label", *(f"pixel{place}" for place in range(16))])
        rows = [",".join(map(str, [y[i], *x[i].reshape(-1)])) for i in range(count)]
        written(folder / f"fashion-mnist_{part}.csv", "\n".join([head, *rows]) + "\n")
        parts += [x, y]
    return *parts, tuple("012")


# ---------------------------------------------------------------- image files


def gtsrb(folder: Path, sizes: Sequence[tuple[int, int]] = ((8, 8),)) -> Expected:
    """GTSRB as its authors distribute it, all images as .ppm; 43 classes."""
    from PIL import Image

    root = folder / "GTSRB"
    x, y = images(43, (*sizes[0], 3)), np.arange(43)
    for number, pixels in enumerate(x):
        place = root / "Final_Training" / "Images" / f"{number:05d}"
        place.mkdir(parents=True)
        Image.fromarray(pixels).save(place / "00000_00000.ppm")
        written(place / f"GT-{number:05d}.csv", _signs([("00000_00000.ppm", number)], ";"))
    x_test, y_test = images(5, (*sizes[-1], 3), 1), np.array([3, 42, 0, 7, 7])
    place = root / "Final_Test" / "Images"
    place.mkdir(parents=True)
    for number, pixels in enumerate(x_test):
        Image.fromarray(pixels).save(place / f"{number:05d}.ppm")
    rows = [(f"{number:05d}.ppm", label) for number, label in enumerate(y_test)]
    written(folder / "GT-final_test.csv", _signs(rows, ";"))
    return x, y, x_test, y_test, tuple(map(str, range(43)))


def _signs(rows: Sequence[tuple[str, int]], delimiter: str, name: str = "Filename") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow([name, "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"])
    writer.writerows([one, 8, 8, 1, 1, 6, 6, label] for one, label in rows)
    return file.getvalue()


def gtsrb_kaggle(folder: Path) -> Expected:
    """GTSRB as on Kaggle, with tables of paths."""
    x, y = images(43, (8, 8, 3)), np.arange(43)
    x_test, y_test = images(5, (8, 8, 3), 1), np.array([3, 42, 0, 7, 7])
    train = [f"Train/{number}/00000_00000.png" for number in y]
    test = [f"Test/{number:05d}.png" for number in range(5)]
    for names, pixels in ((train, x), (test, x_test)):
        for name, one in zip(names, pixels, strict=True):
            written(folder / name, encoded(one))
    for part, names, own in (("Train", train, y), ("Test", test, y_test)):
        rows = list(zip(names, own, strict=True))
        written(folder / f"{part}.csv", _signs(rows, ",", "Path"))
    written(folder / "Meta.csv", "Path,ClassId,ShapeId,ColorId,SignId\nMeta/0.png,0,1,0,3.29\n")
    return x, y, x_test, y_test, tuple(map(str, range(43)))


# ---------------------------------------------------------------- Hugging Face


def hugging_face_table(x: np.ndarray, y: Sequence, names: Sequence[str] | None = None, **more):
    """A table with image files and labels, as the `datasets` library makes it."""
    import pyarrow as pa

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    files = [{"bytes": encoded(one), "path": f"{i}.png"} for i, one in enumerate(x)]
    features = {"image": {"_type": "Image"}}
    if names is not None:
        features["label"] = {"names": list(names), "_type": "ClassLabel"}
    table = pa.table({"image": pa.array(files, kind), "label": list(y), **more})
    note = json.dumps({"info": {"features": features}})
    return table.replace_schema_metadata({"huggingface": note})


def hugging_face(folder: Path) -> Expected:
    """A set of the Hub in Parquet files, the training part in two."""
    import pyarrow.parquet as pq

    x, y, x_test, y_test = (
        images(24, (6, 6, 3)),
        labels(24, 3),
        images(6, (6, 6, 3), 1),
        labels(6, 3),
    )
    names = ("cat", "dog", "ship")
    table = hugging_face_table(x, y, names)
    data = folder / "data"
    data.mkdir(parents=True)
    for i in range(2):
        part = table.slice(12 * i, 12)
        pq.write_table(part, data / f"train-0000{i}-of-00002.parquet", row_group_size=5)
    table = hugging_face_table(x_test, y_test, names)
    pq.write_table(table, data / "test-00000-of-00001.parquet")
    return x, y, x_test, y_test, names


def saved_to_disk(folder: Path) -> Expected:
    """A set of the Hub as `save_to_disk` writes it, in Arrow streams."""
    import pyarrow as pa

    x, y, x_test, y_test = (
        images(24, (6, 6, 3)),
        labels(24, 3),
        images(6, (6, 6, 3), 1),
        labels(6, 3),
    )
    names = ("cat", "dog", "ship")
    written(folder / "dataset_dict.json", json.dumps({"splits": ["train", "test"]}))
    for part, pixels, own in (("train", x, y), ("test", x_test, y_test)):
        table = hugging_face_table(pixels, own, names)
        path = written(folder / part / "data-00000-of-00001.arrow", b"")
        with pa.ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table, max_chunksize=10)
        written(folder / part / "state.json", "{}")
        written(folder / part / "dataset_info.json", "{}")
    return x, y, x_test, y_test, names


SAMPLES: dict[str, Callable[[Path], Expected]] = {
    "svhn": svhn,
    "stl10": stl10,
    "medmnist": medmnist,
    "pixel_csv": pixel_csv,
    "gtsrb": gtsrb,
    "gtsrb_kaggle": gtsrb_kaggle,
    "hugging_face": hugging_face,
    "saved_to_disk": saved_to_disk,
}
