"""Data in and out: score, import, export."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import col, select

from earmark import exporting, importing, intake
from earmark.app import Parts
from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    actor_of,
    emit,
    parts_for,
    progress,
    run_with,
    settings_for,
)
from earmark_core.errors import ConfigError
from earmark_core.model import Receipt, Score, ScoreStatus, Text
from earmark_core.tables import Brand
from earmark_sentiment.plugins import chosen_scorer

_BATCH = 200
BrandName = Annotated[str | None, typer.Option("--brand", help="Name of the brand.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("score")(score)
    app.command("import")(import_)
    app.command("export")(export)


def score(
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the receipt: what each word did to the score.")
    ] = False,
) -> None:
    """Scores JSON Lines from standard input: {"id", "text", "lang"?, "brand"?, "rating"?}.

    Writes one line each, in order. A line that cannot be read gets status error, the rest is
    scored, and the exit code is 1.
    """
    scorer = chosen_scorer(settings_for(None, None).sentiment.scorer)
    lines = enumerate(sys.stdin.buffer, 1)
    bad = 0
    while batch := list(islice(lines, _BATCH)):
        asked = [_asked(number, line) for number, line in batch if line.strip()]
        scores = iter(scorer.score_batch([text for _, text in asked if text is not None]))
        for given, text in asked:
            bad += text is None
            found = Score(ScoreStatus.error) if text is None else next(scores)
            line = _scored(given, found)
            if explain:
                shown = text is not None and found.compound is not None
                line["receipt"] = _receipt(scorer.explain(text)) if text and shown else None
            sys.stdout.write(_written(line) + "\n")
        sys.stdout.flush()
    if bad:
        raise typer.Exit(1)


def _asked(number: int, line: bytes) -> tuple[Any, Text | None]:
    """Gives the id and the text of a line; no text if the line cannot be read."""
    given: Any = None
    try:
        value = _object(line)
        given = value.get("id")
        return given, _text(value)
    except _UnreadableError as error:
        typer.echo(f"earmark: line {number} cannot be scored: {error}.", err=True)
        return given, None


class _UnreadableError(Exception):
    """Says in plain words why a line cannot be scored."""


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _UnreadableError("it is not written in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _UnreadableError("it is not JSON") from error
    if not isinstance(value, dict):
        raise _UnreadableError('it is JSON, but no object such as {"id": 1, "text": "…"}')
    return value


def _text(value: dict[str, Any]) -> Text:
    words, brand, rating = value.get("text"), value.get("brand"), value.get("rating")
    if "id" not in value:
        raise _UnreadableError('it has no "id"')
    if not isinstance(words, str):
        raise _UnreadableError('it has no "text", or one that is no string')
    if rating is not None and not (type(rating) in (int, float) and 1 <= rating <= 5):
        raise _UnreadableError("its rating is not a number from 1 to 5")
    return Text(
        words,
        lang=str(value.get("lang") or ""),
        rating=rating,
        names=(str(brand),) if brand else (),
    )


def _written(line: dict[str, Any]) -> str:
    """Gives the line of JSON; half a character, which UTF-8 cannot hold, stays escaped."""
    made = json.dumps(line, ensure_ascii=False)
    try:
        made.encode()
    except UnicodeEncodeError:
        return json.dumps(line)
    return made


def _scored(given: Any, found: Score) -> dict[str, Any]:
    return {
        "id": given,
        "status": str(found.status),
        "label": str(found.label) if found.label else None,
        "p_neg": found.p_neg,
        "p_neu": found.p_neu,
        "p_pos": found.p_pos,
        "compound": found.compound,
        "lang": found.lang or None,
        "model_id": found.model_id or None,
    }


def _receipt(found: Receipt) -> dict[str, Any]:
    """Gives the receipt: parts that add up to the compound, and parts that add up to the logit."""
    return {
        "prepared": found.prepared,
        "parts": [asdict(part) for part in found.parts],
        "total": found.total,
        "compound": found.compound,
        "logit_parts": [asdict(part) for part in found.logit_parts],
        "logit": found.logit,
        "hints": list(found.hints),
    }


def import_(
    file: Annotated[Path, typer.Argument(help="A .jsonl or .csv file.")],
    brand: BrandName = None,
    history: Annotated[
        bool, typer.Option("--history", help="Keep and score it, but open no case.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Takes mentions from a file, the same way as from a poll; exit code 1 if a row was bad.

    What is older than 30 days opens no case.
    """
    found = importing.read(file)
    with parts_for(data, config, create=True) as parts:
        brand_id = brand_named(parts, brand)
        with progress() as bar:
            task = bar.add_task("Reading", total=None)
            total = intake.take(
                parts,
                actor_of(parts),
                brand_id,
                found,
                history=history,
                tick=lambda rows: bar.advance(task, rows),
            )
            bar.update(task, description="Scoring")
            run_with(parts, parts.pipeline().settle)
    if as_json:
        emit(total)
    else:
        typer.echo(
            f"{total.new} new or changed, {total.known} known already, {total.rejected} refused."
        )
    for reject in total.rejects:
        typer.echo(f"earmark: line {reject.line} was refused: {reject.reason}", err=True)
    if total.rejected:
        raise typer.Exit(1)


def brand_named(parts: Parts, name: str | None) -> int:
    """Gives the brand of that name; with no name, the only one of one's own."""
    with parts.store.read() as session:
        brands = session.exec(select(Brand).where(~col(Brand.is_competitor))).all()
        named = [b for b in brands if b.name == name] if name else brands
        if name is None and len(named) > 1:
            named = [b for b in brands if not b.is_demo]
        if len(named) == 1:
            return named[0].id or 0
        known = ", ".join(sorted(b.name for b in brands)) or "none"
    raise ConfigError(
        "Which brand are these mentions about?" if name is None else "There is no such brand.",
        subject=name or "",
        hint=f"Give --brand with one of: {known}. `earmark init` makes one.",
    )


def export(
    file: Annotated[
        Path | None, typer.Argument(help="A .jsonl or .csv file; none writes JSON Lines here.")
    ] = None,
    brand: BrandName = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Writes mentions with their scores to a file that `earmark import` reads."""
    with parts_for(data, config) as parts, progress() as bar:
        brand_id = brand_named(parts, brand) if brand else None
        task = bar.add_task("Writing", total=None)
        found = exporting.rows(parts.store, brand_id=brand_id)
        if file is None:
            exporting.write_jsonl(found, sys.stdout, lambda: bar.advance(task))
            return
        count = _write(file, found, lambda: bar.advance(task))
    typer.echo(f"Wrote {count} mentions to {file}.", err=True)


def _write(file: Path, found: Iterator[dict[str, Any]], tick: Any) -> int:
    """Writes beside the file and then puts it in its place: a broken export replaces nothing."""
    kinds = {".jsonl": exporting.write_jsonl, ".csv": exporting.write_csv}
    write = kinds.get(file.suffix.lower())
    if write is None:
        raise ConfigError("The file's kind is not known.", subject=str(file),
                          hint="Name it .jsonl or .csv.")  # fmt: skip
    half = file.with_name(file.name + ".part")
    with half.open("w", encoding="utf-8", newline="") as out:
        count = write(found, out, tick)
    half.replace(file)
    return count
