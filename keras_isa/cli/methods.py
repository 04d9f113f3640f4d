"""`keras-isa methods` and `keras-isa presets`."""

from __future__ import annotations

import dataclasses
import inspect
import json
from typing import Any

import click

from keras_isa.cli import support
from keras_isa.cli.command import cli
from keras_isa.cli.settings import method_option, named_method
from keras_isa.methods import method as known_method
from keras_isa.methods import method_names
from keras_isa.presets import format_preset_table, preset_table


@cli.command()
@click.argument("name", required=False)
@support.json_option
def methods(name: str | None, as_json: bool) -> None:
    """Lists the methods of distillation, or the settings of the method NAME."""
    with support.work_on_stderr():
        if name is None:
            rows = [_about(known_method(known)) for known in method_names()]
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


@cli.command()
@method_option
@support.json_option
def presets(method: str, as_json: bool) -> None:
    """Lists the presets, which are settings for the paper's data sets and variants for CPUs."""
    with support.work_on_stderr():
        rows = preset_table(named_method(method).Config)
    click.echo(json.dumps(rows) if as_json else format_preset_table(rows))


def _about(trainer: Any) -> dict[str, Any]:
    return {
        "name": trainer.Config.method,
        "about": inspect.getdoc(trainer).splitlines()[0],
        "source": trainer.source,
        "cost_of_a_step": trainer.step_cost,
    }


def _settings(config: Any) -> list[dict[str, Any]]:
    rows = []
    for field in dataclasses.fields(config):
        if field.name not in ("images_per_class", "recipe"):
            default = None if field.default is dataclasses.MISSING else field.default
            rows.append({"name": field.name, "text": field.metadata["text"], "default": default})
    return rows
