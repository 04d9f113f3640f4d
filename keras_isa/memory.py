"""How much memory there is, and errors that name it when work needs more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MEMBERSHIP = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")
_STATUS = Path("/proc/self/status")
# Parts of the errors that JAX, TensorFlow, PyTorch and NumPy raise when they run out of memory.
_OUT_OF_MEMORY = (
    "resource_exhausted",
    "resourceexhausted",
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "not enough memory",
    "memoryerr",
)

# Numbers of two options of mallopt, from malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
# The largest values that glibc accepts. Old versions refuse a larger _MMAP_THRESHOLD than 32 MB.
_LARGEST_VALUE = 2**31 - 1
_LARGEST_MMAP_THRESHOLD_OF_OLD_GLIBC = 32 * 1024**2


def available_bytes() -> int:
    """Returns the bytes that this process can still take without swapping.

    On Linux it respects the limit of the control group, which containers and batch systems set.
    Without psutil it counts only memory pages that nothing uses, which is less than the truth.

    Example:

    >>> from keras_isa.memory import available_bytes
    >>> available_bytes() > 0
    True
    """
    try:
        import psutil

        free = psutil.virtual_memory().available
    except ImportError:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([free, *_free_in_cgroups(_MEMBERSHIP, _CGROUPS)])


def resident_bytes() -> int:
    """Returns the bytes of memory that this process occupies now.

    Example:

    >>> from keras_isa.memory import resident_bytes
    >>> resident_bytes() > 0
    True
    """
    import psutil

    return psutil.Process().memory_info().rss


def peak_bytes() -> int:
    """Returns the most bytes of memory that this process has occupied so far.

    Example:

    >>> from keras_isa.memory import peak_bytes
    >>> peak_bytes() > 0
    True
    """
    # On Linux a process inherits ru_maxrss from the process that started it. VmHWM is its own.
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def return_freed_memory() -> None:
    """Returns freed memory to the operating system.

    glibc, the usual C library of Linux, keeps freed memory for the process. After a compilation
    that is several hundred megabytes. With another C library this does nothing.

    Example:

    >>> from keras_isa.memory import return_freed_memory
    >>> return_freed_memory()
    """
    trim = _c_function("malloc_trim")
    if trim is not None:
        import ctypes

        trim(ctypes.c_size_t(0))


def keep_freed_memory() -> None:
    """Makes this process keep the memory that it frees, and use it for its next allocations.

    By default glibc returns each freed block of 32 MB or more to the operating system. The next
    such block then costs a page fault for every 4 KB. `return_freed_memory` still returns all of
    it. With another C library this does nothing.

    Example:

    >>> from keras_isa.memory import keep_freed_memory
    >>> keep_freed_memory()
    """
    set_option = _c_function("mallopt")
    if set_option is None:
        return
    set_option(_TRIM_THRESHOLD, _LARGEST_VALUE)
    if not set_option(_MMAP_THRESHOLD, _LARGEST_VALUE):
        set_option(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD_OF_OLD_GLIBC)


def _c_function(name: str) -> Any:
    """Returns a function of Linux's C library, or `None` if there is no such function."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)


@contextmanager
def out_of_memory_advice(advice: str) -> Iterator[None]:
    """Turns a framework's error about missing memory into a MemoryError with advice.

    Args:
        advice: What the user can change. It becomes part of the message.

    Raises:
        MemoryError: The framework ran out of memory in this block.

    Example:

    >>> from keras_isa.memory import out_of_memory_advice
    >>> with out_of_memory_advice("take fewer images"):
    ...     raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
    Traceback (most recent call last):
    ...
    MemoryError: out of memory; take fewer images (RESOURCE_EXHAUSTED: Out of memory ...)
    """
    try:
        yield
    except Exception as error:
        text = f"{type(error).__name__} {error}".lower()
        if not any(word in text for word in _OUT_OF_MEMORY):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MemoryError(f"out of memory; {advice} ({reason[:200]})") from error


def check_memory(needed: int, what: str, advice: str) -> None:
    """Raises a ValueError before the start of work that needs more memory than there is.

    Args:
        needed: Bytes that the work allocates.
        what: What needs them, the beginning of the message.
        advice: What the user can do instead, the end of the message.

    Raises:
        ValueError: If fewer bytes are available.

    Example:

    >>> from keras_isa.memory import check_memory
    >>> check_memory(10**15, "a picture of everything", "look at less")
    Traceback (most recent call last):
    ...
    ValueError: a picture of everything needs 1,000,000.0 GB of memory and ... GB are free; ...
    """
    available = available_bytes()
    if needed > available:
        raise ValueError(
            f"{what} needs {_gigabytes(needed)} of memory and {_gigabytes(available)} are free; "
            f"{advice}"
        )


def _gigabytes(count: int) -> str:
    value = count / 1e9
    return f"{value:,.1f} GB" if value >= 1 else f"{value:.2g} GB"


def _free_in_cgroups(membership: Path, cgroups: Path) -> Iterator[int]:
    """Yields the bytes that each control group leaves, read from the files of version 2 or 1."""
    for folder in _memory_cgroups(membership, cgroups):
        for limit, usage, reclaimable in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            try:
                most = (folder / limit).read_text().strip()
                used = int((folder / usage).read_text())
                lines = (folder / "memory.stat").read_text().splitlines()
                stat = dict(line.split() for line in lines)
            except (OSError, ValueError):  # there are no such files, or they cannot be read
                continue
            if most.isdigit():  # a group without a limit has "max"
                # The system drops cached pages of files when a process needs memory.
                yield max(int(most) - used + int(stat.get(reclaimable, 0)), 0)


def _memory_cgroups(membership: Path, cgroups: Path) -> Iterator[Path]:
    """Yields the folders of the control groups that limit this process: its own and its parents."""
    lines = membership.read_text().splitlines() if membership.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            top = cgroups / "memory" if controllers else cgroups
            own = top / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))
