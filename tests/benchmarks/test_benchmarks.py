"""The benchmark scripts run as a user runs them, with settings that measure nothing."""

import math
import sys

import pytest

TINY_RUN = ["--steps", "10", "--repeats", "1"]


def test_bad_arguments_end_with_one_line_and_status_2(run):
    for name, arguments, word in (
        ("step_time.py", ["--preset", "digits", "--shape", "8", "8", "1"], "--preset"),
    ):
        status, stdout, stderr = run(name, *arguments)
        assert status == 2
        assert stdout == ""
        assert word in stderr.splitlines()[-1]


def test_the_count_of_a_step_is_that_of_its_parts(script, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["step_time.py", "--ipc", "1"])
    step_time = script("step_time")
    settings, shape, classes = step_time.configure(step_time.parse())
    assert (shape, classes, settings.width, settings.batch_size) == ((28, 28, 1), 10, 128, 1024)
    # Forward of an image: 304.4 MFLOP, by hand for 32x32x1-128, 16x16x128-256, 8x8x256-512, dense.
    image = 18 * (1024 * 128 + 256 * 128 * 256 + 64 * 256 * 512) + 2 * 8192 * 10
    pairs = 2 * 819**2 * 8192
    regression = 4 * 10**2 * (8192 + 10) + 4 * 1024 * 8192 * 10 + 6 * 10 * 8192 * 10
    expected = image * (1024 + 2 * 10 + 3 * 10) + regression + pairs
    assert step_time.flop_per_step(settings, shape, classes, 1024) == expected
    flipped = settings.with_changes(flip=True, isa_interval=(0.0, 0.0))
    difference = step_time.flop_per_step(flipped, shape, classes, 1024) - (expected - pairs)
    assert difference == image * 20 + 4 * (20**2 - 10**2) * (8192 + 10) + 6 * 10 * 8192 * 10


def test_runs_have_the_settings_of_the_command(script, digits, tiny_npz):
    from keras_isa import datasets, presets

    settings_for = script("_runs").settings_for
    for train in (digits[0], datasets.load(tiny_npz)[0]):
        assert settings_for(train, 1) == presets.settings_for(train, 1, accelerated=False)


@pytest.mark.slow
def test_the_pieces_of_a_step_make_up_the_step(result_of):
    shape = ("--shape", "8", "8", "1", "--width", "8", "--batch", "32", "--flip")
    result = result_of("step_time.py", *shape, "--steps", "3", "--matmul-size", "64", "--breakdown")
    pieces, whole = result["breakdown"]["pieces"], result["breakdown"]["whole"]
    assert all(piece["seconds"] > 0 for piece in pieces.values())
    contained = [
        pieces.pop(name) for name in ("set forward and backward", "regression and its gradient")
    ]
    assert pieces["set gradient"]["gflop"] == pytest.approx(
        sum(piece["gflop"] for piece in contained), rel=1e-4
    )
    # All but the search for partners among 25 samples.
    pairs = 2e-9 * 25**2 * 128
    assert sum(piece["gflop"] for piece in pieces.values()) == pytest.approx(
        whole["gflop"], rel=1e-4
    )
    assert whole["gflop"] + pairs == pytest.approx(result["gflop_per_step"], rel=1e-3)


@pytest.mark.slow
def test_step_time_without_tensorflow(tmp_path, result_of, machine):
    result = result_of(
        "step_time.py",
        *("--shape", "8", "8", "1", "--width", "4", "--batch", "16", "--steps", "3", "--flip"),
        *("--rows", "100", "--matmul-size", "64"),
        *("--validation-split", "0.2", "--steps-per-execution", "2", "--verbose", "0"),
        without_tensorflow=True,
        cwd=tmp_path,
    )
    assert set(result) == machine | {
        "benchmark",
        "configuration",
        "steps_per_second",
        "seconds_per_step",
        "seconds_per_step_min",
        "timed_calls",
        "fit_steps_per_second",
        "compile_seconds",
        "setup_seconds",
        "outside_share",
        "validation_seconds",
        "recompilations_after_warm_up",
        "recompiled",
        "gflop_per_step",
        "matmul_dtype",
        "matmul_gflops",
        "matmul_gflops_range",
        "share_of_matmul_rate",
        "peak_memory_mb",
        "peak_host_memory_mb",
    }
    assert result["configuration"]["steps"] == 4  # two calls of equal length
    assert result["configuration"]["steps_per_execution"] == 2
    assert result["configuration"]["settings"]["flip"] is True
    assert result["recompilations_after_warm_up"] == len(result["recompiled"]) == 0
    assert 0 < result["outside_share"] < 1
    assert 0 < result["seconds_per_step_min"] <= result["seconds_per_step"]
    assert math.isclose(
        result["share_of_matmul_rate"],
        result["gflop_per_step"] * result["steps_per_second"] / result["matmul_gflops"],
        rel_tol=1e-3,
    )


@pytest.mark.slow
def test_accuracy_over_seeds(tiny_npz, result_of, machine):
    result = result_of("accuracy.py", str(tiny_npz), *TINY_RUN, "--seeds", "0", "3")
    assert set(result) == machine | {
        "benchmark",
        "configuration",
        "accuracy_mean",
        "accuracy_mean_std_over_seeds",
        "krr_accuracy_mean",
        "krr_accuracy_mean_std_over_seeds",
        "baselines",
        "runs",
    }
    assert [run["seed"] for run in result["runs"]] == [0, 3]
    assert set(result["baselines"]) == {"random", "kmeans"}
    # Each class has its own brightness: any set that holds one of each tells them apart.
    assert result["accuracy_mean"] > 0.5
    assert all(run["steps"] == 10 and run["distillation_seconds"] > 0 for run in result["runs"])


@pytest.mark.slow
def test_two_processes_of_two_devices_give_the_set_of_one_device(result_of):
    """The processes talk to each other: the target batch is divided."""
    arguments = ["--devices", "1", "--processes", "2", "--steps", "20"]
    found = result_of("devices.py", *arguments, compile_fast=True)
    assert [(run["processes"], run["devices"]) for run in found["runs"]] == [(1, 1), (2, 4)]
    assert 0 < found["runs"][1]["distance"] < 1e-5


@pytest.mark.slow
def test_eight_devices_and_a_divided_pool_give_the_set_of_one_device(result_of):
    """Eight devices, and two processes that talk to each other: the target batch is divided."""
    arguments = ["--devices", "1", "8", "--processes", "2", "--width", "8", "--shard-pool"]
    found = result_of("devices.py", *arguments)
    assert [run["devices"] for run in found["runs"]] == [1, 8, 4, 8]
    assert [run["processes"] for run in found["runs"]] == [1, 1, 2, 1]
    assert [run["shard_pool"] for run in found["runs"]] == [False, False, False, True]
    for run in found["runs"][1:]:
        assert 0 < run["distance"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("data", ["stored", "pydataset", "tf.data"])
def test_processes_that_read_parts_of_a_batch_give_the_set_of_one(result_of, data):
    arguments = ["--devices", "1", "2", "--processes", "2", "--data", data]
    for run in result_of("devices.py", *arguments)["runs"][1:]:
        assert 0 < run["distance"] < 1e-5


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(result_of):
    arguments = ["--kills", "3", "--steps", "600"]
    found = result_of("kill_and_resume.py", *arguments)
    assert sum(found["kills"].values()) == 3
    assert found["bit_equal"] is True


@pytest.mark.slow
def test_backends_are_compared(result_of):
    arguments = ["--width", "4", "--batch", "8", "--steps", "2", "--backends", "jax"]
    found = result_of("backends.py", *arguments)["backends"]["jax"]
    assert found["ratio"] == 1 and found["seconds_per_step"] > 0
    assert all(value < 1e-3 for value in found["errors"].values())


@pytest.mark.slow
def test_fuzz_files_counts_every_case(result_of, machine):
    result = result_of(
        *("fuzz_files.py", "--flips", "20", "--forged", "20", "--only", "keras", "npz", "mnist_gz")
    )
    assert set(result) == machine | {
        "benchmark",
        "configuration",
        "keras",
        "npz",
        "mnist_gz",
        "failures",
        "peak_memory_mb",
        "peak_host_memory_mb",
    }
    assert result["failures"] == []
    for groups in (result["keras"], result["npz"]):
        assert groups["truncated"]["cases"] == groups["truncated"]["refused"] == 100
        assert groups["flipped"]["cases"] == groups["forged"]["cases"] == 20
    assert "forged" not in result["mnist_gz"]
    outcomes = ("refused", "equal", "different", "escaped", "code_ran")
    for groups in (result["keras"], result["npz"], result["mnist_gz"]):
        for group in groups.values():
            assert sum(group[outcome] for outcome in outcomes) == group["cases"]


@pytest.mark.slow
def test_shared_steps_compile_once(result_of, machine):
    result = result_of("tune_reuse.py", "--trials", "3", "--steps", "4", "--width", "4")
    assert set(result) == machine | {
        "benchmark",
        "configuration",
        "with_reuse",
        "without_reuse",
        "speedup",
    }
    assert result["with_reuse"]["compiled"][1:] == [0, 0]
    assert min(result["without_reuse"]["compiled"]) > 10
    assert result["speedup"] > 2
