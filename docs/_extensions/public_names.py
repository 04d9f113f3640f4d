"""The directive `public-names`: everything that a module makes public, from its docstrings."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# Several modules may show one object; the first of these documents it, the others refer to it.
MODULES = [
    "keras_isa",
    *(
        f"keras_isa.{room}"
        for room in (
            "layers ops models trainers callbacks datasets evaluation presets tuning export "
            "optimizers backend"
        ).split()
    ),
]


def public_objects(module: ModuleType) -> dict[str, Any]:
    """Classes, functions and constants of a module by name, without what it only imports.

    Args:
        module: A room, whose public names its `__init__` imports, or a single file.
    """
    room = hasattr(module, "__path__")
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or inspect.ismodule(value):
            continue
        home = getattr(value, "__module__", None)
        if inspect.isclass(value) or inspect.isfunction(value):
            if home == module.__name__ or (room and home.startswith("keras_isa.")):
                found[name] = value
        elif room and home is None and name.isupper():
            found[name] = value
    return found


def home_of(name: str, value: Any) -> str:
    """The module that documents an object."""
    for module in MODULES:
        if public_objects(importlib.import_module(module)).get(name) is value:
            return module
    raise LookupError(name)


class PublicNames(SphinxDirective):
    """Documents the public names of the module that is its argument, in the order of the source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        objects = public_objects(module)
        lines, elsewhere = [], []
        for name, value in objects.items():
            home = home_of(name, value)
            if home != module.__name__:
                elsewhere.append(f":py:obj:`{home}.{name}`")
            elif inspect.isclass(value):
                lines += [f".. autoclass:: {home}.{name}", "   :members:", "   :show-inheritance:"]
            elif inspect.isfunction(value):
                lines += [f".. autofunction:: {home}.{name}"]
            else:
                lines += [f".. py:data:: {home}.{name}", f"   :value: {value!r}"]
            lines.append("")
        if elsewhere:
            lines += [f"Also here: {', '.join(elsewhere)}.", ""]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds the directive."""
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
