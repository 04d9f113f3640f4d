"""The group of all commands, and the messages of errors."""

from __future__ import annotations

import sys

import click

from keras_isa import __version__
from keras_isa.cli.support import joined_lines

INTERRUPTED = 130


def main() -> None:
    """Runs the command line; it exits with 0, with 2 after bad input, and with 130 after Ctrl-C."""
    try:
        sys.exit(cli.main(sys.argv[1:] or ["--help"], standalone_mode=False))
    except click.ClickException as error:
        message = error.format_message()
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except (ValueError, TypeError, RuntimeError, MemoryError, OSError, ImportError) as error:
        message = str(error) or type(error).__name__
    click.echo(f"keras-isa: {joined_lines(message)}", err=True)
    sys.exit(2)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="keras-isa", message="%(prog)s %(version)s")
def cli() -> None:
    """Dataset distillation: learns a few synthetic images that can replace a whole training set."""
