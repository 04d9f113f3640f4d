"""Whoever has a GPU that JAX does not use is told what to install."""

import subprocess

import pytest

from keras_isa.backend import nvidia

PROC = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  "
    "(dvs-builder@U16)  Wed Jul  2 17:22:15 UTC 2025\n"
    "GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2~24.04)\n"
)


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    for name in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    def have(version=None, answer=None):
        path = tmp_path / "version"
        monkeypatch.setattr(nvidia, "_DRIVER", path)
        if version is not None:
            path.write_text(PROC.format(version))
        monkeypatch.setattr(nvidia.shutil, "which", lambda name: answer and f"/bin/{name}")

        def run(command, **options):
            assert command[0] == "/bin/nvidia-smi" and options["timeout"]
            if isinstance(answer, Exception):
                raise answer
            return subprocess.CompletedProcess(command, 0, answer, "")

        monkeypatch.setattr(nvidia.subprocess, "run", run)

    return have


@pytest.mark.parametrize(
    ("version", "extra"),
    [
        ("580.65.06", "cuda13"),
        ("590.10", "cuda13"),
        ("575.57.08", "cuda12"),
        ("525.60.13", "cuda12"),
    ],
)
def test_the_extra_that_the_driver_can_run(driver, version, extra):
    driver(version)
    line = nvidia.advice_for_gpu()
    assert f"pip install 'keras-isa[{extra}]'" in line and "\n" not in line


def test_an_old_driver_is_named(driver):
    driver("470.256.02")
    assert "(470.256.2), but JAX needs version 525 or later" in nvidia.advice_for_gpu()


def test_the_command_is_asked_where_there_is_no_file(driver):
    driver(answer="581.29\n581.29\n")
    assert nvidia.driver_version() == (581, 29)
    assert "keras-isa[cuda13]" in nvidia.advice_for_gpu()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "No devices were found\n",
        FileNotFoundError(),
        subprocess.CalledProcessError(9, "nvidia-smi"),
        subprocess.TimeoutExpired("nvidia-smi", 10),
    ],
)
def test_without_a_driver_nothing_is_said(driver, answer):
    driver(answer=answer)
    assert nvidia.driver_version() is None and nvidia.advice_for_gpu() is None


@pytest.mark.parametrize(
    "wish", [("JAX_PLATFORMS", "cpu"), ("CUDA_VISIBLE_DEVICES", ""), ("CUDA_VISIBLE_DEVICES", "-1")]
)
def test_who_wants_the_cpu_is_not_told(driver, monkeypatch, wish):
    driver("580.65.06")
    monkeypatch.setenv(*wish)
    assert nvidia.advice_for_gpu() is None
