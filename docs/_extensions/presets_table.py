"""Directives that write the presets as tables: `presets-overview` and `presets-in-full`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from docutils import nodes
from readme_table import one_line_cells
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from keras_isa.methods import method, method_names
from keras_isa.presets import preset_table, read_preset

_COLUMNS = {
    "method": "method",
    "name": "name",
    "image_shape": "images",
    "num_classes": "classes",
    "images_per_class": "per class",
    "steps": "steps",
    "width": "width",
    "batch_size": "batch",
    "updates_per_batch": "updates",
    "preprocessing": "preprocessing",
    "flip": "flip",
}


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table whose first row is the head."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""]


def in_words(value: Any, unset: str = "by size") -> str:
    """A setting as a reader would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return unset
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, value)) or "none"
    return str(value)


def every_preset() -> list[tuple[str, dict[str, Any]]]:
    """The presets of every registered method, each with the name of its method."""
    tables = {name: preset_table(method(name).Config) for name in method_names()}
    return [(name, preset) for name, presets in tables.items() for preset in presets]


class PresetsOverview(SphinxDirective):
    """One row for each preset."""

    def run(self) -> list[nodes.Node]:
        rows = [list(_COLUMNS.values())]
        for name, preset in every_preset():
            cells = {**preset, "method": f"`{name}`", "name": f"`{preset['name']}`"}
            cells["image_shape"] = "x".join(map(str, preset["image_shape"]))
            rows.append([self._cell(cells.get(name, "")) for name in _COLUMNS])
        return one_line_cells(self.parse_text_to_nodes("\n".join(markdown_table(rows))))

    @staticmethod
    def _cell(value: Any) -> str:
        if not isinstance(value, list):
            return in_words(value)
        words = list(map(in_words, value))
        return words[0] if len(set(words)) == 1 else "/".join(words)


class PresetsInFull(SphinxDirective):
    """All settings of every preset: a section each, a column for each number of images."""

    def run(self) -> list[nodes.Node]:
        lines = []
        for name, preset in every_preset():
            sizes, config = preset["images_per_class"], method(name).Config
            columns = [read_preset(preset["name"], size, config)[0].to_dict() for size in sizes]
            rows = [["setting", *(f"{size} per class" for size in sizes)]]
            for field in columns[0]:
                if field not in ("images_per_class", "recipe"):
                    unset = "Keras's own" if field == "dtype_policy" else "by size"
                    cells = (in_words(column[field], unset) for column in columns)
                    rows.append([f"`{field}`", *cells])
            for field in columns[0]["recipe"]:
                cells = (in_words(column["recipe"][field]) for column in columns)
                rows.append([f"`recipe.{field}`", *cells])
            lines += [f"### {preset['name']}, {name}", "", *markdown_table(rows)]
        found = self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)
        return one_line_cells(found)


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds the directives."""
    app.add_directive("presets-overview", PresetsOverview)
    app.add_directive("presets-in-full", PresetsInFull)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
