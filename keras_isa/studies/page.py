"""The page of a study: everything in one file, which asks nothing of the network."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_isa.evaluation import report
from keras_isa.studies.result import Column


def render(values: Mapping[str, Any], picture: bytes) -> str:
    """Returns the page of a study.

    Args:
        values: What `run_study` has found.
        picture: The picture, a PNG.
    """
    import jinja2

    environment = jinja2.Environment(
        # The style is that of reports.
        loader=jinja2.FileSystemLoader([Path(__file__).parent, Path(report.__file__).parent]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    columns = [Column(*one) for one in values["columns"]]
    made = {**values["versions"], "device": values["device"]}
    made["seconds of the last command"] = values["seconds"]
    return environment.get_template("study.html").render(
        values=values,
        picture="data:image/png;base64," + base64.b64encode(picture).decode(),
        columns=columns,
        table=[[column.cell(row) for column in columns] for row in values["rows"]],
        about=_about(values),
        details={"Settings": values["settings"], "What computed": made},
        text=lambda value: value if isinstance(value, str) else json.dumps(value),
    )


def _about(values: Mapping[str, Any]) -> str:
    seeds, asked = values["seeds"], values["seeds_asked"]
    many = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed, which shows no spread"
    if len(seeds) < asked:
        many += f" of {asked}"
    counts = values["settings"]["images_per_class"]
    each = counts if isinstance(counts, int) else f"{min(counts)} to {max(counts)}"
    return (
        f"{values['dataset']}, {each} per class, {values['method']}, {many}; {values['judged_on']}"
    )
