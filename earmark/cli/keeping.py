"""For how long what was heard is kept, and removing what is due."""

from typing import Annotated, Any

import typer

from earmark import due
from earmark.app import Parts
from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    actor_of,
    emit,
    parts_for,
    plain,
    progress,
    table,
)
from earmark.cli.sources import group
from earmark.purging import Purging
from earmark_core import jobs
from earmark_core.access import require
from earmark_core.errors import ConfigError
from earmark_core.model import Role
from earmark_listeners.retention import Kept

_HOUSE = -1


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    group.command("keep")(keep)
    app.command("purge")(purge)


def keep(
    source: Annotated[
        int | None, typer.Argument(help="Number of the source; none lists all of them.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=_HOUSE, help="Days to keep mentions; 0: for ever, -1: as the settings say."
        ),
    ] = None,
    raw_days: Annotated[
        int | None, typer.Option(min=_HOUSE, help="The same for raw payloads.")
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Shows or sets for how long a source's mentions and raw payloads are kept."""
    with parts_for(data, config) as parts:
        service, actor = parts.keeping, actor_of(parts)
        rows = service.rows(actor) if source is None else (service.of(actor, source),)
        if days is not None or raw_days is not None:
            if source is None:
                raise ConfigError(
                    "Which source is to be kept so?",
                    hint="Give its number; for all of them, set [retention] in the settings.",
                )
            rows = (_set(parts, rows[0], days, raw_days),)
    if as_json:
        emit([{**plain(row), "words": row.words} for row in rows])
        return
    table(
        ((row.source_id, row.brand, row.name, row.channel, row.words) for row in rows),
        "no.", "brand", "source", "channel", "in words",
    )  # fmt: skip


def _set(parts: Parts, row: Kept, days: int | None, raw_days: int | None) -> Kept:
    wished = [
        before if said is None else None if said == _HOUSE else said
        for said, before in ((days, row.retention_days), (raw_days, row.raw_days))
    ]
    return parts.keeping.change(actor_of(parts), row.source_id, *wished)


def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is due of each source; remove nothing.")
    ] = False,
    compact: Annotated[
        bool,
        typer.Option("--compact", help="Then write the SQLite file anew, which takes its time."),
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Removes what was kept for as long as it is to be kept; a running worker does so by night."""
    with parts_for(data, config) as parts:
        if dry_run:
            _show_due(parts, as_json=as_json)
            return
        told = _purge(parts)
        if compact:
            parts.store.sweep(compact=True)
    if as_json:
        emit(told)
    else:
        typer.echo(f"{told['state']}: {told['note'] or 'A running worker is at it.'}")
    if told["state"] not in {"done", "waiting", "running"}:
        raise typer.Exit(1)


def _purge(parts: Parts) -> dict[str, Any]:
    actor = actor_of(parts)
    job_id = parts.purges.ask(actor)
    job = jobs.claim(parts.store, parts.clock(), only=job_id)
    if job is not None:
        with progress() as bar:
            task = bar.add_task("Removing", total=None)
            work = Purging(parts.store, parts.clock, parts.settings.retention, job)
            try:
                work.run(lambda done, total: bar.update(task, completed=done, total=total))
            except KeyboardInterrupt:  # the batch under way is rolled back; what went is gone
                parts.purges.cancel(actor, job_id)
                work.step()
    ended = parts.purges.latest(actor)
    told = {"state": ended.state, "note": ended.note} if ended else {"state": "failed", "note": ""}
    return {"job_id": job_id, **told}


def _show_due(parts: Parts, *, as_json: bool) -> None:
    require(actor_of(parts), Role.viewer, "see what is due")
    with parts.store.read() as session:
        found = {row.source_id: row for row in due.count(
            session, parts.settings.retention, parts.clock())}  # fmt: skip
    rows = [
        {"source_id": kept.source_id, "brand": kept.brand, "source": kept.name,
         "mentions": row.mentions - row.held, "held": row.held, "raw_payloads": row.raw,
         "unreadable_items": row.unread}
        for kept in parts.keeping.rows(actor_of(parts))
        if (row := found.get(kept.source_id))
    ]  # fmt: skip
    if as_json:
        emit(rows)
    elif not rows:
        typer.echo("Nothing is due.")
    else:
        table(
            (row.values() for row in rows),
            "no.", "brand", "source", "mentions", "held", "raw payloads", "unreadable items",
        )  # fmt: skip
