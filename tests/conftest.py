"""Settings and fixtures that every test shares."""

import importlib.metadata
import os

# Keras reads its backend once, when it is first imported: this must come before any test module.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Most tests compile for longer than they compute: XLA optimises little, and the kernels outside of
# `keras_isa.backend`, too, come from its older emitters, which takes half of the time. JAX reads
# this once, also in the processes that tests start. A variable that is set already stays as it is:
# `JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= pytest` tests what users run. A flag that XLA does
# not know ends the process, and the XLA of later versions no longer knows this one.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if tuple(map(int, importlib.metadata.version("jaxlib").split(".")[:2])) < (0, 11):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")
# Where in Python each operation of a program came from: nothing here reads it.
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")

import gc  # noqa: E402

# What the imports of frameworks and tests bring stays: nothing to look through for garbage.
gc.disable()

import atexit  # noqa: E402
import importlib.util  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402

# Most of the suite's time goes into compiling, often the same small program: each is compiled once
# per run of the suite, also for the processes that tests start.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="compiled-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

# How much a process that runs tests may hold at the end of a module before it lets go of programs.
MOST_BYTES = 2_000_000_000
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def _shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs the folder shared/{name} beside the checkout")
    return folder


@pytest.fixture(autouse=True)
def _same_seeds():
    """Keras draws the seeds that nobody gives from here: a test is the same in every run."""
    random.seed(0)


@pytest.fixture(autouse=True, scope="module")
def _little_left():
    """What JAX compiled holds on to the trainers of a module, and a large heap slows down all.

    It is let go of when it is much: the modules have many small programs in common.
    """
    from keras_isa.memory import resident_bytes, return_freed_memory

    yield
    if "jax" in sys.modules and resident_bytes() > MOST_BYTES:
        return_freed_memory()  # where the command has run in this process, it keeps what it frees
        if resident_bytes() > MOST_BYTES:
            gc.unfreeze()
            sys.modules["jax"].clear_caches()
    gc.collect()
    gc.freeze()  # what is left after a module is there to stay: the collector need not look again


@pytest.fixture
def users_environment() -> dict[str, str]:
    """This process's environment, for a process that compiles as it does for users."""
    ours = (
        "JAX_DISABLE_MOST_OPTIMIZATIONS",
        "JAX_TRACEBACK_IN_LOCATIONS_LIMIT",
        "XLA_FLAGS",
    )
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture(scope="session")
def value_and_gradients():
    """`value_and_gradients(function, *arrays)`: what it gives, and its gradients, on any backend.

    The gradients are those of the sum of the values, each times the one of `upstream`.
    """
    from keras import ops

    from keras_isa import backend

    def find(function, *arrays, upstream=1.0, compiled=False):
        engine = backend.current()

        def loss(arrays):
            value = function(*arrays)
            return ops.sum(ops.cast(value, "float32") * ops.cast(upstream, "float32")), value

        run = engine.value_and_grad(loss)
        (_, value), found = (engine.compiled(run) if compiled else run)(
            [ops.convert_to_tensor(array) for array in arrays]
        )
        return (value, *found)

    return find


@pytest.fixture(scope="session")
def gradients(value_and_gradients):
    """`gradients(loss, *arrays)`: those of a function of arrays, which become float32."""
    from keras_isa.inputs.arrays import to_numpy

    def find(loss, *arrays, **options):
        arrays = [np.asarray(array, "float32") for array in arrays]
        return [to_numpy(found) for found in value_and_gradients(loss, *arrays, **options)[1:]]

    return find


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The folder of reference numbers computed by the authors' own code."""
    return _shared_folder("golden")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real image sets (MNIST, Fashion-MNIST, CIFAR-10)."""
    return _shared_folder("data")


@pytest.fixture(params=["jax", "tensorflow", "torch"])
def on_backend(request, tmp_path, monkeypatch):
    """`on_backend(script, **arrays)` runs a script on each backend that is installed.

    Where the backend is this process's it runs here, otherwise in a process of its own. The script
    finds the arrays in the .npz file that its first argument names, and leaves its results, which
    are returned, in the one that the second names; `backend` among them says where it ran.
    """
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}")

    def elsewhere(script, files):
        import keras_isa

        root = Path(keras_isa.__file__).parents[1]
        process = subprocess.run(
            # Too short for garbage to matter, and mostly importing.
            [sys.executable, "-c", f"import gc; gc.disable()\n{script}", *files],
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert process.returncode == 0, process.stderr

    def run(script, **arrays):
        given, results = (str(tmp_path / name) for name in ("given.npz", "found.npz"))
        np.savez(given, **arrays)
        if backend == os.environ["KERAS_BACKEND"]:
            monkeypatch.setattr(sys, "argv", ["-c", given, results])
            exec(compile(script, "script", "exec"), {"__name__": "__main__"})
        else:
            elsewhere(script, [given, results])
        found = np.load(results)
        assert found["backend"] == backend
        return found

    return run


@pytest.fixture(scope="session")
def digits():
    """The digits as `(train, test)` datasets."""
    from keras_isa import datasets

    return datasets.load("digits")


# A problem so small that a run takes seconds: 3 classes of 3x3 images, pixels as features.
SHAPE = (3, 3, 1)
CLASSES = 3


def pixels_as_features():
    import keras

    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


@pytest.fixture(scope="session")
def problem():
    """Images `(48, 3, 3, 1)` and classes: each class has a mean of its own, in noise."""
    rng = np.random.default_rng(0)
    class_ids = np.arange(48) % CLASSES
    means = rng.normal(size=(CLASSES, *SHAPE))
    images = means[class_ids] + rng.normal(size=(48, *SHAPE))
    return images.astype("float32"), class_ids


@pytest.fixture(scope="session")
def make_trainer(problem):
    """`make_trainer(...)` gives a compiled trainer; options go to FRePoTrainer or to compile."""

    import keras

    from keras_isa import DistilledData, FRePoTrainer

    def make(optimizer=None, inner_optimizer=None, images_per_class=1, distilled=None, **options):
        compiling = {
            name: options.pop(name)
            for name in ("steps_per_execution", "run_eagerly")
            if name in options
        }
        learning = {"learn_labels": options.pop("learn_labels", True)}
        distilled = distilled or DistilledData.from_samples(
            *problem, images_per_class, preprocessing=None, **learning
        )
        options = {"pool_size": 2, "max_online_steps": 5, "regularization": 1e-2, **options}
        trainer = FRePoTrainer(distilled, pixels_as_features, **options)
        optimizer = optimizer or keras.optimizers.Lamb(1e-2, epsilon=1e-6)
        trainer.compile(optimizer, inner_optimizer, **compiling)
        return trainer

    return make


@pytest.fixture(scope="session")
def fit():
    """`fit(trainer, x, y, ...)` runs a short `trainer.fit`; options replace those here."""

    def short(trainer, *data, **options):
        options = {"batch_size": 24, "steps_per_epoch": 4, "verbose": 0, **options}
        return trainer.fit(*data, **options)

    return short


@pytest.fixture(scope="session")
def _hub_server():
    """A Hugging Face Hub on this machine, the only one that this process asks.

    `huggingface_hub` reads the environment when it is imported, so this does it anew.
    """
    pytest.importorskip("huggingface_hub")
    spec = importlib.util.spec_from_file_location(
        "fake_hub", Path(__file__).with_name("fake_hub.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.Hub() as hub, pytest.MonkeyPatch.context() as patch:
        hub.token = module.TOKEN
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1")
        for name in [one for one in sys.modules if one.partition(".")[0] == "huggingface_hub"]:
            del sys.modules[name]
        importlib.import_module("huggingface_hub.constants")
        yield hub


@pytest.fixture
def hub(_hub_server, monkeypatch, tmp_path_factory):
    """The Hub without repositories, an empty cache, and a token in the environment."""
    from huggingface_hub import constants

    assert constants.ENDPOINT == _hub_server.endpoint
    _hub_server.clear()
    _hub_server.cache = tmp_path_factory.mktemp("hub")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(_hub_server.cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", _hub_server.token)
    return _hub_server
