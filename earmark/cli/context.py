"""What most commands need: settings, the parts, who is acting, and how to print."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from earmark import demo_access
from earmark.app import Parts, assemble
from earmark.people import local_actor
from earmark_config.settings import Settings, load_settings
from earmark_core.model import Actor

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder that holds the database.")
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings in TOML.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]

_T = TypeVar("_T")


class PassingGroup(TyperGroup):
    """A group that does something by itself, too, and whose options hold before a subcommand.

    `earmark sources --data DIR probe …` is `earmark sources probe --data DIR …`. An option that
    the subcommand does not know is refused, never passed over.
    """

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Gives the subcommand, and what it is told."""
        name, command, rest = super().resolve_command(ctx, args)
        known = {option for one in getattr(command, "params", ()) for option in one.opts}
        told: list[str] = []
        for one in self.params:
            source, value = ctx.get_parameter_source(one.name), ctx.params.get(one.name)
            if source is None or source.name != "COMMANDLINE" or value is None:
                continue
            if one.opts[0] not in known:
                ctx.fail(f"{one.opts[0]} is no option of {name}; leave it out.")
            told += [one.opts[0]] if value is True else [one.opts[0], str(value)]
        return name, command, [*told, *rest]


def settings_file(data: Path | None, config: Path | None) -> Path | None:
    """Gives the file that holds the settings, None where there is none.

    The first of: the one named, EARMARK_CONFIG, `earmark.toml` in the data folder,
    `config/earmark.toml` in the present folder.
    """
    if config is not None:
        return config
    if named := os.environ.get("EARMARK_CONFIG"):
        return Path(named)
    places = [data / "earmark.toml"] if data else []
    places.append(Path("config", "earmark.toml"))
    return next((place for place in places if place.is_file()), None)


def settings_for(data: Path | None, config: Path | None, **more: Any) -> Settings:
    """Gives the settings in force."""
    overrides = {"data_dir": data, **more}
    return load_settings(settings_file(data, config), os.environ, overrides)


@contextmanager
def parts_for(data: Path | None, config: Path | None, *, create: bool = False) -> Any:
    """Gives the parts of an installation, and closes them."""
    settings = settings_for(data, config)
    if create:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    access = demo_access.read(settings.data_dir)
    parts = assemble(settings, create=create, allow=access.allow, secrets=dict(access.secrets))
    try:
        yield parts
    finally:
        asyncio.run(parts.aclose())


def actor_of(parts: Parts) -> Actor:
    """Gives who acts in the terminal: the person of the settings, who may do everything."""
    return local_actor(parts.store, parts.clock, parts.settings.person)


def run_with(parts: Parts, work: Callable[[], Awaitable[_T]]) -> _T:
    """Runs asynchronous work and closes the network behind it."""

    async def body() -> _T:
        try:
            return await work()
        finally:
            await parts.fetcher.aclose()

    return asyncio.run(body())


def emit(value: Any) -> None:
    """Prints one JSON document."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def plain(value: Any) -> Any:
    """Gives a value as JSON has it: moments in ISO form, durations in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value


def table(rows: Iterable[Iterable[object]], *heads: str) -> None:
    """Prints rows in columns; text from outside keeps to its cell and is never markup."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))
    Console(soft_wrap=not sys.stdout.isatty()).print(drawn)


def progress() -> Progress:
    """Gives a progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
