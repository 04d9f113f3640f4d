"""How much memory there is, and saying so before work that needs more."""

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
# As JAX, TensorFlow, PyTorch on a GPU and on a CPU, and NumPy say it.
_SHORTAGE = (
    "resource_exhausted",
    "resourceexhausted",
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "not enough memory",
    "memoryerr",
)

# Options of mallopt, as malloc.h numbers them, and the most that they can be set to.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_LARGEST_OPTION = 2**31 - 1
_LARGEST_IN_OLD_GLIBC = 32 * 1024**2


def available_bytes() -> int:
    """Returns the bytes that this process can still take without swapping.

    On Linux a limit of the control group that the process runs in counts too, as containers and
    batch systems set it. Where psutil is not installed, the pages that nobody uses are counted.

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
    # Linux hands ru_maxrss on from the process that started this one; VmHWM is this one's alone.
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


def return_freed() -> None:
    """Gives memory that was freed back to the operating system, where the C library keeps it.

    Under Linux's glibc what a compiler leaves behind would stay with the process: several hundred
    megabytes. Elsewhere this does nothing.

    Example:

    >>> from keras_isa.memory import return_freed
    >>> return_freed()
    """
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        import ctypes

        trim(ctypes.c_size_t(0))


def keep_freed() -> None:
    """Lets this process keep the memory that it frees, for what it allocates next.

    By itself glibc hands blocks of 32 MB and more back to the operating system whenever they are
    freed, and touching the next such block costs a page fault for every 4 KB. `return_freed` hands
    it all back. With another C library this does nothing.

    Example:

    >>> from keras_isa.memory import keep_freed
    >>> keep_freed()
    """
    options = _of_c_library("mallopt")
    if options is None:
        return
    options(_TRIM_THRESHOLD, _LARGEST_OPTION)
    if not options(_MMAP_THRESHOLD, _LARGEST_OPTION):
        options(_MMAP_THRESHOLD, _LARGEST_IN_OLD_GLIBC)


def _of_c_library(name: str) -> Any:
    """A function of Linux's C library; `None` elsewhere, and where the library lacks it."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)


@contextmanager
def named_shortage(advice: str) -> Iterator[None]:
    """Says what to change when a framework runs out of memory.

    Args:
        advice: The end of the message.

    Raises:
        MemoryError: In place of the framework's own error.

    Example:

    >>> from keras_isa.memory import named_shortage
    >>> with named_shortage("take fewer images"):
    ...     raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
    Traceback (most recent call last):
    ...
    MemoryError: out of memory; take fewer images (RESOURCE_EXHAUSTED: Out of memory ...)
    """
    try:
        yield
    except Exception as error:
        said = f"{type(error).__name__} {error}".lower()
        if not any(word in said for word in _SHORTAGE):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MemoryError(f"out of memory; {advice} ({reason[:200]})") from error


def check_memory(needed: int, what: str, advice: str) -> None:
    """Refuses work for which the memory does not suffice, before it starts.

    Args:
        needed: Bytes that the work allocates.
        what: The work, at the beginning of the message.
        advice: What to do instead, at its end.

    Raises:
        ValueError: If fewer bytes are available.

    Example:

    >>> from keras_isa.memory import check_memory
    >>> check_memory(10**15, "a picture of everything", "look at less")
    Traceback (most recent call last):
    ...
    ValueError: a picture of everything needs 1,000,000.0 GB of memory and ... GB are free; look ...
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
    """Bytes left under each limit; files as Linux lays them out, version 2 first, then 1."""
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
            except (OSError, ValueError):  # no such control group, or not ours to read
                continue
            if most.isdigit():  # else "max"
                # Pages of files that nobody uses are dropped when memory is asked for.
                yield max(int(most) - used + int(stat.get(reclaimable, 0)), 0)


def _memory_cgroups(membership: Path, cgroups: Path) -> Iterator[Path]:
    """Folders of the control groups that limit this process: its own and those above it."""
    if not membership.exists():
        return
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top = cgroups
        elif "memory" in controllers.split(","):
            top = cgroups / "memory"
        else:
            continue
        own = top / path.lstrip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))
