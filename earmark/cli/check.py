"""Is all well: check, version."""

import platform
from importlib.metadata import version as version_of
from typing import Any

import typer
from sqlmodel import select

from earmark.app import Parts
from earmark.cli.context import AsJson, Config, Data, emit, parts_for, settings_for
from earmark_config.references import is_reference
from earmark_core.errors import EarmarkError
from earmark_core.tables import Monitor, Source
from earmark_listeners import monitor, registry


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("check")(check)
    app.command("version")(version)


def check(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Looks at settings, database, sources and queries; exit code 1 if something is wrong.

    Reads only; asks nothing of the network.
    """
    settings = settings_for(data, config)
    found: list[dict[str, Any]] = [
        {"what": "settings", "ok": True, "words": f"data folder {settings.data_dir}"}
    ]
    with parts_for(data, config) as parts:
        found += _database(parts)
        found += _sources(parts)
    if as_json:
        emit(found)
    else:
        for line in found:
            typer.echo(f"{'ok  ' if line['ok'] else 'BAD '} {line['what']}: {line['words']}")
    if not all(line["ok"] for line in found):
        raise typer.Exit(1)


def _database(parts: Parts) -> list[dict[str, Any]]:
    store = parts.store
    if store.dialect != "sqlite":
        return [{"what": "database", "ok": True, "words": f"{store.dialect} answers"}]
    with store.engine.connect() as connection:
        whole = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    is_whole = whole == ["ok"] and not orphans
    words = "whole, no orphans" if is_whole else "; ".join([*whole, *map(str, orphans)])
    return [{"what": "database", "ok": is_whole, "words": words}]


def _sources(parts: Parts) -> list[dict[str, Any]]:
    with parts.store.read() as session:
        sources = [
            (s.name, s.channel, dict(s.options), s.include, s.exclude)
            for s in session.exec(select(Source))
            if s.channel in registry.channels() or s.is_enabled
        ]
        queries = [(f"monitor {m.name}", m.query) for m in session.exec(select(Monitor))]
    found = []
    for name, channel, options, include, exclude in sources:
        queries += [(f"source {name}", query) for query in (include, exclude) if query]
        try:
            parts.build(channel, options)
            for value in options.values():
                if isinstance(value, str) and is_reference(value):
                    parts.secret(value)
        except EarmarkError as error:
            found.append({"what": f"source {name}", "ok": False, "words": str(error)})
        else:
            found.append({"what": f"source {name}", "ok": True, "words": channel})
    for what, query in queries:
        try:
            monitor.parse(query)
        except EarmarkError as error:
            found.append({"what": what, "ok": False, "words": str(error)})
    return found


def version(as_json: AsJson = False) -> None:
    """Says which earmark this is."""
    facts = {
        "earmark": version_of("earmark"),
        "python": platform.python_version(),
        "streamlit": version_of("streamlit"),
    }
    if as_json:
        emit(facts)
    else:
        typer.echo(f"earmark {facts['earmark']} (Python {facts['python']})")
