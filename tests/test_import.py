"""What importing the library does to a process, and which file may import which."""

import ast
import graphlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(importlib.util.find_spec("keras_isa").origin).parent
FRAMEWORKS = {"jax", "jaxlib", "tensorflow", "torch"}
OPTIONAL = [
    "tensorflow",
    "tensorflow_datasets",
    "tensorboard",
    "torch",
    "sklearn",
    "matplotlib",
    "PIL",
    "psutil",
    "threadpoolctl",
    "click",
    "jinja2",
    "keras_tuner",
    "huggingface_hub",
]

# The rooms from the bottom to the top. A file imports from its own room and from rooms below it.
# `planning` is below `methods`: every trainer has `plan`, and a forecast needs no trainer's class.
ROOMS = (
    ("archive", "memory", "files", "interruption", "versions", "serialization", "moved", "types"),
    ("backend",),
    ("global_settings",),
    ("inputs",),
    ("ops", "kernels", "optimizers"),
    ("layers", "moving_average", "learning_curves"),
    ("models", "parametrizations"),
    ("datasets",),
    ("asset",),
    ("presets",),
    ("training",),
    ("planning",),
    ("methods",),
    ("evaluation",),
    ("callbacks",),
    ("studies",),
    ("tuning",),
    ("trainers", "export", "__init__"),
    ("cli",),
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def in_fresh_process(code, **environment):
    """Runs `code` and returns what it printed."""
    variables = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment}
    result = subprocess.run(
        # Nothing but importing: without the collector a third faster.
        [sys.executable, "-c", f"import gc; gc.disable()\n{code}"],
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_adds_nothing_but_the_library_and_tuning_when_it_is_asked_for():
    code = """
import sys, json, keras
before = set(sys.modules)
import keras_isa
print(json.dumps(sorted(set(sys.modules) - before)))
print("keras_tuner" in sys.modules)
print(keras_isa.tuning.DistillationHyperModel.__name__)
print("keras_tuner" in sys.modules, "tensorflow" in sys.modules)
"""
    modules, *tuning = in_fresh_process(code, KERAS_BACKEND="jax").splitlines()
    assert tuning == ["False", "DistillationHyperModel", "True False"]
    added = set(json.loads(modules))
    heads = {name.partition(".")[0] for name in added}
    assert "keras_isa.datasets.sources" in added
    assert heads - set(sys.stdlib_module_names) == {"keras_isa"}
    # It imports every reader of a download, and is itself imported by what opens one.
    assert "keras_isa.datasets.downloads.registry" not in added


def test_import_leaves_the_choice_of_the_backend_alone(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "numpy"}))
    code = """
import os
before = dict(os.environ)
import keras_isa, keras
changed = {k for k in {*before, *os.environ} if before.get(k) != os.environ.get(k)}
print(sorted(name for name in changed if "KERAS" in name or "JAX" in name))
print(keras.backend.backend())
try:
    keras_isa.backend.current()
except RuntimeError as error:
    print(error)
"""
    printed = in_fresh_process(code, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    changed, backend, message = printed.strip().splitlines()
    assert changed == "[]"
    assert backend == "numpy"
    assert "KERAS_BACKEND=jax" in message


def test_everything_else_may_be_missing(tmp_path):
    code = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ImportError(f"blocked: {{name}}")

sys.meta_path.insert(0, Blocked())
import numpy as np
import keras
import keras_isa

rng = np.random.default_rng(0)
x, y = rng.normal(size=(12, 2, 2, 1)).astype("float32"), np.arange(12) % 2
distilled = keras_isa.DistilledData.from_samples(x, y, 1)

def build():
    inputs = keras.Input((2, 2, 1))
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(2)(features), features])

trainer = keras_isa.FRePoTrainer(distilled, build, pool_size=2)
trainer.compile()
start = distilled.to_numpy()[0]
trainer.fit(x, y, batch_size=4, steps_per_epoch=2, verbose=0)
path = {str(tmp_path / "set.keras")!r}
distilled.save(path)
loaded = keras_isa.load(path)
assert np.array_equal(loaded.to_numpy()[0], distilled.to_numpy()[0])
assert not np.array_equal(start, distilled.to_numpy()[0])
try:
    loaded.to_tf()
except ImportError as error:
    print(error)
print(sorted({{name.partition(".")[0] for name in sys.modules}} & set({OPTIONAL!r})))
"""
    needs, loaded = in_fresh_process(code, KERAS_BACKEND="jax").strip().splitlines()
    assert "tensorflow" in needs
    assert loaded == "[]"


# ------------------------------------------------------------------ read from the sources


def sources():
    found = {path.relative_to(PACKAGE): path for path in sorted(PACKAGE.rglob("*.py"))}
    assert len(found) > 20
    return found


def imports(path):
    """Full names of everything that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(relative):
    """`ops/labels.py` is `keras_isa.ops.labels`, `ops/__init__.py` is `keras_isa.ops`."""
    parts = [part for part in relative.with_suffix("").parts if part != "__init__"]
    return ".".join(["keras_isa", *parts])


def room_of(module):
    """`keras_isa.ops.labels` is in the room `ops`; the list of public names is one of its own."""
    return module.split(".")[1] if "." in module else "__init__"


def graph():
    """From each module of the library to those that it imports, file by file."""
    modules = {module_name(relative): path for relative, path in sources().items()}
    found = {}
    for module, path in modules.items():
        found[module] = set()
        for name in imports(path):
            if name.partition(".")[0] == "keras_isa":
                # `from module import name` where the name is no module of its own.
                found[module].add(name if name in modules else name.rpartition(".")[0])
    return found


def wrong_imports(modules):
    """Imports of a higher room, and of another room on the same level."""
    return [
        (module, imported)
        for module, all_imported in modules.items()
        for imported in all_imported
        if room_of(imported) != room_of(module)
        and LEVEL[room_of(imported)] >= LEVEL[room_of(module)]
    ]


def test_only_the_backend_room_imports_frameworks():
    seen = set()
    for relative, path in sources().items():
        frameworks = {name.partition(".")[0] for name in imports(path)} & FRAMEWORKS
        if relative.parts[0] == "backend":
            seen |= frameworks
        else:
            assert not frameworks, f"{relative} imports {frameworks}"
    assert "jax" in seen


def test_only_the_tuning_room_imports_keras_tuner():
    importers = {
        relative.parts[0]
        for relative, path in sources().items()
        if any(name.partition(".")[0] == "keras_tuner" for name in imports(path))
    }
    assert importers == {"tuning"}


def test_imports_point_down():
    assert wrong_imports(graph()) == []


def test_trainers_cannot_load_data():
    found = {
        imported
        for module, all_imported in graph().items()
        if room_of(module) in ("training", "planning", "methods")
        for imported in all_imported
        if room_of(imported) == "datasets"
    }
    assert found == {"keras_isa.datasets.dataset"}


def test_no_file_imports_itself_by_way_of_others():
    # It names the circle where there is one.
    order = list(graphlib.TopologicalSorter(graph()).static_order())
    assert len(order) > 100


def test_a_wrong_import_and_a_circle_would_be_found(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(
        "def f():\n    from keras_isa.methods import FRePoTrainer\n    import jax.numpy\n"
    )
    assert list(imports(file)) == ["keras_isa.methods.FRePoTrainer", "jax.numpy"]
    upwards = {"keras_isa.layers.a": {"keras_isa.methods"}, "keras_isa.methods": set()}
    assert wrong_imports(upwards) == [("keras_isa.layers.a", "keras_isa.methods")]
    sideways = {"keras_isa.ops.a": {"keras_isa.kernels.b"}, "keras_isa.kernels.b": set()}
    assert wrong_imports(sideways) == [("keras_isa.ops.a", "keras_isa.kernels.b")]
    circle = {"keras_isa.ops.a": {"keras_isa.ops.b"}, "keras_isa.ops.b": {"keras_isa.ops.a"}}
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(circle).static_order())
