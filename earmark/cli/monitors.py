"""Monitors: the saved queries in words, and what a query would find."""

from typing import Annotated

import typer

from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    PassingGroup,
    actor_of,
    emit,
    parts_for,
    table,
)
from earmark.monitors import Monitors
from earmark_listeners.previewing import ClauseEffect, Found, Preview

group = typer.Typer(
    cls=PassingGroup, help="Lists the monitors, explained in words.", rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    group.callback(invoke_without_command=True)(monitors)
    group.command("preview")(preview)
    app.add_typer(group, name="monitors")


def monitors(
    context: typer.Context, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Lists the monitors, explained in words."""
    if context.invoked_subcommand is not None:
        return
    with parts_for(data, config) as parts:
        rows = Monitors(parts.store, parts.clock).rows(actor_of(parts))
    if as_json:
        emit(rows)
        return
    table(
        (
            (
                row.id, row.brand, row.name, f"{row.version}{'' if row.is_enabled else ' (off)'}",
                row.query, row.words or row.fault,
            )
            for row in rows
        ),
        "no.", "brand", "monitor", "version", "query", "in words",
    )  # fmt: skip


def preview(
    query: Annotated[str, typer.Argument(help="A query, as a monitor has it.")],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Shows what a query finds in the newest 5,000 mentions of 30 days; saves nothing."""
    with parts_for(data, config) as parts:
        found = Monitors(parts.store, parts.clock).preview(actor_of(parts), query)
    if as_json:
        emit(found)
        return
    _show(found)


def _show(found: Preview) -> None:
    typer.echo(found.words)
    typer.echo(found.basis)
    for hit in found.samples:
        typer.echo(f"  {_line(hit)}")
    for effect in found.effects:
        typer.echo(in_words(effect))
        for hit in effect.samples:
            typer.echo(f"  {_line(hit)}")


def in_words(effect: ClauseEffect) -> str:
    """Says what a clause does, with its count."""
    if effect.removes is not None:
        return f"{effect.words}: keeps out {effect.removes:,} that would match without it"
    return f"{effect.words}: alone brings in {effect.adds or 0:,}"


def _line(hit: Found) -> str:
    return f"{hit.at:%d %b %Y %H:%M}  {hit.author or 'nobody named'}: {hit.text[:100]}"
