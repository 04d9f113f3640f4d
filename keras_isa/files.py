"""Paths that are checked, and files that are written whole or not at all."""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def checked_path(path: str | os.PathLike, argument: str = "path") -> Path:
    """Returns `path` as a `Path`.

    Args:
        path: a string or a path.
        argument: the caller's name for `path`, used in the error.

    Raises:
        TypeError: `path` is neither a string nor a path.
        ValueError: `path` is an empty text, which would be the current folder.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"`{argument}` must be a string or a path. Received: {type(path).__name__}")
    if path == "":
        raise ValueError(f"`{argument}` must not be empty. Received: {argument}=''")
    return Path(path)


def safe_file_name(text: str) -> str:
    """Returns `text` with characters that any file system allows, cut to 80 bytes.

    Example:
        >>> from keras_isa.files import safe_file_name
        >>> safe_file_name("a/b: c.d")
        'a_b_c.d'
    """
    return re.sub(r"[^\w.-]+", "_", text).encode()[:80].decode(errors="ignore")


def make_folder(path: str | os.PathLike, argument: str = "folder") -> Path:
    """Returns a folder after making it if it is missing and checking that it can be written to.

    Args:
        path: the folder.
        argument: the caller's name for `path`, used in the error.

    Returns:
        The folder as a `Path`.

    Raises:
        TypeError: `path` is neither a string nor a path.
        ValueError: the folder cannot be made or written to, or `path` is a file.

    Example:
        >>> import tempfile
        >>> import keras_isa
        >>> from keras_isa.files import make_folder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     make_folder(f"{folder}/a/b").is_dir()
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
    """Gives a temporary path to write to, and renames the file to `path` when the block succeeds.

    The temporary file is in the folder of `path` and has its suffix. At the end of the block it is
    flushed to the disk and renamed to `path`. After an exception it is removed, and a file that was
    at `path` stays as it was.

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
    temporary = path.with_name(f".{path.stem[:100]}-{secrets.token_hex(8)}{path.suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike, overwrite: bool = True) -> None:
    """Checks, before any long work, that a file can be written.

    It creates and removes a temporary file in the folder, because permission bits alone do not show
    whether a folder can be written to.

    Args:
        path: the file that is to be written.
        overwrite: whether an existing file may be replaced.

    Raises:
        TypeError: `path` is neither a string nor a path.
        ValueError: the folder is missing, is not a folder or cannot be written to, `path` is a
            folder, or the file exists and `overwrite` is False.

    Example:
        >>> import keras_isa
        >>> from keras_isa.files import check_writable
        >>> check_writable("no/such/folder/a.npz")
        Traceback (most recent call last):
        ...
        ValueError: `path` must lie in an existing folder; create it first. Received: path=no/such/folder/a.npz
    """  # noqa: E501 (the message is one line)
    path = checked_path(path)
    folder, problem = path.parent, None
    try:
        if not folder.exists():
            problem = "must lie in an existing folder; create it first"
        elif not folder.is_dir():
            problem = f"must lie in a folder, and {folder} is a file"
        elif path.is_dir():
            problem = "must be a file, not a folder"
        elif path.exists() and not overwrite:
            problem = "already exists; choose another or pass overwrite=True"
        else:
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        problem = f"must be writable ({error.strerror or error})"
    if problem is not None:
        raise ValueError(f"`path` {problem}. Received: path={path}")
