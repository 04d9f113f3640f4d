"""`keras-isa methods`."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

import click

from keras_isa.cli.command import cli
from keras_isa.cli.support import json_option, work_on_stderr


@cli.command()
@click.argument("name", required=False)
@json_option
def methods(name: str | None, as_json: bool) -> None:
    """Lists the methods of distillation, or the settings of the method NAME."""
    with work_on_stderr():
        from keras_isa.cli.settings import named_method
        from keras_isa.methods import method, method_names

        if name is None:
            rows = [_about(method(known)) for known in method_names()]
        else:
            rows = _settings(named_method(name, "NAME").Config)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        label, text, *others = row.items()
        click.echo(f"{label[1]}: {text[1]}")
        for name, value in others:
            click.echo(f"    {name.replace('_', ' ')}: {value}")


def _about(trainer: Any) -> dict[str, Any]:
    about = inspect.getdoc(trainer).splitlines()[0]
    return {
        "name": trainer.Config.method,
        "about": about,
        "source": trainer.source,
        "cost_of_a_step": trainer.step_cost,
    }


def _settings(config: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "text": field.metadata["text"],
            "default": None if field.default is dataclasses.MISSING else field.default,
        }
        for field in dataclasses.fields(config)
        if field.name not in ("images_per_class", "recipe")
    ]
