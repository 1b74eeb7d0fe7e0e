"""Learning from corrections, and scoring history again: learn status, refit …; rescore."""

import time
from typing import Annotated, Any

import typer
from sqlmodel import col, select

from earmark.app import Parts
from earmark.cli.context import (
    AsJson,
    Config,
    Data,
    actor_of,
    emit,
    parts_for,
    progress,
    table,
)
from earmark.cli.data import BrandName, brand_named
from earmark.rescoring import Rescoring
from earmark_core import jobs
from earmark_core.jobs import JobRow
from earmark_core.model import Label
from earmark_core.tables import Brand
from earmark_sentiment.agreement import FIRM_FROM, Agreement
from earmark_sentiment.reports import AgreementReport, LearnStatus
from earmark_sentiment.versions import ModelRow

_LOOK_SECONDS = 0.5
Version = Annotated[int | None, typer.Option(help="Number of the version.")]
learn = typer.Typer(
    help="Learns from what people corrected: status, refit, accept, rollback.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    for command in (status, refit, accept, rollback):
        learn.command(command.__name__)(command)
    app.add_typer(learn, name="learn")
    app.command("rescore")(rescore)


def status(
    brand: BrandName = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Shows what was learned, how right the scores are, and which words mislead."""
    with parts_for(data, config) as parts:
        actor, learning = actor_of(parts), parts.learning
        found = []
        for brand_id, name in _brands(parts, brand):
            found.append(
                {
                    "brand": name,
                    "status": learning.status(actor, brand_id),
                    "agreement": learning.agreement(actor, brand_id),
                    "proposals": [
                        {"words": effect.words, "effect": effect}
                        for effect in learning.proposals(actor, brand_id)
                    ],
                }
            )
    if as_json:
        emit([{**each, "agreement": _agreement_json(each["agreement"])} for each in found])
        return
    for each in found:
        _tell(each)


def _tell(found: dict[str, Any]) -> None:
    now: LearnStatus = found["status"]
    report: AgreementReport = found["agreement"]
    in_force = f"version {now.active.version} ({now.active.kind})" if now.active else "what ships"
    typer.echo(f"{found['brand']}: {in_force} is in force.")
    if now.is_stale:
        typer.echo("  It stands on older shipped weights and is not used: refit it.")
    typer.echo(f"  {now.corrections} corrections, {now.new} new. {now.words}")
    if now.queue_from is not None:
        typer.echo(f"  Queued from {now.queue_from:.0%} negative on.")
    if not now.is_calibrated:
        typer.echo("  The scores are not calibrated for this brand yet.")
    for line in _agreement_words(report):
        typer.echo(f"  {line}")
    if now.versions:
        table((_version_row(row) for row in now.versions), *_VERSION_HEADS)
    for proposal in found["proposals"]:
        typer.echo(f"  proposed: {proposal['words']}")


_VERSION_HEADS = ("version", "state", "kind", "n", "AP", "F1", "by", "made")


def _version_row(row: ModelRow) -> tuple[object, ...]:
    after = row.figures.get("after") or {}
    return (
        row.version, row.state, row.kind, row.n,
        _three(after.get("average_precision")), _three(after.get("negative_f1")),
        row.by, f"{row.created_at:%d %b %Y %H:%M}",
    )  # fmt: skip


def _three(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.3f}"


def _agreement_words(report: AgreementReport) -> list[str]:
    best = report.best
    if not best.n:
        return ["Nothing is labelled yet, so nothing can be said of how right the scores are."]
    basis = "corrected mentions, which is biased" if report.is_biased else "the blind sample"
    f1 = ", ".join(f"{label} {_three(best.f1(label))}" for label in Label)
    return [
        f"Right on {_three(best.accuracy)}{_interval(best)} of {best.n} ({basis}); "
        f"kappa {_three(best.kappa)}.",
        f"F1: {f1}.",
        *(() if best.is_firm else (f"Fewer than {FIRM_FROM} are labelled: this is not firm.",)),
    ]


def _interval(found: Agreement) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    return f" (95 %: {_three(low)} to {_three(high)})"


def _agreement_json(report: AgreementReport) -> dict[str, Any]:
    return {
        "corrected": _counted(report.corrected),
        "sample": _counted(report.sample),
        "is_biased": report.is_biased,
        "unscored": report.unscored,
        "by_model": {model: _counted(found) for model, found in report.by_model},
    }


def _counted(found: Agreement) -> dict[str, Any]:
    return {
        "n": found.n,
        "accuracy": found.accuracy,
        "interval": found.interval,
        "kappa": found.kappa,
        "f1": {str(label): found.f1(label) for label in Label},
        "matrix": {
            str(person): {str(machine): found.count(person, machine) for machine in Label}
            for person in Label
        },
    }


def refit(
    brand: BrandName = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Learns from all corrections and proposes the result, with its figures."""
    with parts_for(data, config) as parts:
        row = parts.learning.refit(actor_of(parts), brand_named(parts, brand))
    if as_json:
        emit(row)
        return
    before, after = row.figures["before"], row.figures["after"]
    typer.echo(f"Version {row.version} ({row.kind}) from {row.n} corrections is proposed.")
    names = {
        "average_precision": "average precision",
        "negative_f1": "F1 of negative",
        "accuracy": "accuracy",
        "calibration_error": "calibration error",
    }
    table(
        ((words, _three(before[key]), _three(after[key])) for key, words in names.items()),
        "cross-validated", "in force", "proposed",
    )  # fmt: skip
    if weighed := row.figures["after"].get("weighed"):
        typer.echo(
            f"{weighed} labels of the blind sample stand for those that were not drawn; the "
            f"figures are as firm as {row.figures['after']['effective_n']} equal corrections."
        )
    worse = " ".join(row.figures["worse"])
    typer.echo(worse or "It may be accepted: `earmark learn accept`.")


def accept(
    brand: BrandName = None,
    version: Version = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Puts the proposed version in force, if its figures do not fall.

    What comes from now on is scored by it; `earmark rescore` scores history, too.
    """
    with parts_for(data, config) as parts:
        row = parts.learning.accept(actor_of(parts), brand_named(parts, brand), version)
    if as_json:
        emit(row)
    else:
        typer.echo(f"Version {row.version} is in force. `earmark rescore` scores history by it.")


def rollback(
    brand: BrandName = None,
    to: Annotated[int | None, typer.Option(help="Version to go back to; 0 is what ships.")] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Goes back to the version that was in force before."""
    with parts_for(data, config) as parts:
        row = parts.learning.rollback(actor_of(parts), brand_named(parts, brand), to)
    if as_json:
        emit(row)
    else:
        typer.echo(f"Version {row.version} is in force." if row else "What ships is in force.")


def rescore(
    brand: BrandName = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Scores history again with what is in force; Ctrl-C stops it between two batches.

    Without --brand it is everything. What was done before a stop stays done.
    """
    with parts_for(data, config) as parts:
        actor = actor_of(parts)
        job_id = parts.rescores.ask(actor, brand_named(parts, brand) if brand else None)
        job = jobs.claim(parts.store, parts.clock(), only=job_id)
        if job is not None:
            _work(parts, job)
        else:  # a running worker was quicker
            try:
                _watch(parts, job_id)
            except KeyboardInterrupt:
                parts.rescores.cancel(actor, job_id)
                _watch(parts, job_id)
        ended = parts.rescores.get(actor, job_id)
    if as_json:
        emit(_job_row(ended))
    else:
        typer.echo(f"{ended.state}: {ended.note}")
    if ended.state != "done":
        raise typer.Exit(130 if ended.state == "cancelled" else 1)


def _work(parts: Parts, job: JobRow) -> None:
    with progress() as bar:
        task = bar.add_task("Scoring again", total=None)
        try:
            Rescoring(parts.store, parts.clock, parts.scorers, job).run(
                lambda done, total: bar.update(task, completed=done, total=total or None)
            )
        except KeyboardInterrupt:  # the batch under way is rolled back; what was kept is closed
            now = jobs.get(parts.store, job.id) or job
            Rescoring(parts.store, parts.clock, parts.scorers, now).finish("cancelled")


def _watch(parts: Parts, job_id: int) -> None:
    with progress() as bar:
        task = bar.add_task("Scoring again, in the worker", total=None)
        while (now := jobs.get(parts.store, job_id)) and now.state in {"waiting", "running"}:
            bar.update(task, completed=now.done, total=now.total or None)
            time.sleep(_LOOK_SECONDS)


def _job_row(job: JobRow) -> dict[str, Any]:
    told = {key: job.payload.get(key) for key in ("labels_before", "labels_after", "diff")}
    return {
        "job_id": job.id,
        "state": job.state,
        "mentions": job.payload.get("n", 0),
        "changed": sum((job.payload.get("diff") or {}).values()),
        **told,
        "note": job.note,
    }


def _brands(parts: Parts, name: str | None) -> list[tuple[int, str]]:
    """Gives the brand of that name; with no name, all of one's own."""
    wanted = brand_named(parts, name) if name else None
    with parts.store.read() as session:
        brands = session.exec(
            select(Brand).where(~col(Brand.is_competitor)).order_by(col(Brand.name))
        ).all()
        return [(b.id or 0, b.name) for b in brands if wanted in {None, b.id}]
