"""Sources: how they are, trying one, and connecting a new one."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from earmark.app import Parts
from earmark.backfilling import Backfilling
from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    PassingGroup,
    actor_of,
    emit,
    parts_for,
    progress,
    run_with,
    table,
)
from earmark.cli.data import BrandName, brand_named
from earmark.sourcing import SourceSetup
from earmark_core import jobs
from earmark_core.errors import ConfigError
from earmark_core.jobs import JobRow
from earmark_listeners import asking
from earmark_listeners.asking import ChannelChoice, NewSource, Question
from earmark_listeners.health import SourceRow
from earmark_listeners.probing import Probed

Channel = Annotated[str, typer.Argument(help="Name of the channel; `earmark channels` lists them.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An option of it; may be repeated."),
]
group = typer.Typer(
    cls=PassingGroup,
    help="Shows how each source is: last and next poll, errors in plain words.",
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    group.callback(invoke_without_command=True)(sources)
    group.command("probe")(probe)
    group.command("connect")(connect)
    group.command("backfill")(backfill)
    app.add_typer(group, name="sources")


def sources(
    context: typer.Context,
    pause: Annotated[int | None, typer.Option(help="Pause the source of this number.")] = None,
    resume: Annotated[int | None, typer.Option(help="Resume the source of this number.")] = None,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Show when each was not heard, and why.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back --gaps looks.")] = 7,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Shows how each source is: last and next poll, errors in plain words."""
    if context.invoked_subcommand is not None:
        return
    with parts_for(data, config) as parts:
        actor = actor_of(parts)
        if pause is not None:
            parts.sources.pause(actor, pause)
        if resume is not None:
            parts.sources.resume(actor, resume)
        rows, limits = parts.sources.rows(actor), parts.sources.limits(actor)
        if gaps:
            _gaps(parts, rows, days, as_json=as_json)
            return
    if as_json:
        emit(rows)
        return
    table(
        (
            (
                row.id, row.brand, row.name, row.channel, row.state,
                f"{row.last_polled_at:%d %b %H:%M}" if row.last_polled_at else "never",
                f"{row.next_poll_at:%d %b %H:%M}", row.items_24h, f"{row.words} {row.hint}".strip(),
            )
            for row in rows
        ),
        "no.", "brand", "source", "channel", "state", "last poll", "next", "24 h", "in words",
    )  # fmt: skip
    for one in limits:
        typer.echo(one.words)


def _gaps(parts: Parts, rows: Sequence[SourceRow], days: int, *, as_json: bool) -> None:
    actor, service = actor_of(parts), parts.sources
    all_of_it = service.covered(actor, days=days)
    found = [
        {"source_id": row.id, "source": row.name, "start": gap.start, "end": gap.end,
         "reason": gap.reason}
        for row in rows for gap in service.gaps(actor, row.id, days=days)
    ]  # fmt: skip
    if as_json:
        emit({"days": days, "share": all_of_it.share, "words": all_of_it.words, "gaps": found})
        return
    typer.echo(f"What was heard in the last {days} days {all_of_it.words}.")
    table(
        (
            (g["source_id"], g["source"], f"{g['start']:%d %b %H:%M}", f"{g['end']:%d %b %H:%M}",
             g["reason"])
            for g in found
        ),
        "no.", "source", "not heard from", "to (UTC)", "because",
    )  # fmt: skip


def probe(
    channel: Channel,
    option: Options = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Tries a source that is not saved, shows five of its items; exit code 1 if it failed."""
    with parts_for(data, config) as parts:
        options = asking.answers(asking.choice(channel), _pairs(option or []))
        found = SourceSetup(parts).probe(actor_of(parts), channel, options)
    if as_json:
        emit({**_plain(found), "words": found.words, "went_well": found.went_well})
    else:
        _show(found)
    if not found.went_well:
        raise typer.Exit(1)


def connect(
    channel: Channel,
    brand: BrandName = None,
    name: Annotated[str | None, typer.Option(help="What the source is called.")] = None,
    option: Options = None,
    takes_all: Annotated[
        bool, typer.Option("--takes-all", help="All it brings is the brand's: its own mentions.")
    ] = False,
    include: Annotated[str, typer.Option(help="Only what this query matches.")] = "",
    exclude: Annotated[str, typer.Option(help="Nothing that this query matches.")] = "",
    every: Annotated[int, typer.Option(help="Seconds between polls; 0 is the channel's own.")] = 0,
    save_anyway: Annotated[
        bool, typer.Option("--save-anyway", help="Save it even if the try fails.")
    ] = False,
    ask: Annotated[
        bool | None,
        typer.Option("--ask/--no-ask", help="Ask for what is not given; as a rule on a terminal."),
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Makes a source: says what the channel wants, asks for it, tries it, and saves it."""
    may_ask = sys.stdin.isatty() if ask is None else ask
    said = _pairs(option or [])
    with parts_for(data, config) as parts:
        chosen = asking.choice(channel)
        brand_id = brand_named(parts, brand)
        _introduce(chosen)
        if may_ask:
            said = _asked(chosen, said)
            name = name or typer.prompt("Name of the source", default=channel, err=True)
        options = asking.answers(chosen, said)
        wanted = NewSource(brand_id, channel, name or channel, options, takes_all,
                           include, exclude, every)  # fmt: skip
        source_id = _try_and_save(parts, wanted, may_ask=may_ask, save_anyway=save_anyway)
    if as_json:
        emit({"source_id": source_id, "is_paused": chosen.is_off_by_default,
              "why": chosen.warning})  # fmt: skip
        return
    typer.echo(_saved(source_id, chosen))


def _saved(source_id: int, chosen: ChannelChoice) -> str:
    if not chosen.is_off_by_default:
        return f"Saved as source {source_id}, polled now."
    begins = f"`earmark sources --resume {source_id}` begins"
    return f"Saved as source {source_id}, paused: {begins}. {chosen.warning}"


def backfill(
    source: Annotated[int, typer.Argument(help="Number of the source.")],
    start: Annotated[datetime, typer.Option("--from", help="First day, in UTC.")],
    end: Annotated[
        datetime | None, typer.Option("--to", help="Day to end before, in UTC; none is now.")
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Fetches what a source said earlier, as history; what was broken off goes on."""
    with parts_for(data, config) as parts:
        actor = actor_of(parts)
        until = parts.clock() if end is None else end.replace(tzinfo=UTC)
        job_id = parts.backfills.ask(actor, source, start.replace(tzinfo=UTC), until)
        job = jobs.claim(parts.store, parts.clock(), only=job_id)
        if job is not None:
            try:
                run_with(parts, lambda: _fetch(parts, job))
            except KeyboardInterrupt:  # the page under way is rolled back; what was kept stays
                note = "Stopped. Ask for the same stretch again: it goes on where it was."
                jobs.end(parts.store, job_id, state="cancelled", note=note, now=parts.clock())
        ended = parts.backfills.latest(actor, source)
    if as_json:
        emit({"job_id": job_id, "state": ended.state, "new": ended.payload.get("new", 0),
              "note": ended.note})  # fmt: skip
    else:
        typer.echo(f"{ended.state}: {ended.note or 'A running worker is at it.'}")
    if ended.state not in {"done", "waiting", "running"}:
        raise typer.Exit(1)


async def _fetch(parts: Parts, job: JobRow) -> None:
    with progress() as bar:
        task = bar.add_task("Fetching history", total=None)
        await Backfilling(parts, job).run(
            lambda done, total: bar.update(task, completed=done, total=total)
        )
        bar.update(task, description="Scoring")
        await parts.pipeline().settle()


def _try_and_save(parts: Parts, wanted: NewSource, *, may_ask: bool, save_anyway: bool) -> int:
    setup, actor = SourceSetup(parts), actor_of(parts)
    typer.echo("Trying it ...", err=True)
    found = setup.probe(actor, wanted.channel, wanted.options)
    _show(found, err=True)
    if not found.went_well and not save_anyway:
        typer.echo("Not saved. --save-anyway saves it all the same.", err=True)
        raise typer.Exit(1)
    if may_ask:
        typer.confirm(f"Save it as {wanted.name!r}?", default=True, abort=True, err=True)
    return setup.add(actor, wanted)


def _introduce(chosen: ChannelChoice) -> None:
    for line in chosen.introduction:
        typer.echo(line, err=True)


def _asked(chosen: ChannelChoice, said: dict[str, str]) -> dict[str, str]:
    """Asks what a person must know or choose; what has a fair default is left to --option."""
    answers = dict(said)
    for question in chosen.questions:
        if question.key in said or not _is_asked(question):
            continue
        answers[question.key] = typer.prompt(
            _prompt(question), default=None if question.is_required else question.default,
            show_default=bool(question.default), err=True,
        )  # fmt: skip
    return answers


def _is_asked(question: Question) -> bool:
    return question.is_required or question.kind in {"secret", "choice"} or not question.default


def _prompt(question: Question) -> str:
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    return f"{question.key}: {question.words}{choices}"


def _pairs(given: list[str]) -> dict[str, str]:
    """Gives KEY=VALUE as pairs; the value itself is not repeated in an error."""
    pairs = {}
    for each in given:
        key, sign, value = each.partition("=")
        if not sign or not key.strip():
            raise ConfigError(
                "An option is written KEY=VALUE.", hint="Such as --option query=acme.",
                subject="--option",
            )  # fmt: skip
        pairs[key.strip()] = value
    return pairs


def _plain(found: Probed) -> dict[str, Any]:
    return {
        "items": list(found.items),
        "found": found.found,
        "bad_items": found.bad_items,
        "error": found.error,
        "hint": found.hint,
    }


def _show(found: Probed, *, err: bool = False) -> None:
    typer.echo(found.words, err=err)
    for item in found.items:
        when = f"{item.at:%d %b %Y %H:%M}" if item.at else "no date"
        words = " ".join(f"{item.title} {item.text}".split())[:100]
        typer.echo(f"  {when}  {item.author or 'nobody named'}: {words}", err=err)
