"""Files made to do harm, as strangers may send them: distilled sets and .npz files.

Each attack turns a good file into a bad one. Those that would run code or write somewhere leave the
file `marker` when they succeed.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Attack = Callable[[Path, Path], None]
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
HUGE = 10**12


class Trap:
    """Whoever unpickles it leaves the marker."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return open, (str(self.marker), "w")


def good_asset(path: Path, kind: str = "standardize") -> None:
    """Writes a tiny distilled set."""
    from keras_isa import DistilledData

    x = np.random.default_rng(0).integers(0, 256, (8, 2, 2, 1)).astype("uint8")
    DistilledData.from_samples(x, np.arange(8) % 2, 1, preprocessing=kind).save(path)


def good_npz(path: Path) -> None:
    """Writes a tiny dataset."""
    np.savez(path, **_arrays())


def _arrays() -> dict[str, np.ndarray]:
    x = np.random.default_rng(0).integers(0, 256, (12, 4, 4)).astype("uint8")
    y = np.arange(6) % 3
    return {"x_train": x[:6], "y_train": y, "x_test": x[6:], "y_test": y}


# ---------------------------------------------------------------- the parts of a file


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: dict[str, bytes], compression: int = 0) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def forged(path: Path, name: str, content: bytes) -> None:
    """Writes a member anew, with the right checksum."""
    write_members(path, {**members_of(path), name: content})


def in_config(change: Callable[[dict, Path], None], kind: str = "standardize") -> Attack:
    """Changes the settings of the set."""

    def attack(path: Path, marker: Path) -> None:
        if kind != "standardize":
            good_asset(path, kind)
        config = json.loads(members_of(path)[CONFIG])
        change(config["config"], marker)
        forged(path, CONFIG, json.dumps(config).encode())

    return attack


def setting(**values: Any) -> Attack:
    return in_config(lambda config, marker: config.update(values))


def layer(**values: Any) -> Attack:
    """Puts a foreign object where the preprocessing belongs."""
    return setting(preprocessing={"config": {}, "registered_name": None, **values})


def in_weights(change: Callable[[h5py.File, Path], None]) -> Attack:
    """Changes the arrays of the set."""

    def attack(path: Path, marker: Path) -> None:
        content = io.BytesIO(members_of(path)[WEIGHTS])
        with h5py.File(content, "r+") as file:
            change(file, marker.parent / "elsewhere.h5")
        forged(path, WEIGHTS, content.getvalue())

    return attack


def images(shape: tuple[int, ...], dtype: Any, value: Any = None, **options: Any) -> Attack:
    """Puts another array where the images belong, and its shape into the settings."""

    def change(file: h5py.File, elsewhere: Path) -> None:
        del file["vars/images"]
        data = None if value is None else np.full(shape, value, dtype)
        file.create_dataset("vars/images", shape, dtype, data, **options)

    def attack(path: Path, marker: Path) -> None:
        in_weights(change)(path, marker)
        setting(image_shape=list(shape[1:]), preprocessing=None)(path, marker)
        in_weights(lambda file, elsewhere: file.pop("preprocessing"))(path, marker)

    return attack


def other_images(make: Callable[[h5py.File, Path], Any]) -> Attack:
    def change(file: h5py.File, elsewhere: Path) -> None:
        with h5py.File(elsewhere, "w") as other:
            other["images"] = np.zeros((2, 2, 2, 1), "float32")
        del file["vars/images"]
        made = make(file, elsewhere)
        if made is not None:
            file["vars/images"] = made

    return in_weights(change)


def member(name: str, content: bytes = b"unexpected") -> Attack:
    return lambda path, marker: forged(path, name, content)


def in_list(name: str, at: int, value: bytes) -> Attack:
    """Changes bytes of a member's entry in the list of members."""

    def attack(path: Path, marker: Path) -> None:
        content = bytearray(path.read_bytes())
        start = content.rfind(name.encode()) - 46
        assert content[start : start + 4] == b"PK\1\2"
        content[start + at : start + at + len(value)] = value
        path.write_bytes(content)

    return attack


# ---------------------------------------------------------------- zip


def twice(path: Path, marker: Path) -> None:
    other = CONFIG[:-1] + "_"
    forged(path, other, members_of(path)[CONFIG])
    path.write_bytes(path.read_bytes().replace(other.encode(), CONFIG.encode()))


def endless_list(path: Path, marker: Path) -> None:
    members = members_of(path)
    write_members(path, {**members, **{f"assets/{k:0200}": b"" for k in range(10_000)}})


def overlapping(path: Path, marker: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        (weights,) = (info for info in archive.filelist if info.filename == WEIGHTS)
        for k in range(1000):
            copy = zipfile.ZipInfo(f"assets/{k}")
            for name in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(copy, name, getattr(weights, name))
            archive.filelist.append(copy)
        archive._didModify = True


def compressed_zeros(path: Path, marker: Path) -> None:
    zeros = {WEIGHTS: bytes(100_000_000)}
    write_members(path, {**members_of(path), **zeros}, zipfile.ZIP_DEFLATED)


def hdf5_and_zip(path: Path, marker: Path) -> None:
    """Keras reads it as either, depending on its name."""
    path.write_bytes(members_of(path)[WEIGHTS] + path.read_bytes())


def pickled_weights(path: Path, marker: Path) -> None:
    members = members_of(path)
    stream = io.BytesIO()
    np.savez(stream, **{"vars": np.array([Trap(marker)], object)})
    members["model.weights.npz"] = stream.getvalue()
    del members[WEIGHTS]
    write_members(path, members)


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _deep_config(path: Path, marker: Path) -> None:
    config = members_of(path)[CONFIG]
    forged(path, CONFIG, config.replace(b'"recipe": {}', b'"recipe": ' + _nested(100_000)))


def _deep_groups(file: h5py.File, elsewhere: Path) -> None:
    group = file["vars"]
    for _ in range(2000):
        group = group.create_group("g")
    group["array"] = np.zeros(3, "float32")


def _virtual(file: h5py.File, elsewhere: Path) -> None:
    layout = h5py.VirtualLayout((2, 2, 2, 1), "float32")
    layout[...] = h5py.VirtualSource(elsewhere, "images", (2, 2, 2, 1))
    file.create_virtual_dataset("vars/images", layout)


def _external(file: h5py.File, elsewhere: Path) -> None:
    file.create_dataset("vars/images", (2, 2, 2, 1), "f4", external=[(str(elsewhere), 0, 32)])


def _set_nan(file: h5py.File, elsewhere: Path) -> None:
    file["vars/labels"][0, 0] = np.nan


def _call(config: dict, marker: Path) -> None:
    config["preprocessing"] = {
        "module": "os",
        "class_name": "system",
        "config": f"touch {marker}",
        "registered_name": None,
    }


_LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}
_ZCA = {"image_shape": [2, 2, 1], "directions": HUGE}
_ITSELF = {"image_shape": [9], "num_classes": 9, "images_per_class": 9, "preprocessing": None}


def _zca(**values: Any) -> Attack:
    return in_config(lambda c, marker: c["preprocessing"]["build_config"].update(values), "zca")


ASSET_ATTACKS: dict[str, Attack] = {
    # names of members
    "name above": member("../marker"),
    "name far above": member("assets/../../../marker"),
    "absolute name": lambda path, marker: member(str(marker))(path, marker),
    "name of another system": member("assets/..\\..\\marker"),
    "name of a drive": member("C:\\marker"),
    "unexpected member": member("setup.py"),
    "unexpected asset": member("assets/preprocessing/marker"),
    "link as member": in_list("metadata.json", 38, (0o120777 << 16).to_bytes(4, "little")),
    "a member twice": twice,
    # sizes
    "endless list of members": endless_list,
    "overlapping members": overlapping,
    "compressed zeros": compressed_zeros,
    "declared larger": in_list(WEIGHTS, 24, b"\xf0\xff\xff\xff"),
    "declared larger twice": in_list(WEIGHTS, 20, b"\xf0\xff\xff\xff" * 2),
    "encrypted": in_list(WEIGHTS, 8, b"\1"),
    "hdf5 that is also a zip": hdf5_and_zip,
    # settings that run code
    "call of os.system": in_config(_call),
    "import of a module": layer(module="imported_by_nobody", class_name="Layer"),
    "lambda": setting(preprocessing=_LAMBDA),
    "lambda layer": layer(
        module="keras.layers", class_name="Lambda", config={"name": "a", "function": _LAMBDA}
    ),
    "saved model": layer(
        module="keras.layers", class_name="TFSMLayer", config={"filepath": "elsewhere"}
    ),
    "torch module": layer(
        module="keras.layers", class_name="TorchModuleWrapper", config={"module": "gASV"}
    ),
    "download": layer(
        module="keras.utils", class_name="function", config="get_file", registered_name="get_file"
    ),
    "layer without a class": in_config(lambda c, marker: c["preprocessing"].pop("class_name")),
    "registered name": setting(preprocessing="keras_isa>DistilledData"),
    "set inside of a set": layer(
        class_name="DistilledData", config=_ITSELF, registered_name="keras_isa>DistilledData"
    ),
    "foreign dtype": setting(dtype={"module": "os", "class_name": "system", "config": {}}),
    "unknown setting": setting(activity_regularizer={"class_name": "L2", "config": {}}),
    # settings that ask for too much or make no sense
    "many classes": setting(num_classes=HUGE),
    "large images": setting(image_shape=[10**6, 10**6, 1]),
    "many images": setting(images_per_class=HUGE),
    "many channels": layer(
        class_name="Standardization",
        config={"channels": HUGE},
        registered_name="keras_isa>Standardization",
    ),
    "many directions": _zca(**_ZCA),
    "large whitening": _zca(image_shape=[10**6, 10**6, 1]),
    "negative shape": setting(image_shape=[2, 2, -1]),
    "shape of words": setting(image_shape=["2", "2", "1"]),
    "classes without names": setting(class_names=[1, 2]),
    "recipe that is a list": setting(recipe=[]),
    "infinite pixels": setting(pixel_range=[0.0, float("inf")]),
    "deep settings": _deep_config,
    "long settings": member(CONFIG, b" " * 50_000_000 + b"{}"),
    "settings of lists": member(CONFIG, b"[" + b"[]," * 2_000_000 + b"0]"),
    # arrays
    "pickle as weights": lambda path, marker: forged(path, WEIGHTS, pickle.dumps(Trap(marker))),
    "pickle beside weights": pickled_weights,
    "external link": other_images(lambda file, other: h5py.ExternalLink(other, "images")),
    "soft link": other_images(lambda file, other: h5py.SoftLink("/vars/labels")),
    "link in a circle": in_weights(lambda file, other: file["vars"].update(again=file["vars"])),
    "external storage": other_images(_external),
    "virtual array": other_images(_virtual),
    "deep groups": in_weights(_deep_groups),
    "nothing stored": images((2, 10**5, 10**5, 1), "f4"),
    "zeros in gzip": images((2, 3000, 3000, 1), "f4", 0.0, compression="gzip"),
    "objects": images((2, 2, 2, 1), h5py.string_dtype()),
    "integers": images((2, 2, 2, 1), "i4", 0),
    "infinite": images((2, 2, 2, 1), "f4", np.inf),
    "not a number": in_weights(_set_nan),
    "another shape": images((3, 2, 2, 1), "f4", 0.0),
    "no labels": in_weights(lambda file, other: file.pop("vars/labels")),
    "one more array": in_weights(lambda file, other: file.update(more=np.zeros(3))),
    "rounding": in_weights(lambda file, other: file["vars/images"].attrs.update(dtype="bfloat16")),
}

# They change nothing: the set may be read as it was.
HARMLESS = {"link as member", "hdf5 that is also a zip"}


# ---------------------------------------------------------------- npz


def _header(text: str, content: bytes = bytes(96)) -> bytes:
    line = text.encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(line).to_bytes(2, "little") + line + content


def npy(descr: str, shape: str, key: str = "x_train") -> Attack:
    """Puts a header with another dtype and shape before 96 bytes."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return member(f"{key}.npy", _header(text))


def objects(key: str) -> Attack:
    def attack(path: Path, marker: Path) -> None:
        np.savez(path, **{**_arrays(), key: np.array([Trap(marker)] * 6, object)})

    return attack


def _compressed(compression: int) -> Attack:
    def attack(path: Path, marker: Path) -> None:
        zeros = npy_of(np.zeros(20_000_000, "uint8"))
        write_members(path, {**members_of(path), "x_train.npy": zeros}, compression)

    return attack


def npy_of(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


NPZ_ATTACKS: dict[str, Attack] = {
    **{f"objects as {key}": objects(key) for key in (*_arrays(), "class_names")},
    "pickle": lambda path, marker: path.write_bytes(pickle.dumps(Trap(marker))),
    "pickle as member": lambda path, marker: forged(
        path, "x_train.npy", pickle.dumps(Trap(marker))
    ),
    "pickle under a key": lambda path, marker: write_members(
        path,
        {n.removesuffix(".npy"): pickle.dumps(Trap(marker)) for n in members_of(path)},
    ),
    "header that asks for more": npy("'|u1'", f"({HUGE},)"),
    "header beyond all numbers": npy("'|u1'", f"({HUGE}, {HUGE}, {HUGE})"),
    "header that asks for less": npy("'|u1'", "(5, 4, 4)"),
    "negative shape": npy("'|u1'", "(-6, -4, 4)"),
    "objects in a header": npy("'|O'", "(6, 4, 4)"),
    "objects in a field": npy("[('a', '|O')]", "(12,)"),
    "empty texts": npy("'<U0'", f"({HUGE},)", "class_names"),
    "empty fields": npy("[]", f"({HUGE},)"),
    "empty tuple": npy("()", "(6, 4, 4)"),
    "code in a header": npy("__import__('os').system('touch marker')", "(6, 4, 4)"),
    "deep header": npy("(" * 500 + ")" * 500, "(6, 4, 4)"),
    "long header": member("x_train.npy", _header(" " * 60_000)),
    "compressed a thousandfold": _compressed(zipfile.ZIP_LZMA),
    "zeros under another key": _compressed(zipfile.ZIP_BZIP2),
    "declared larger": in_list("x_train.npy", 24, b"\xf0\xff\xff\xff"),
    "endless list of members": endless_list,
    "single array that asks for more": lambda path, marker: path.write_bytes(
        _header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({HUGE},), }}")
    ),
}
