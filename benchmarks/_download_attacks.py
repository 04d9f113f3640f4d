"""Downloads made to do harm: pickles, archives and files with forged heads.

Each attack turns a good sample into a bad one. Those that would run code or write somewhere leave
the file `marker` when they succeed.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from _attacks import Attack, Trap

HUGE = 0xFFFFFFFF
_KEY = b"\x80\x02}U\x06labels"


def content(name: str, make: bytes | Callable[[Path], bytes]) -> Attack:
    """Puts other content into a file of the sample."""

    def attack(path: Path, marker: Path) -> None:
        made = make if isinstance(make, bytes) else make(marker)
        (path / name if name else path).write_bytes(made)

    return attack


# ---------------------------------------------------------------- pickles


def _system(marker: Path) -> bytes:
    command = f"touch {marker}".encode()
    return b"cos\nsystem\n(S'" + command + b"'\ntR."


def _installed(marker: Path) -> bytes:
    return b"(S'touch " + str(marker).encode() + b"'\nios\nsystem\n."


def _by_stack(marker: Path) -> bytes:
    command = f"touch {marker}".encode()
    text = b"\x8c" + bytes([len(command)]) + command
    return b"\x80\x04\x8c\x02os\x8c\x06system\x93" + text + b"\x85R."


def _as_array(name: bytes) -> bytes:
    """A call of another function where NumPy's belongs."""
    return _KEY + b"c" + name + b"\ncnumpy\nndarray\nK\x00\x85U\x01b\x87Rs."


def _array(shape: bytes, data: bytes, dtype: bytes = b"u1") -> bytes:
    return (
        b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\nU\x02" + dtype + b"K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + data + b"tbs."
    )


def _bomb(levels: int) -> bytes:
    """Lists of ten references each to the list before: ten to the power of `levels` in all."""
    lists = b"".join(
        b"](" + b"h" + bytes([k]) + (b"h" + bytes([k])) * 9 + b"eq" + bytes([k + 1])
        for k in range(levels)
    )
    return b"\x80\x02}q\x00U\x06labels]q\x00" + lists + b"."


def _encoded_again(times: int) -> bytes:
    """One long text that is encoded again and again."""
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
    call = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    return b"\x80\x02](" + text + call * times + b"e."


_PICKLES: dict[str, bytes | Callable[[Path], bytes]] = {
    "call by REDUCE": lambda marker: pickle.dumps(Trap(marker), 2),
    "call by REDUCE inside": lambda marker: pickle.dumps({"labels": [1], "data": Trap(marker)}, 4),
    "os.system": _system,
    "os.system by INST": _installed,
    "os.system by STACK_GLOBAL": _by_stack,
    "os.system by OBJ": lambda marker: b"(cos\nsystem\nS'touch " + str(marker).encode() + b"'\no.",
    "call by NEWOBJ": b"\x80\x02cbuiltins\nlist\n)\x81.",
    "state by BUILD": b"\x80\x02]}U\x01aK\x01sb.",
    "state of a name": b"\x80\x02cnumpy\ndtype\n}b.",
    "another function": _as_array(b"os\nsystem"),
    "another function of NumPy": _as_array(b"numpy.core.multiarray\narray"),
    "a file of NumPy": _as_array(b"numpy\nfromfile"),
    "a type called": _as_array(b"numpy\nndarray"),
    "dotted name": _as_array(b"numpy\ndtype.__class__"),
    "extension": b"\x80\x02\x82\x01.",
    "persistent identity": b"Pmarker\n.",
    "persistent identity on the stack": b"\x80\x02U\x06markerQ.",
    "buffer outside": b"\x80\x05\x97.",
    "unknown protocol": b"\x80\x63}.",
    "bomb of references": _bomb(200),
    "text encoded again": _encoded_again(3000),
    "deep tuples": b"\x80\x02" + b"(" * 100_000,
    "deep lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "deep tuples of one": b"\x80\x02K\x01" + b"\x85" * 500_000 + b".",
    "endless instructions": b"\x80\x02}" + b"N0" * 3_000_000 + b".",
    "endless values": b"\x80\x02" + b"]" * 3_000_000 + b".",
    "no value": b"\x80\x02.",
    "two values": b"\x80\x02}}.",
    "a list": b"\x80\x02].",
    "something behind": b"\x80\x02}.}",
    "text longer than the file": b"\x80\x02}U\x04dataT\xff\xff\xff\x7f",
    "bytes longer than the file": b"\x80\x04}\x8c\x04data\x8e" + struct.pack("<Q", 1 << 62),
    "bytearray longer than the file": b"\x80\x05}\x8c\x04data\x96" + struct.pack("<Q", 1 << 40),
    "number longer than the file": b"\x80\x02}U\x01a\x8b\xff\xff\xff\x7f",
    "negative length": b"\x80\x02}U\x01aT\xff\xff\xff\xff",
    "number of a million digits": b"(dS'a'\nL" + b"9" * 1_000_000 + b"L\ns.",
    "reference to nothing": b"\x80\x02h\x07.",
    "reference far away": b"\x80\x02}r\xff\xff\xff\x7f.",
    "line without an end": b"(dS'" + b"a" * 1_000_000,
    "key that is a list": b"\x80\x02}]K\x01s.",
    "absurd array": _array(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", b"U\x04abcd"),
    "negative array": _array(b"J\xff\xff\xff\xffJ\xfc\xff\xff\xff\x86", b"U\x04abcd"),
    "array of objects": _array(b"K\x04\x85", b"U\x04abcd", b"O8"),
    "array of objects from a list": _array(b"K\x01\x85", b"]", b"O8"),
    "array of texts": _array(b"K\x04\x85", b"U\x04abcd", b"S1"),
    "array of empty texts": _array(b"J\xff\xff\xff\x7f\x85", b"U\x00", b"S0"),
    "array out of a number": _array(b"K\x04\x85", b"K\x04"),
    "array of itself": _array(b"K\x04\x85", b"h\x00"),
    "images without rows": _array(b"K\x04\x85", b"U\x04abcd"),
}


def _pickles(name: str) -> dict[str, Attack]:
    return {case: content(name, make) for case, make in _PICKLES.items()}


# ---------------------------------------------------------------- IDX


def _idx(lengths: tuple[int, ...], data: bytes = bytes(8), kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{len(lengths)}I", 0, 0, kind, len(lengths), *lengths) + data


_IDX = {
    "absurd lengths": _idx((HUGE, HUGE, HUGE)),
    "many images": _idx((HUGE, 1, 1)),
    "many images of nothing": _idx((HUGE, 0, HUGE), b""),
    "many axes": struct.pack(">BBBB", 0, 0, 8, 255) + b"\xff" * 1020,
    "no axes": _idx((), b"a"),
    "unknown type": _idx((2, 2, 2), kind=0x0D),
    "integers": _idx((2, 1, 1), kind=0x0C),
    "more than it says": _idx((2, 2, 2), bytes(100_000)),
    "nothing": b"",
}


def _bomb_gz(head: bytes, size: int) -> bytes:
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(head)
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return stream.getvalue()


def _idx_attacks(images: str, packed: bool) -> dict[str, Attack]:
    cases = {
        case: content(images, gzip.compress(made) if packed else made)
        for case, made in _IDX.items()
    }
    if packed:
        few = _idx((7, 6, 5), bytes(210))
        cases["more behind the end"] = content(images, lambda _: _bomb_gz(few, 1 << 27))
        cases["much that is nothing"] = content(
            images, lambda _: _bomb_gz(_idx((HUGE, 1, 1)), 1 << 27)
        )
        cases["a gzip file in another"] = content(images, gzip.compress(gzip.compress(few)))
    return cases


# ---------------------------------------------------------------- archives


def _tar(*members: tuple[dict, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for values, data in members:
            member = tarfile.TarInfo()
            member.size = len(data)
            for key, value in values.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _tar_member(mode: str, data: bytes = b"a", **values: object) -> Attack:
    def make(marker: Path) -> bytes:
        filled = {
            key: value.format(marker=marker) if isinstance(value, str) else value
            for key, value in values.items()
        }
        return _tar((filled, data), mode=mode)

    return content("", make)


def _long_header(size: int) -> bytes:
    """A header of the extended kind that announces `size` bytes."""
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, size
    return member.tobuf(tarfile.GNU_FORMAT)


def _sparse(marker: Path) -> bytes:
    member = tarfile.TarInfo("data_batch_1")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 0
    head = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    head[483:495] = b"77777777777\0"
    head[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(head))[0]
    return bytes(head) + bytes(1024)


def _tars(mode: str) -> dict[str, Attack]:
    links = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE}
    devices = {"device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE, "pipe": tarfile.FIFOTYPE}
    cases = {
        "name above": _tar_member(mode, name="../../marker"),
        "name far above": _tar_member(mode, name="a/../../../../../marker"),
        "absolute name": _tar_member(mode, name="{marker}"),
        "name of another system": _tar_member(mode, name="..\\..\\marker"),
        "a member twice": content("", _tar(*[({"name": "a"}, b"a")] * 2, mode=mode)),
        **{
            case: _tar_member(mode, b"", name="data_batch_1", type=kind, linkname="{marker}")
            for case, kind in (links | devices).items()
        },
        "file behind a link": content(
            "",
            lambda marker: _tar(
                ({"name": "a", "type": tarfile.SYMTYPE, "linkname": str(marker.parent)}, b""),
                ({"name": "a/marker"}, b"a"),
                mode=mode,
            ),
        ),
    }
    if mode == "w":
        cases["long header"] = content("", _long_header(1 << 33))
        cases["sparse file"] = content("", _sparse)
    else:
        cases["bomb"] = content(
            "", lambda _: gzip.compress(_tar(({"name": "a"}, bytes(1 << 27))), 1)
        )
        cases["bomb behind the end"] = content(
            "", lambda _: _bomb_gz(_tar(({"name": "a"}, b"a")), 1 << 27)
        )
        cases["bomb in a header"] = content("", lambda _: _bomb_gz(_long_header(1 << 33), 1 << 27))
        cases["many members"] = content(
            "", lambda _: gzip.compress(_tar(({"name": "a"}, b""))[:512] * 50_000)
        )
    return cases


def _zip(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return stream.getvalue()


def _says_less(made: bytes, size: int) -> bytes:
    """A member that is larger than the list says."""
    changed = bytearray(made)
    place = made.rfind(b"PK\1\2")
    changed[place + 24 : place + 28] = struct.pack("<I", size)
    return bytes(changed)


def _zips() -> dict[str, Attack]:
    return {
        "name above": content("", _zip(("../../marker", b"a"))),
        "absolute name": content("", lambda marker: _zip((str(marker), b"a"))),
        "name of another system": content("", _zip(("..\\..\\marker", b"a"))),
        "name of a drive": content("", _zip(("C:marker", b"a"))),
        "link": content("", lambda marker: _zip(("a", str(marker).encode()), mode=0o120777)),
        "device": content("", _zip(("a", b""), mode=0o020777)),
        "bomb": content("", lambda _: _zip(("a", bytes(1 << 27)))),
        "bomb of many": content("", lambda _: _zip(*((f"{k}", bytes(1 << 20)) for k in range(64)))),
        "bomb that says less": content("", lambda _: _says_less(_zip(("a", bytes(1 << 27))), 100)),
        "said to be larger": content("", _says_less(_zip(("a", b"a")), HUGE - 1)),
        "file as folder": content("", _zip(("a", b"a"), ("a/b", b"b"))),
        "nothing": content("", b""),
    }


def of(kind: str) -> dict[str, Attack]:
    """The attacks on one sample."""
    return _ATTACKS.get(kind, lambda: {})()


_ATTACKS: dict[str, Callable[[], dict[str, Attack]]] = {
    "cifar10_python": lambda: {**_pickles("data_batch_1")},
    "cifar100_python": lambda: {**_pickles("meta")},
    "imagenet_pickles": lambda: {**_pickles("val_data")},
    "mnist": lambda: _idx_attacks("train-images-idx3-ubyte", packed=False),
    "mnist_gz": lambda: _idx_attacks("train-images-idx3-ubyte.gz", packed=True),
    "cifar10_tar_gz": lambda: _tars("w:gz"),
    "cifar100_tar": lambda: _tars("w"),
    "imagenet_zip": _zips,
}
