"""Free memory, used memory, and refusing work that does not fit."""

import mmap
import platform
import shutil
import subprocess
import sys

import numpy as np
import psutil
import pytest

from keras_isa import memory


def cgroup(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def membership(tmp_path, text):
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


def free_in(tmp_path, text):
    return list(memory._free_in_cgroups(membership(tmp_path, text), tmp_path / "fs"))


def test_free_memory_lies_between_nothing_and_all_of_it():
    assert 0 < memory.available_bytes() <= psutil.virtual_memory().total


def test_resident_memory_follows_what_is_allocated_and_the_peak_stays():
    before = memory.resident_bytes()
    # Not from the heap, which may hold as much that other tests have freed.
    block = mmap.mmap(-1, 200_000_000)
    np.frombuffer(block, "uint8").fill(1)
    assert memory.resident_bytes() - before > 190e6
    assert memory.peak_bytes() >= before + 190e6
    block.close()
    assert memory.resident_bytes() - before < 100e6
    assert memory.peak_bytes() >= before + 190e6


@pytest.fixture
def alone(tmp_path):
    """`alone(code, ...)` runs code that finds the module as `memory`, and nothing else of ours."""
    shutil.copy(memory.__file__, tmp_path)

    def run(code, *arguments):
        command = [sys.executable, "-c", code, *arguments]
        options = {"capture_output": True, "text": True, "check": True}
        return subprocess.run(command, cwd=tmp_path, **options).stdout

    return run


def test_the_peak_is_that_of_this_process_not_of_its_parent(alone):
    block = np.ones(50_000_000)  # 400 MB
    peak = int(alone("from memory import peak_bytes; print(peak_bytes())"))
    assert peak < 200e6 < block.nbytes


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep less")
def test_freed_memory_goes_back():
    blocks = [bytes(2000) for _ in range(100_000)]  # 200 MB
    last = blocks[-1]  # above the others: without it the heap would shrink by itself
    full = memory.resident_bytes()
    del blocks
    memory.return_freed_memory()
    assert memory.resident_bytes() < full - 100e6
    assert len(last) == 2000


FAULTS = """
import resource
import sys

import numpy as np

from memory import keep_freed_memory, resident_bytes, return_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
before = resident_bytes()
for turn in range(4):
    if turn == 1:
        began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(25_000_000)  # 200 MB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began)
return_freed_memory()
print(resident_bytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide themselves")
def test_kept_memory_is_not_touched_anew_and_can_still_go_back(alone):
    faults = {}
    for what in ("keep", "by itself"):
        faults[what], grown = (int(word) for word in alone(FAULTS, what).split())
        assert grown < 50e6
    # Three blocks of 48,829 pages, if the system's pages are of 4 KB; larger ones fault less.
    assert faults["keep"] < 0.1 * faults["by itself"]


def test_an_old_c_library_keeps_what_it_can(monkeypatch):
    asked = []

    def mallopt(option, value):
        asked.append((option, value))
        return option == -1 or value <= 32 * 1024**2

    monkeypatch.setattr(memory, "_c_function", {"mallopt": mallopt}.get)
    memory.keep_freed_memory()
    assert asked == [(-1, 2**31 - 1), (-3, 2**31 - 1), (-3, 32 * 1024**2)]


def test_without_that_c_library_memory_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory, "_c_function", lambda name: None)
    memory.keep_freed_memory()
    memory.return_freed_memory()


def test_a_limit_of_version_2_counts_with_those_above_it(tmp_path):
    cgroup(
        tmp_path / "fs" / "user" / "job",
        {
            "memory.max": "max\n",
            "memory.current": "700\n",
            "memory.stat": "anon 600\ninactive_file 50\n",
        },
    )
    cgroup(
        tmp_path / "fs" / "user",
        {
            "memory.max": "1000\n",
            "memory.current": "800\n",
            "memory.stat": "anon 700\ninactive_file 50\n",
        },
    )
    assert free_in(tmp_path, "0::/user/job\n") == [250]


def test_a_limit_of_version_1(tmp_path):
    cgroup(
        tmp_path / "fs" / "memory",
        {
            "memory.limit_in_bytes": "1000\n",
            "memory.usage_in_bytes": "1200\n",
            "memory.stat": "total_inactive_file 10\n",
        },
    )
    assert free_in(tmp_path, "4:cpu:/\n5:memory,hugetlb:/batch/7\n") == [0]


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert free_in(tmp_path, "0::/nowhere\n4:memory:/\n") == []
    assert list(memory._free_in_cgroups(tmp_path / "missing", tmp_path)) == []


def test_a_limit_lowers_what_is_available(tmp_path, monkeypatch):
    cgroup(
        tmp_path / "fs",
        {"memory.max": "5000\n", "memory.current": "1000\n", "memory.stat": "anon 1\n"},
    )
    monkeypatch.setattr(memory, "_MEMBERSHIP", membership(tmp_path, "0::/\n"))
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "fs")
    assert memory.available_bytes() == 4000


def test_work_that_does_not_fit_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10_200_000_000)
    memory.check_memory(10_200_000_000, "this", "that")
    with pytest.raises(ValueError) as error:
        memory.check_memory(77_300_000_000, "whitening 49,152 features", "pass blocks=2")
    assert str(error.value) == (
        "whitening 49,152 features needs 77.3 GB of memory and 10.2 GB are free; pass blocks=2"
    )


@pytest.mark.parametrize(
    "said",
    [
        RuntimeError("RESOURCE_EXHAUSTED: allocating 9 bytes"),
        RuntimeError("OOM when allocating tensor; ResourceExhaustedError"),
        RuntimeError("CUDA out of memory. Tried to allocate 9 bytes"),
        type("OutOfMemoryError", (RuntimeError,), {})("tried to allocate 9 bytes"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        MemoryError("Unable to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_every_framework_s_shortage_says_what_to_change(said):
    with pytest.raises(MemoryError, match="^out of memory; take fewer images [(]") as error:
        with memory.out_of_memory_advice("take fewer images"):
            raise said
    assert error.value.__cause__ is said


def test_other_errors_stay_as_they_are():
    said = RuntimeError("the memory of the pool is in order")
    with pytest.raises(RuntimeError) as error, memory.out_of_memory_advice("take fewer images"):
        raise said
    assert error.value is said
