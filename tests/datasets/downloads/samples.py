"""Small samples of every download, in the layout that its authors distribute.

`SAMPLES` lists them by name. Tests read them, and benchmarks/fuzz_files.py damages them. A format
joins with one function that writes its files into a folder.
"""

import dataclasses
import gzip
import io
import pickle
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.eurosat import CLASS_NAMES as EUROSAT_NAMES
from keras_isa.datasets.downloads.layouts import LAYOUTS

CIFAR10_NAMES = ["airplane", "automobile", "bird"]
FINE_NAMES, COARSE_NAMES = ["apple", "bear", "crab", "dolphin"], ["fruit", "animal"]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Files of one download.

    Args:
        write: Writes them into an empty folder and returns what `load` is given.
        download: Its name in the registry.
        checked: Whether each byte that counts is under a checksum, so that a changed one is found.
        key: As in `Download.open`.
    """

    write: Callable[[Path], Path]
    download: str
    checked: bool = False
    key: str | None = None


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    """Bytes of no meaning."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype("uint8")


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """Writes files by name, and returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


# ---------------------------------------------------------------- pickles as Python 2 wrote them


def old_pickle(values: dict) -> bytes:
    """A dictionary of lists and uint8 arrays in protocol 2, with texts that are bytes."""
    parts = [b"\x80\x02}q\x01("]
    for number, (key, value) in enumerate(values.items()):
        parts += [_old_text(key), b"q" + bytes([2 + number]), _old_value(value)]
    return b"".join((*parts, b"u."))


def _old_value(value) -> bytes:
    if isinstance(value, np.ndarray):
        shape = b"".join(_old_number(length) for length in value.shape)
        return (
            b"cnumpy.core.multiarray\n_reconstruct\nq\x30cnumpy\nndarray\nq\x31K\x00\x85q\x32"
            b"U\x01bq\x33\x87q\x34Rq\x35(K\x01" + shape + b"\x86q\x36"
            b"cnumpy\ndtype\nq\x37U\x02u1q\x38K\x00K\x01\x87q\x39Rq\x3a"
            b"(K\x03U\x01|q\x3bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x3cb\x89"
            b"T" + struct.pack("<I", value.nbytes) + value.tobytes() + b"q\x3dtq\x3eb"
        )
    if isinstance(value, list):
        one = _old_text if value and isinstance(value[0], str) else _old_number
        return b"](" + b"".join(map(one, value)) + b"e"
    return _old_text(value) if isinstance(value, str) else _old_number(value)


def _old_text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode("ascii")


def _old_number(number: int) -> bytes:
    return b"K" + bytes([number]) if number < 256 else b"M" + struct.pack("<H", number)


def oldest_pickle(names: list[str], key: str) -> bytes:
    """A dictionary with a number and class names in protocol 0, as batches.meta of CIFAR-10 is."""
    listed = "a".join(f"S'{name}'\np{number}\n" for number, name in enumerate(names, 4))
    return f"(dp1\nS'{key}'\np2\n(lp3\n{listed}asS'num_vis'\np50\nI3072\ns.".encode("ascii")


# ---------------------------------------------------------------- CIFAR


def cifar10_arrays() -> dict[str, tuple[np.ndarray, list[int]]]:
    """Rows of pixels and labels by file: three images in each."""
    names = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
    return {name: (pixels(3, 3072, seed=k), [k % 3, 1, 2]) for k, name in enumerate(names)}


def cifar10_python(folder: Path) -> Path:
    files = {
        name: old_pickle(
            {"batch_label": name, "labels": y, "data": x, "filenames": ["a.png", "b.png", "c.png"]}
        )
        for name, (x, y) in cifar10_arrays().items()
    }
    meta = {"batches.meta": oldest_pickle(CIFAR10_NAMES, "label_names"), "readme.html": b"<html>"}
    return written(folder / "cifar-10-batches-py", files | meta)


def cifar10_binary(folder: Path) -> Path:
    files = {
        f"{name}.bin": np.column_stack([np.array(y, "uint8"), x]).tobytes()
        for name, (x, y) in cifar10_arrays().items()
    }
    meta = {"batches.meta.txt": "\n".join((*CIFAR10_NAMES, "")).encode()}
    return written(folder / "cifar-10-batches-bin", files | meta)


def cifar100_arrays() -> dict[str, tuple[np.ndarray, list[int], list[int]]]:
    """Rows of pixels, fine and coarse labels by file."""
    return {
        "train": (pixels(5, 3072, seed=1), [3, 0, 1, 2, 0], [1, 0, 1, 1, 0]),
        "test": (pixels(2, 3072, seed=2), [2, 0], [1, 0]),
    }


def cifar100_python(folder: Path) -> Path:
    files = {
        name: old_pickle({"data": x, "fine_labels": fine, "coarse_labels": coarse})
        for name, (x, fine, coarse) in cifar100_arrays().items()
    }
    files["meta"] = old_pickle({"fine_label_names": FINE_NAMES, "coarse_label_names": COARSE_NAMES})
    return written(folder / "cifar-100-python", files)


def cifar100_binary(folder: Path) -> Path:
    files = {
        f"{name}.bin": np.column_stack(
            [*(np.array(y, "uint8") for y in (coarse, fine)), x]
        ).tobytes()
        for name, (x, fine, coarse) in cifar100_arrays().items()
    }
    files |= {
        "fine_label_names.txt": "\n".join(FINE_NAMES).encode(),
        "coarse_label_names.txt": "\n".join(COARSE_NAMES).encode(),
    }
    return written(folder / "cifar-100-binary", files)


# ---------------------------------------------------------------- ImageNet in batches


def imagenet_arrays(side: int = 8) -> dict[str, dict]:
    """What each file holds."""
    names = (*(f"train_data_batch_{k}" for k in range(1, 11)), "val_data")
    found = {
        name: {"data": pixels(2, 3 * side**2, seed=k), "labels": [k % 3 + 1, 3]}
        for k, name in enumerate(names)
    }
    for name in names[:-1]:
        found[name]["mean"] = np.full(3 * side**2, 127.5)
    return found


def imagenet_pickles(folder: Path, side: int = 8) -> Path:
    files = {name: pickle.dumps(arrays, 3) for name, arrays in imagenet_arrays(side).items()}
    return written(folder / f"Imagenet{side}", files)


def imagenet_npz(folder: Path, side: int = 8) -> Path:
    files = {}
    for name, arrays in imagenet_arrays(side).items():
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        files[f"{name}.npz"] = stream.getvalue()
    return written(folder / f"Imagenet{side}_npz", files)


# ---------------------------------------------------------------- IDX


def idx(array: np.ndarray) -> bytes:
    """An array in IDX; four-byte integers where it is not of bytes."""
    code, dtype = (0x08, "u1") if array.dtype == np.uint8 else (0x0C, ">i4")
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(dtype).tobytes()


def idx_arrays(first: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images `(N, 6, 5)` and labels from `first` by part."""
    return {
        "train": (pixels(7, 6, 5, seed=1), np.arange(7, dtype="uint8") % 3 + first),
        "test": (pixels(3, 6, 5, seed=2), np.array([2, 0, 0], "uint8") + first),
    }


def idx_files(
    prefix: str = "", test: str = "t10k", dot: str = "-", first: int = 0, packed: bool = False
) -> dict[str, bytes]:
    files = {}
    for part, (images, labels) in idx_arrays(first).items():
        part = test if part == "test" else part
        files[f"{prefix}{part}-images{dot}idx3-ubyte"] = idx(images)
        files[f"{prefix}{part}-labels{dot}idx1-ubyte"] = idx(labels.astype("uint8"))
    if not packed:
        return files
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}


def mnist(folder: Path) -> Path:
    return written(folder / "raw", idx_files())


def mnist_gz(folder: Path) -> Path:
    return written(folder / "MNIST", idx_files(packed=True))


def emnist(folder: Path) -> Path:
    return written(folder / "gzip", idx_files("emnist-letters-", "test", first=1, packed=True))


# ---------------------------------------------------------------- files of images


def encoded(image: np.ndarray, kind: str, **options) -> bytes:
    """An image `(H, W, 3)` as a file."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **options)
    return stream.getvalue()


def mosaics(images: np.ndarray, rows: int = 2, columns: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Lossless WebP mosaics, the last one filled up with black, and where each of them ends."""
    parts = []
    for start in range(0, len(images), rows * columns):
        grid = np.zeros((rows * columns, *images.shape[1:]), "uint8")
        some = images[start : start + rows * columns]
        grid[: len(some)] = some
        grid = grid.reshape(rows, columns, *images.shape[1:]).swapaxes(1, 2)
        picture = grid.reshape(rows * images.shape[1], columns * images.shape[2], 3)
        parts.append(encoded(picture, "webp", lossless=True, exact=True))
    offsets = np.cumsum([0, *map(len, parts)])
    return np.frombuffer(b"".join(parts), "uint8"), offsets


def write_packed(folder: Path, x: np.ndarray, y: np.ndarray, first: int, second: int) -> Path:
    """Writes CIFAR-10 as mosaics: `first` and `second` training images, the rest for the test."""
    parts = {
        "cifar10_part1_webp.npz": {"train": slice(0, first), "test": slice(0, 0)},
        "cifar10_part2_webp.npz": {
            "train": slice(first, first + second),
            "test": slice(first + second, None),
        },
    }
    for name, places in parts.items():
        arrays = {"tile": np.array(x.shape[1:])}
        for part, rows in places.items():
            arrays[f"x_{part}_bytes"], arrays[f"x_{part}_offsets"] = mosaics(x[rows])
            arrays[f"y_{part}"] = y[rows]
        np.savez(folder / name, **arrays)
    return folder


def cifar10_packed(folder: Path) -> Path:
    made = written(folder / "packed", {})
    return write_packed(made, pixels(22, 8, 8, 3), (np.arange(22) % 10).astype("uint8"), 7, 5)


def tiny_imagenet(folder: Path) -> Path:
    top = folder / "tiny-imagenet-200"
    names = ("n01443537", "n07734744")
    lines = []
    for k, name in enumerate(names):
        written(
            top / "train" / name / "images",
            {f"{name}_0.JPEG": encoded(pixels(64, 64, 3, seed=k), "jpeg", quality=20)},
        )
        written(
            top / "val" / "images",
            {f"val_{k}.JPEG": encoded(pixels(64, 64, 3, seed=2 + k), "jpeg", quality=20)},
        )
        lines.append(f"val_{k}.JPEG\t{name}\t0\t0\t62\t62\n")
    written(top / "val", {"val_annotations.txt": "".join(lines).encode()})
    words = b"n01443537\tgoldfish\nn07734744\tmushroom\n"
    return written(top, {"wnids.txt": "\n".join(names).encode(), "words.txt": words})


def class_folders(folder: Path, names: Sequence[str], suffix: str, images: np.ndarray) -> None:
    """Writes the same number of images for each class."""
    each = len(images) // len(names)
    for number, name in enumerate(names):
        some = images[number * each : (number + 1) * each]
        files = {f"{name}_{k}{suffix}": encoded(image, "jpeg") for k, image in enumerate(some)}
        written(folder / name, files)


def eurosat(folder: Path) -> Path:
    class_folders(folder / "EuroSAT" / "2750", EUROSAT_NAMES, ".jpg", pixels(50, 16, 16, 3))
    return folder / "EuroSAT"


def imagenette(folder: Path) -> Path:
    names = list(LAYOUTS["imagenette128"].names)
    for part in ("train", "val"):
        class_folders(folder / "imagenette2-160" / part, names, ".JPEG", pixels(20, 20, 16, 3))
    return folder / "imagenette2-160"


# ---------------------------------------------------------------- archives


def archive(write: Callable[[Path], Path], name: str, kind: str) -> Callable[[Path], Path]:
    """Packs the folder that `write` makes, and leaves only the archive."""

    def pack(folder: Path) -> Path:
        content = write(folder / "content")
        path = shutil.make_archive(str(folder / name), kind, content.parent, content.name)
        shutil.rmtree(folder / "content")
        return Path(path)

    return pack


SAMPLES = {
    "cifar10_python": Sample(cifar10_python, "cifar10"),
    "cifar10_binary": Sample(cifar10_binary, "cifar10"),
    "cifar10_tar_gz": Sample(archive(cifar10_python, "cifar-10-python", "gztar"), "cifar10", True),
    "cifar100_python": Sample(cifar100_python, "cifar100"),
    "cifar100_coarse": Sample(cifar100_python, "cifar100", key="coarse"),
    "cifar100_binary": Sample(cifar100_binary, "cifar100"),
    "cifar100_tar": Sample(archive(cifar100_binary, "cifar-100-binary", "tar"), "cifar100"),
    "imagenet_pickles": Sample(imagenet_pickles, "imagenet8"),
    "imagenet_npz": Sample(imagenet_npz, "imagenet8", True),
    "imagenet_zip": Sample(archive(imagenet_pickles, "Imagenet8", "zip"), "imagenet8", True),
    "cifar10_packed": Sample(cifar10_packed, "cifar10", True),
    "tiny_imagenet": Sample(tiny_imagenet, "tiny_imagenet"),
    "imagenette": Sample(imagenette, "imagenette128"),
    "imagenette_tgz": Sample(
        archive(imagenette, "imagenette2-160", "gztar"), "imagenette128", checked=True
    ),
    "eurosat": Sample(eurosat, "eurosat"),
    "eurosat_zip": Sample(archive(eurosat, "EuroSAT", "zip"), "eurosat", checked=True),
    "mnist": Sample(mnist, "mnist"),
    "mnist_gz": Sample(mnist_gz, "mnist", True),
    "emnist_zip": Sample(archive(emnist, "gzip", "zip"), "emnist", True),
}
