"""Setting up: init, apply, demo."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from earmark import demo_access
from earmark.app import check_source
from earmark.brands import Brands
from earmark.cli.context import AsJson, Config, Data, actor_of, emit, parts_for, table
from earmark_config import seeds
from earmark_config.presets import BY_NAME, Elsewhere
from earmark_config.seeds import Change, Seed
from earmark_listeners import monitor
from earmark_listeners.asking import paused_because

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Many = list[str] | None
AppStore = Annotated[Many, typer.Option(help="An app's number or link; NUMBER/de for a country.")]
Steam = Annotated[Many, typer.Option(help="A game's number or link.")]
YouTube = Annotated[Many, typer.Option("--youtube", help="A channel's id, beginning with UC.")]
GitHub = Annotated[Many, typer.Option("--github", help="A repository, as owner/name.")]
Tag = Annotated[Many, typer.Option(help="A tag on Stack Overflow.")]
Lemmy = Annotated[Many, typer.Option(help="A community, as name@server.")]
Also = Annotated[Many, typer.Option(help=", ".join(place.key for place in BY_NAME) + ".")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("init")(init)
    app.command("apply")(apply)
    app.command("demo")(demo)


def init(
    brand: Annotated[str, typer.Argument(help="Name of your brand.")],
    alias: Annotated[list[str] | None, typer.Option(help="Another name; may be repeated.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A word that makes it not yours; may be repeated.")
    ] = None,
    app_store: AppStore = None,
    steam: Steam = None,
    youtube: YouTube = None,
    github: GitHub = None,
    tag: Tag = None,
    lemmy: Lemmy = None,
    also: Also = None,
    data: Data = None,
    config: Config = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Listens to your own brand: monitors and sources that need no key."""
    given = (app_store, steam, youtube, github, tag, lemmy, also)
    elsewhere = Elsewhere(*(tuple(each or ()) for each in given))
    seed = seeds.suggest(brand, alias or (), exclude or (), elsewhere=elsewhere)
    for wanted in seed.brands[0].sources:
        check_source(wanted.channel, wanted.options)
    if not as_json:
        _preview(seed)
    _apply(seed, data, config, dry_run=dry_run, yes=yes, as_json=as_json)


def _preview(seed: Seed) -> None:
    brand = seed.brands[0]
    for wanted in brand.monitors:
        typer.echo(f"Listens for {monitor.explain(monitor.parse(wanted.query))}.")
    table(((s.name, s.channel, s.covers) for s in brand.sources), "source", "channel", "hears")


def apply(
    file: Annotated[Path, typer.Argument(help="Brands, monitors, sources … in TOML.")],
    data: Data = None,
    config: Config = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Brings the database to what a file says; shows the difference first."""
    seed = seeds.read_seed(file, check_source=check_source, check_query=monitor.parse)
    _apply(seed, data, config, dry_run=dry_run, yes=yes, as_json=as_json)


def _apply(
    seed: Seed, data: Path | None, config: Path | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    with parts_for(data, config, create=True) as parts:
        changes = seeds.plan(parts.store, seed, pauses=paused_because)
        if as_json:
            emit(changes)
        else:
            _show(changes)
        to_do = [change for change in changes if change.action != "same"]
        if dry_run or not to_do:
            return
        if not yes and not as_json and sys.stdin.isatty():
            typer.confirm("Apply this?", abort=True)
        seeds.apply(parts.store, seed, parts.clock, actor_of(parts), pauses=paused_because)
    if not as_json:
        typer.echo(f"Applied {len(to_do)} change{'s' if len(to_do) > 1 else ''}.")


def _show(changes: Sequence[Change]) -> None:
    signs = {"add": "+", "change": "~", "same": "="}
    for change in changes:
        typer.echo(f"{signs[change.action]} {change.kind} {change.subject}")
        if change.paused:
            typer.echo(f"    {change.paused}")
        if change.action != "change":
            continue
        for key, value in change.after.items():
            if change.before.get(key) != value:
                typer.echo(f"    {key}: {change.before.get(key)!r} -> {value!r}")
    if all(change.action == "same" for change in changes):
        typer.echo("Nothing to change.")


def demo(
    remove: Annotated[bool, typer.Option("--remove", help="Take the demo out again.")] = False,
    data: Data = None,
    config: Config = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Adds the demo with its invented brand, or removes all of it."""
    with parts_for(data, config, create=True) as parts:
        if remove:
            if not yes and sys.stdin.isatty():
                typer.confirm("Remove the demo with all its mentions and cases?", abort=True)
            counts = Brands(parts).remove_demo(actor_of(parts))
            emit({"removed": counts}) if as_json else typer.echo(f"Removed the demo: {counts}.")
            return
        port = demo_access.last_port(parts.settings.data_dir) or 8590
        demo_access.note_port(parts.settings.data_dir, port)
        demo_access.add(parts.store, parts.clock, port)
        said = "The demo is here; `earmark run` starts its platform beside the pollers."
        emit({"added": True}) if as_json else typer.echo(said)
