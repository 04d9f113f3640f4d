"""The directive `public-names`: everything that a module makes public, from its docstrings."""

from __future__ import annotations

import functools
import importlib
import inspect
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

# Several modules may show one object; the first of these documents it, the others refer to it.
MODULES = [
    "keras_isa",
    *(
        f"keras_isa.{room}"
        for room in (
            "layers ops models parametrizations methods training callbacks datasets evaluation "
            "studies presets tuning asset asset.export asset.hub asset.publishing asset.card "
            "asset.measured optimizers backend"
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
        if _objects_of(module).get(name) is value:
            return module
    raise LookupError(name)


@functools.cache
def _objects_of(module: str) -> dict[str, Any]:
    return public_objects(importlib.import_module(module))


class PublicNames(SphinxDirective):
    """Documents the public names of the module that is its argument, in the order of the source."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        objects = public_objects(module)
        lines, here, elsewhere = [], [], []
        for name, value in objects.items():
            home = home_of(name, value)
            if home != module.__name__:
                elsewhere.append(f":py:obj:`{home}.{name}`")
                continue
            here.append(f":py:obj:`~{home}.{name}`")
            if inspect.isclass(value):
                lines += [f".. autoclass:: {home}.{name}", "   :members:", "   :show-inheritance:"]
                # A class as an attribute is documented where it is defined.
                classes = [key for key, member in vars(value).items() if inspect.isclass(member)]
                lines += [f"   :exclude-members: {', '.join(classes)}"] if classes else []
            elif inspect.isfunction(value):
                lines += [f".. autofunction:: {home}.{name}"]
            else:
                lines += [f".. py:data:: {home}.{name}", f"   :value: {value!r}"]
            lines.append("")
        if elsewhere:
            lines = [f"Documented elsewhere: {', '.join(elsewhere)}.", "", *lines]
        lines = [f"On this page: {', '.join(here)}.", "", *lines]
        # The pages are Markdown, the docstrings are not.
        text = "\n".join(["````{eval-rst}", *lines, "````"])
        return self.parse_text_to_nodes(text)


def _leave_private_bases_out(
    app: Sphinx, name: str, value: type, options: Any, bases: list[type]
) -> None:
    public = {id(found) for module in MODULES for found in _objects_of(module).values()}
    bases[:] = [
        base for base in bases if id(base) in public or not base.__module__.startswith("keras_isa.")
    ]


def _constructor_signature(
    app: Sphinx, kind: str, name: str, value: Any, options: Any, signature: Any, returned: Any
) -> tuple[str, str] | None:
    """The arguments of `__init__`: Keras gives its classes a `__new__` that takes anything."""
    if kind != "class" or "__init__" not in vars(value):
        return None
    found = inspect.signature(value.__init__)
    arguments = list(found.parameters.values())[1:]
    found = found.replace(parameters=arguments, return_annotation=inspect.Signature.empty)
    return stringify_signature(found, show_annotation=False), ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds the directive."""
    app.add_directive("public-names", PublicNames)
    app.connect("autodoc-process-bases", _leave_private_bases_out)
    app.connect("autodoc-process-signature", _constructor_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
