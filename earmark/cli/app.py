"""The commands of earmark, and how an error reaches a person."""

import sys

import typer

from earmark.cli import check, data, keeping, learn, listen, monitors, run, setup, sources
from earmark_core import logs
from earmark_core.errors import EarmarkError

app = typer.Typer(
    name="earmark",
    help="Hears what people say about a brand, marks what needs an answer, sees it through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (run, setup, listen, sources, keeping, monitors, data, learn, check):
    room.add_to(app)


def main() -> None:
    """Runs a command; an error is one line on standard error and the exit code.

    Exit codes: 0 done, 1 failed, 2 wrong settings or arguments, 3 unusable database, 4 runs
    already.
    """
    logs.setup("warning", sys.stderr)
    try:
        app()
    except EarmarkError as error:
        typer.echo(f"earmark: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("earmark: stopped.", err=True)
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
