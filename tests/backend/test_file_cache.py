"""Values come back as they were written, or not at all."""

import os
import time

import pytest

from keras_isa.backend import file_cache
from keras_isa.backend.file_cache import FileCache

ABOUT = ["jax 1.2.3"]


def opened(root, about=ABOUT, most_bytes=1000):
    return FileCache(root, about, suffix=".program", most_bytes=most_bytes)


def files(cache):
    return sorted(cache.folder.glob("*.program"))


def test_another_process_reads_what_one_has_written(tmp_path):
    opened(tmp_path / "new").put("key", b"program")
    again = opened(tmp_path / "new")
    assert again.get("key") == b"program" and again.get("other") is None
    again.put("key", b"later program")
    assert again.get("key") == b"later program" and len(files(again)) == 1
    assert [path.suffix for path in again.folder.iterdir()] == [".program"]


def test_each_processor_and_each_version_has_a_cache_of_its_own(tmp_path, monkeypatch):
    opened(tmp_path).put("key", b"program")
    assert opened(tmp_path, ["jax 1.2.4"]).get("key") is None
    kinds = ["x86_64 Xeon sse avx512f", "x86_64 Xeon sse"]
    for kind in kinds:
        monkeypatch.setattr(file_cache, "processor", lambda kind=kind: kind)
        assert opened(tmp_path).get("key") is None
        opened(tmp_path).put("key", kind.encode())
    for kind in kinds:
        monkeypatch.setattr(file_cache, "processor", lambda kind=kind: kind)
        assert opened(tmp_path).get("key") == kind.encode()


def test_the_kind_of_processor_is_what_the_system_says_of_the_first_core(tmp_path, monkeypatch):
    info = tmp_path / "cpuinfo"
    core = "processor : {}\nmodel name\t: A Chip\nflags\t\t: sse avx\nbugs : none\n\n"
    info.write_text(core.format(0) + core.format(1))
    monkeypatch.setattr(file_cache, "_CPU_INFO", info)
    assert file_cache.processor().endswith("A Chip sse avx")
    monkeypatch.setattr(file_cache, "_CPU_INFO", tmp_path / "none")
    assert "sse" not in file_cache.processor() and file_cache.processor()


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped digest", "flipped program", "longer"])
def test_a_damaged_file_is_removed(tmp_path, damage):
    cache = opened(tmp_path)
    cache.put("key", b"program")
    (path,) = files(cache)
    content = bytearray(path.read_bytes())
    if damage.startswith("flipped"):
        content[0 if damage == "flipped digest" else -1] ^= 1
    path.write_bytes(
        {"cut": content[:-1], "empty": b"", "longer": content + b"."}.get(damage, content)
    )
    assert cache.get("key") is None and not files(cache)
    cache.put("key", b"program")
    assert cache.get("key") == b"program"


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "too large"])
def test_what_is_no_file_of_the_cache_is_not_used(tmp_path, kind):
    cache = opened(tmp_path)
    cache.put("key", b"program")
    (path,) = files(cache)
    path.rename(tmp_path / "elsewhere")
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        opened(tmp_path, most_bytes=2000).put("key", bytes(1000))
    assert cache.get("key") is None and (tmp_path / "elsewhere").exists()
    cache.put("key", b"program")
    assert cache.get("key") == (None if kind == "folder" else b"program")


def test_the_file_of_another_key_is_not_used(tmp_path):
    cache = opened(tmp_path)
    cache.put("one", b"program of one")
    (path,) = files(cache)
    cache.put("two", b"program of two")
    (other,) = set(files(cache)) - {path}
    os.replace(path, other)
    assert cache.get("two") is None


@pytest.mark.parametrize("where", ["root", "folder"])
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs permission bits")
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, where):
    cache = opened(tmp_path / "root")
    cache.put("key", b"program")
    {"root": tmp_path / "root", "folder": cache.folder}[where].chmod(0o777)
    again = opened(tmp_path / "root")
    assert again.get("key") is None
    again.put("other", b"program")
    assert len(files(cache)) == 1


def test_without_a_usable_folder_there_is_no_cache_and_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    cache = opened(tmp_path / "file")
    cache.put("key", b"program")
    assert cache.get("key") is None


@pytest.mark.parametrize("call", ["replace", "fdopen"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, call):
    cache = opened(tmp_path)
    cache.put("key", b"program")

    def full(handle, *rest):
        if isinstance(handle, int):
            os.close(handle)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_cache.os, call, full)
    cache.put("other", b"program")
    assert cache.get("key") == b"program" and len(list(cache.folder.iterdir())) == 1


def test_a_folder_that_can_only_be_read_still_serves(tmp_path, monkeypatch):
    opened(tmp_path).put("key", b"program")

    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file_cache.tempfile, "mkstemp", refused)
    monkeypatch.setattr(file_cache.os, "utime", refused)
    cache = opened(tmp_path)
    cache.put("other", b"program")
    assert cache.get("key") == b"program" and cache.get("other") is None


def test_what_was_used_longest_ago_makes_room(tmp_path):
    cache = opened(tmp_path)
    for age, key in enumerate("abc"):
        cache.put(key, bytes(100))
        (path,) = [path for path in files(cache) if path.stat().st_mtime > time.time() - 60]
        os.utime(path, (0, 1000 - age))
    assert cache.get("c") is not None  # it was the oldest one, and is used now
    again = opened(tmp_path, most_bytes=300)
    assert [again.get(key) is None for key in "abc"] == [False, True, False]
