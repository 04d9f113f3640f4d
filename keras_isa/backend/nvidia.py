"""The NVIDIA driver of this machine, and which package lets JAX use it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

# Linux's driver describes itself here; under Windows and in WSL there is only its command.
_DRIVER = Path("/proc/driver/nvidia/version")
_COMMAND = "nvidia-smi"
_SECONDS = 10
# The first driver that each of the extras needs, from JAX's installation page, the newest first.
_EXTRAS = (((580,), "cuda13"), ((525,), "cuda12"))


def driver_version() -> tuple[int, ...] | None:
    """Returns the version of the NVIDIA driver, such as (580, 65, 6), or `None` without one."""
    with contextlib.suppress(OSError):
        return _version_in(_DRIVER.read_text())
    command = shutil.which(_COMMAND)
    if command is None:
        return None
    query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(query, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return _version_in(answer.stdout)
    return None


def advice_for_gpu() -> str | None:
    """Returns how JAX, which computes on the CPU, could use the GPU of this machine.

    Returns:
        One line; `None` where there is no NVIDIA driver, or where the environment variables
        JAX_PLATFORMS or CUDA_VISIBLE_DEVICES say that the CPU is wanted.

    Example:

    >>> from keras_isa.backend.nvidia import advice_for_gpu
    >>> advice_for_gpu()  # on a machine without an NVIDIA driver
    """
    if os.environ.get("JAX_PLATFORMS") or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    version = driver_version()
    if version is None:
        return None
    found = f"this machine has an NVIDIA driver ({'.'.join(map(str, version))})"
    for least, extra in _EXTRAS:
        if version >= least:
            return (
                f"{found}, but JAX computes on the CPU: pip install 'keras-isa[{extra}]' lets it "
                "use the GPU"
            )
    oldest = _EXTRAS[-1][0][0]
    return f"{found}, but JAX needs version {oldest} or later to use the GPU: update the driver"


def _version_in(text: str) -> tuple[int, ...] | None:
    found = re.search(r"\b(\d{3,})\.(\d+)(?:\.(\d+))?\b", text)
    return None if found is None else tuple(int(part) for part in found.groups() if part)
