"""What processes keep for later ones, in files that are checked before they are used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

_DIGEST_BYTES = hashlib.sha256().digest_size
_CPU_INFO = Path("/proc/cpuinfo")


def user_folder() -> Path:
    """Returns the folder of all caches, `keras_isa` in the user's folder of caches."""
    import platformdirs

    return platformdirs.user_cache_path("keras_isa", appauthor=False)


def processor() -> str:
    """Returns the kind of this machine's processor, with the instructions that it has.

    A compiled program runs only where all instructions in it exist.
    """
    about = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):
        text = _CPU_INFO.read_text()
        for field in ("model name", "flags", "Features"):
            about += re.findall(rf"^{field}\s*:\s*(.*)$", text, re.MULTILINE)[:1]
    return " ".join(about)


class FileCache:
    """Bytes by their key, one file each.

    A file begins with a digest of key and value, so that a file that is damaged, cut off or not of
    this key is not used, and neither is a link. Files are written whole or not at all. Nothing here
    raises an error: a cache that cannot be read or written is an empty one.

    The folder of a cache belongs to one kind of processor, because keys such as JAX's do not tell
    processors apart. Whoever can write to the folder decides what is used here, so that a folder is
    not used if other users can write to it.

    Args:
        root: Folder of all caches; it is made if it is missing.
        about: Texts that tell caches apart, such as versions; `processor()` is always one of them.
        suffix: End of the names of files.
        most_bytes: When the cache is opened and takes more, what was used longest ago is removed. A
            file of more than this is not used.

    Example:

    >>> import tempfile
    >>> from keras_isa.backend.file_cache import FileCache
    >>> with tempfile.TemporaryDirectory() as root:
    ...     cache = FileCache(root, ["jax 0.10.2"], suffix=".program", most_bytes=2**30)
    ...     cache.put("a key", b"a program")
    ...     cache.get("a key"), cache.get("another key")
    (b'a program', None)
    """

    def __init__(
        self, root: str | os.PathLike, about: Iterable[str], *, suffix: str, most_bytes: int
    ) -> None:
        self._suffix, self._most_bytes = suffix, most_bytes
        digest = hashlib.sha256("\n".join([processor(), *about]).encode()).hexdigest()
        self.folder = Path(root) / digest[:16]
        with contextlib.suppress(OSError):
            Path(root).mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
        self._usable = _is_private(Path(root)) and _is_private(self.folder)
        self._remove_oldest()

    def get(self, key: str) -> bytes | None:
        """Returns the value of a key, or `None` if there is none or its file is not as written.

        Args:
            key: The key.
        """
        if not self._usable:
            return None
        path = self._path(key)
        try:
            status = path.lstat()
            sound = stat.S_ISREG(status.st_mode) and status.st_size <= self._most_bytes
            content = path.read_bytes() if sound else b""
        except OSError:
            return None
        digest, value = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != _digest(key, value):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return value

    def put(self, key: str, value: bytes) -> None:
        """Keeps the value of a key, if it can be written.

        Args:
            key: The key.
            value: The value.
        """
        if not self._usable:
            return
        name = None
        try:
            handle, name = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, value) + value)
            os.replace(name, self._path(key))
        except OSError:  # the disk is full, or the folder can only be read
            with contextlib.suppress(OSError, TypeError):
                os.unlink(name)

    def _path(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + self._suffix)

    def _remove_oldest(self) -> None:
        with contextlib.suppress(OSError):
            files = [(path, path.stat()) for path in self.folder.glob(f"*{self._suffix}")]
            total = sum(status.st_size for _, status in files)
            for path, status in sorted(files, key=lambda one: one[1].st_mtime):
                if total <= self._most_bytes:
                    break
                path.unlink()
                total -= status.st_size


def _digest(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + value).digest()


def _is_private(folder: Path) -> bool:
    """Whether a folder is this user's and nobody else can write to it."""
    try:
        status = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):  # Windows: folders of the user's profile are private
        return True
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.getuid() and not others
