"""Every backend offers the same names."""

import ast
from pathlib import Path

from keras_isa import backend

FOLDER = Path(backend.__file__).parent
# Programs that are compiled ahead, for `plan` and measurements.
JAX_ALONE = {"compiled_ahead", "stateless", "test_call", "train_call", "wait"}


def offered(name):
    """Public names of a module, read from its source: its framework may not be installed."""
    found = set()
    for node in ast.parse((FOLDER / f"{name}.py").read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("keras_isa.backend."):
            found.update(alias.asname for alias in node.names if alias.asname == alias.name)
    return {one for one in found if not one.startswith("_")}


def test_every_backend_offers_the_same_names():
    first, *others = (offered(name) for name in backend.IMPLEMENTED)
    assert first >= JAX_ALONE and len(first) > 20
    for other in others:
        assert other == first - JAX_ALONE
