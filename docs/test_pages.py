"""Runs the Python of the pages: `python -m pytest docs`. A page is one program, from top to end.

Blocks with `>>>` are compared with the output they show, others only have to run. What lies in a
comment `<!-- run` is run and not shown; a block below `<!-- not run` is shown and not run.
"""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest  # noqa: E402 - the backend first

DOCS = Path(__file__).parent
_BLOCKS = re.compile(
    r"<!-- run\n(?P<hidden>.*?)\n-->|(?P<skip><!-- not run.*?-->\n)?```python\n(?P<shown>.*?)\n```",
    re.DOTALL,
)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text: str) -> Iterator[tuple[str, int]]:
    """Gives each block that is to be run, with the number of lines before it."""
    for found in _BLOCKS.finditer(text):
        kind = "hidden" if found["hidden"] is not None else "shown"
        if not found["skip"]:
            yield found[kind] + "\n", text.count("\n", 0, found.start(kind))


def pages() -> list[str]:
    """The pages that have Python."""
    found = (path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts)
    return [str(path.relative_to(DOCS)) for path in found if any(blocks(path.read_text("utf-8")))]


@pytest.mark.parametrize("page", pages())
def test_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = str(DOCS / page)
    names = {"__name__": "__main__"}
    complaints: list[str] = []
    for source, line in blocks(Path(path).read_text("utf-8")):
        if ">>>" not in source:
            exec(compile("\n" * line + source, path, "exec"), names)
            continue
        test = doctest.DocTestParser().get_doctest(source, names, page, path, line)
        runner = doctest.DocTestRunner(verbose=False, optionflags=_FLAGS)
        runner.run(test, out=complaints.append, clear_globs=False)
        names.update(test.globs)
    assert not complaints, "".join(complaints)


def test_every_room_has_a_page():
    package = DOCS.parent / "keras_isa"
    # What these hold serves the other rooms; the command line has a page of its own.
    internal = {"cli", "inputs", "kernels", "planning"}
    rooms = {path.parent.name for path in package.glob("*/__init__.py")} - internal
    pages = "".join(path.read_text("utf-8") for path in (DOCS / "api").glob("*.md"))
    assert rooms <= set(re.findall(r"{public-names} keras_isa\.(\w+)", pages))
