"""Writing files so that a reader never meets half of one."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def checked_path(path: str | os.PathLike, argument: str = "path") -> Path:
    """Returns `path` as a `Path`.

    Args:
        path: a string or a path.
        argument: the name the caller knows `path` by, used in the error.

    Raises:
        TypeError: when it is neither.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"`{argument}` must be a string or a path. Received: {type(path).__name__}")
    return Path(path)


def file_name(text: str) -> str:
    """Returns a text as part of the name of a file, 80 bytes at most, as file systems count bytes.

    Example:
        >>> from keras_isa.files import file_name
        >>> file_name("a/b: c.d")
        'a_b_c.d'
    """
    return re.sub(r"[^\w.-]+", "_", text).encode()[:80].decode(errors="ignore")


def made_folder(path: str | os.PathLike, argument: str = "folder") -> Path:
    """Makes a folder where there is none, and finds out whether files can be written there.

    Args:
        path: the folder.
        argument: the name the caller knows `path` by, used in the error.

    Returns:
        The folder as a `Path`.

    Raises:
        TypeError: when `path` is neither a string nor a path.
        ValueError: when it cannot be made or written to, or is a file.

    Example:
        >>> import tempfile
        >>> import keras_isa
        >>> from keras_isa.files import made_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made_folder(f"{folder}/a/b").is_dir()
        True
    """
    folder = checked_path(path, argument)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"`{argument}` must be a folder that can be made and written to "
            f"({error.strerror or error}). Received: {argument}={path}"
        ) from error
    return folder


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path to write to, and put the file in place when the block succeeds.

    The temporary file lies in the folder of `path` and has its suffix. At the end of the block it
    is flushed to the disk and renamed over `path`; after an exception it is removed, and whatever
    was at `path` stays.

    Args:
        path: the file to write. Its folder must exist.

    Yields:
        The temporary `Path`, an empty file.

    Example:
        >>> import tempfile, pathlib
        >>> import keras_isa
        >>> from keras_isa.files import atomic_path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "note.txt"
        ...     with atomic_path(path) as temporary:
        ...         _ = temporary.write_text("done")
        ...     path.read_text()
        'done'
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem[:100]}-", suffix=path.suffix, dir=path.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        # mkstemp makes the file private; a finished file has the permissions of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike, overwrite: bool = True) -> None:
    """Find out, before the work, whether a file can be written.

    It creates and removes a nameless file in the folder, since permission bits alone do not tell.

    Args:
        path: the file that is to be written.
        overwrite: whether an existing file may be replaced.

    Raises:
        TypeError: when `path` is neither a string nor a path.
        ValueError: when the folder is missing, is not a folder or cannot be written to, when
            `path` is a folder, or when the file exists and `overwrite` is False.

    Example:
        >>> import keras_isa
        >>> from keras_isa.files import check_writable
        >>> check_writable("no/such/folder/a.npz")
        Traceback (most recent call last):
        ...
        ValueError: `path` must lie in an existing folder; create it first. Received: path=no/such/folder/a.npz
    """  # noqa: E501 (the message is one line)
    path = checked_path(path)
    received = f"Received: path={path}"
    folder = path.parent
    try:
        if not folder.exists():
            raise ValueError(f"`path` must lie in an existing folder; create it first. {received}")
        if not folder.is_dir():
            raise ValueError(f"`path` must lie in a folder, and {folder} is a file. {received}")
        if path.is_dir():
            raise ValueError(f"`path` must be a file, not a folder. {received}")
        if path.exists() and not overwrite:
            raise ValueError(
                f"`path` already exists; choose another or pass overwrite=True. {received}"
            )
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"`path` must be writable ({error.strerror or error}). {received}"
        ) from error
