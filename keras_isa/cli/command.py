"""The group of all commands, and the messages of errors."""

from __future__ import annotations

import sys

import click

from keras_isa.cli.support import joined_lines

INTERRUPTED = 130


def main() -> None:
    """Runs the command line; it exits with 0, with 2 after bad input, and with 130 after Ctrl-C."""
    try:
        sys.exit(cli.main(sys.argv[1:] or ["--help"], standalone_mode=False))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except (ValueError, TypeError, RuntimeError, MemoryError, OSError) as error:
        _fail(str(error) or type(error).__name__)


def _fail(message: str) -> None:
    click.echo(f"keras-isa: {joined_lines(message)}", err=True)
    sys.exit(2)


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from keras_isa.versions import package_version

        click.echo(f"keras-isa {package_version()}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version)
def cli() -> None:
    """Dataset distillation: learns a few synthetic images that can replace a whole training set."""
