"""How right the scores are: in words, as tables, and as a picture. Every figure says its n."""

from typing import Any

import altair as alt

from earmark_core.model import Label
from earmark_dashboard.figures import NONE
from earmark_sentiment.agreement import FIRM_FROM, Agreement
from earmark_sentiment.reports import AgreementReport

HEIGHT = 230
_RAMP = {"light": ("#eef0fb", "#4338ca"), "dark": ("#1d2230", "#a5b4fc")}
_ON = {"light": ("#101828", "#ffffff"), "dark": ("#e6e9ef", "#0f1218")}
_LIGHT_FROM = {"light": 0.7, "dark": 0.5}
"""From which share on a cell is so full that its count is told apart better the other way."""
_PICTURE = {"light": "#ffffff", "dark": "#0f1218"}


def percent(share: float | None) -> str:
    """Gives a share in whole per cent; without basis it is a dash, never 0."""
    return NONE if share is None else f"{100 * share:.0f} %"


def two(figure: float | None) -> str:
    """Gives a figure with two places."""
    return NONE if figure is None else f"{figure:.2f}".replace("-", "−")


def basis(found: Agreement) -> str:
    """Gives what the share of right labels rests on: its 95 % interval and n."""
    if found.interval is None:
        return "n 0"
    low, high = (f"{100 * end:.0f}" for end in found.interval)
    return f"95 %: {low} to {high} % · n {found.n:,}"


def firmness(found: Agreement) -> str:
    """Says that a figure of few mentions is not firm; empty where it is."""
    if not found.n or found.is_firm:
        return ""
    return (
        f"Only {found.n} are labelled: the figure is not firm, the truth may lie anywhere in the "
        f"interval. From {FIRM_FROM} on it begins to tell."
    )


def bias(report: AgreementReport) -> str:
    """Says why figures of what was corrected are not those of all mentions."""
    chosen, blind = report.corrected, report.sample
    why = "People chose what to correct, mostly of what was queued and mostly what was wrong"
    if chosen.accuracy is None or blind.accuracy is None:
        return (
            f"{why}, so this looks worse than it is; and what the queue passed by is hardly in it."
        )
    gap = round(100 * (chosen.accuracy - blind.accuracy))
    if gap > 0:
        return f"{why}; even so it looks better than the blind sample here, by {gap} points."
    if not gap:
        return f"{why}; here that comes to the same as the blind sample."
    return f"{why}, so this looks worse than it is: {-gap} points below the blind sample."


def matrix_rows(found: Agreement) -> list[dict[str, Any]]:
    """Gives the confusion matrix as a table: a row for what people say."""
    return [
        {
            "People say": str(person),
            **{f"Machine: {machine}": found.count(person, machine) for machine in Label},
            "n": found.by_person(person),
        }
        for person in Label
    ]


def label_rows(found: Agreement) -> list[dict[str, Any]]:
    """Gives precision, recall and F1 of each label, each with what it is a share of."""
    return [
        {
            "Tone": str(label),
            "Precision": f"{percent(found.precision(label))} of {found.by_machine(label):,}",
            "Recall": f"{percent(found.recall(label))} of {found.by_person(label):,}",
            "F1": two(found.f1(label)),
        }
        for label in Label
    ]


def model_rows(report: AgreementReport) -> list[dict[str, Any]]:
    """Gives how right each model was, the newest last."""
    return [
        {
            "Model": model or "not scored",
            "Right": percent(found.accuracy),
            "95 %": basis(found).partition(" · ")[0].removeprefix("95 %: ") if found.n else NONE,
            "κ": two(found.kappa),
            "n": found.n,
        }
        for model, found in report.by_model
    ]


def heat_map(found: Agreement, mode: str) -> Any:
    """Gives the confusion matrix as a picture: counts, coloured by share of what people say."""
    cells = [
        {
            "person": str(person),
            "machine": str(machine),
            "n": found.count(person, machine),
            "of": found.by_person(person),
            "share": found.count(person, machine) / (found.by_person(person) or 1),
        }
        for person in Label
        for machine in Label
    ]
    names = [str(label) for label in Label]
    axis = alt.Axis(labelAngle=0, labelFontSize=13, titleFontSize=13, labelFlush=False)
    base = alt.Chart({"values": cells}).encode(
        x=alt.X("machine:N", sort=names, title="The machine said", axis=axis),
        y=alt.Y("person:N", sort=names, title="People say", axis=axis),
    )
    tip = [
        alt.Tooltip("person:N", title="People say"),
        alt.Tooltip("machine:N", title="The machine said"),
        alt.Tooltip("n:Q", title="Mentions"),
        alt.Tooltip("of:Q", title="of"),
    ]
    scale = alt.Scale(domain=[0, 1], range=list(_RAMP[mode]))
    squares = base.mark_rect(stroke=_PICTURE[mode], strokeWidth=3, cornerRadius=6).encode(
        color=alt.Color("share:Q", scale=scale, legend=None), tooltip=tip
    )
    dark, light = _ON[mode]
    counts = base.mark_text(fontSize=17, fontWeight=600).encode(
        text="n:Q",
        color=alt.condition(
            f"datum.share > {_LIGHT_FROM[mode]}", alt.value(light), alt.value(dark)
        ),
        tooltip=tip,
    )
    return (squares + counts).properties(height=HEIGHT)


def in_words(found: Agreement) -> str:
    """Gives the matrix in one sentence, for who cannot see the picture."""
    parts = [
        f"{found.count(person, machine)} that people call {person} the machine called {machine}"
        for person in Label
        for machine in Label
        if found.count(person, machine)
    ]
    return f"Heat map of {found.n} mentions: {', '.join(parts)}."
