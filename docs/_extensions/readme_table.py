"""The directive `readme-table`: the README's table with a given word in its head.

Measured figures stand in one place, the README, and the pages show them from there.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

README = Path(__file__).parents[2] / "README.md"


class ReadmeTable(SphinxDirective):
    """Shows the table whose head holds the words that are its argument."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(README))
        lines = README.read_text("utf-8").splitlines()
        words = self.arguments[0]
        tables = [list(rows) for is_table, rows in groupby(lines, _is_row) if is_table]
        table = next((table for table in tables if words in table[0]), None)
        if table is None:
            raise self.error(f"README.md has no table with {words!r} in its head")
        return one_line_cells(self.parse_text_to_nodes("\n".join(table)))


def one_line_cells(found: list[nodes.Node]) -> list[nodes.Node]:
    """Marks tables whose cells are figures and names, which are not to be broken into lines."""
    for node in found:
        for table in node.findall(nodes.table):
            table["classes"].append("figures")
    return found


def _is_row(line: str) -> bool:
    return line.startswith("|")


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds the directive."""
    app.add_directive("readme-table", ReadmeTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
