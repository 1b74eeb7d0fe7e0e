"""Listening: poll, channels."""

from typing import Annotated, Any

import typer

from earmark.app import Parts
from earmark.cli.channel_page import page
from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    actor_of,
    emit,
    parts_for,
    progress,
    run_with,
    table,
)
from earmark.pipeline import Polled
from earmark_core.errors import ConfigError
from earmark_core.model import WindowState
from earmark_listeners import registry
from earmark_listeners.contract import ChannelRules
from earmark_listeners.health import SourceRow


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("poll")(poll)
    app.command("channels")(channels)


def poll(
    source: Annotated[
        list[str] | None, typer.Argument(help="Names or numbers of sources; none polls all.")
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Polls sources once, now, then scores and decides; exit code 1 if one failed."""
    with parts_for(data, config) as parts:
        chosen = _chosen(parts, source or [])
        polled = run_with(parts, lambda: _poll(parts, chosen))
        rows = [_polled_row(one) for one in polled]
        if as_json:
            emit(rows)
        else:
            table(
                (
                    (r["name"], r["state"], r["new_items"], r["bad_items"], r["error"])
                    for r in rows
                ),
                "source", "window", "new", "bad", "error",
            )  # fmt: skip
    if any(row["error"] for row in rows):
        raise typer.Exit(1)


def _chosen(parts: Parts, names: list[str]) -> list[SourceRow]:
    rows = [row for row in parts.sources.rows(actor_of(parts)) if row.is_enabled]
    if not names:
        return rows
    chosen = []
    for name in names:
        found = [row for row in rows if name in {row.name, str(row.id)}]
        if not found:
            known = ", ".join(sorted(row.name for row in rows)) or "none"
            raise ConfigError(
                "There is no such source to poll.", subject=name, hint=f"There are: {known}."
            )
        chosen += found
    return chosen


async def _poll(parts: Parts, rows: list[SourceRow]) -> list[Polled]:
    pipeline = parts.pipeline()
    polled = []
    with progress() as bar:
        task = bar.add_task("Polling", total=len(rows))
        for row in rows:
            bar.update(task, description=f"Polling {row.channel}")
            for due in await pipeline.claim(only=row.id, limit=1):
                polled.append(await pipeline.poll(due))  # noqa: PERF401 - one after the other
            bar.advance(task)
        bar.update(task, description="Scoring")
        await pipeline.settle()
    return polled


def _polled_row(polled: Polled) -> dict[str, Any]:
    outcome = polled.outcome
    return {
        "source_id": polled.source_id,
        "name": polled.name,
        "channel": polled.channel,
        "state": str(outcome.state),
        "pages": outcome.pages,
        "items": outcome.items,
        "new_items": outcome.new_items,
        "bad_items": outcome.bad_items,
        "complete": outcome.state is WindowState.complete,
        "error": outcome.error,
        "hint": outcome.hint,
    }


def channels(
    as_json: AsJson = False,
    as_page: Annotated[bool, typer.Option("--page", hidden=True)] = False,
) -> None:
    """Lists every channel: what it hears, what it needs, and whether it takes replies."""
    if as_page:  # for us: docs/channels.md is written by it
        typer.echo(page(registry.channels()), nl=False)
        return
    rows = [_channel_row(name) for name in registry.channels()]
    if as_json:
        emit(rows)
        return
    table(
        (
            (r["channel"], r["summary"], "yes" if r["can_reply"] else "by hand", r["needs"])
            for r in rows
        ),
        "channel", "hears", "replies", "needs",
    )  # fmt: skip


def _channel_row(name: str) -> dict[str, Any]:
    kind = registry.channel(name)
    fields = kind.options_type.model_fields
    return {
        "channel": name,
        "summary": kind.summary,
        "collects": list(kind.collects),
        "cannot": kind.cannot,
        "needs": kind.needs,
        "stability": kind.stability,
        "is_push": kind.is_push,
        "has_thread": kind.has_thread,
        "off_by_default": kind.off_by_default,
        "can_backfill": kind.can_backfill,
        **_rules_row(kind.rules),
        "options": {key: field.description or "" for key, field in fields.items()},
        "options_schema": kind.options_type.model_json_schema(),
    }


def _rules_row(rules: ChannelRules) -> dict[str, Any]:
    window = rules.reply_window
    return {
        "can_reply": rules.can_reply,
        "min_length": rules.min_length,
        "max_length": rules.max_length,
        "max_bytes": rules.max_bytes,
        "counted_in": rules.counted_in,
        "url_length": rules.url_length,
        "one_reply_per_item": rules.one_reply_per_item,
        "reply_window_days": window.total_seconds() / 86_400 if window else None,
        "can_edit": rules.can_edit,
        "can_delete": rules.can_delete,
        "quota": rules.quota,
        "visibility": rules.visibility if rules.can_reply else "",
        "default_interval_seconds": rules.default_interval_seconds,
        "min_interval_seconds": rules.min_interval_seconds,
        "longest_kept_days": rules.longest_kept_days,
        "note": rules.note,
    }
