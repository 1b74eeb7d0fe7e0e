"""What stands around the charts of Trends: the figures above, the mentions behind them below."""

from datetime import datetime
from typing import Any

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import figures, wire
from earmark_dashboard.services import BrandRow, Services
from earmark_sentiment.trends import TrendSummary

BEFORE = "against the time before"
Picked = tuple[datetime, datetime, str | None]


def figure_row(summary: TrendSummary) -> None:
    """Shows the figures of the period, each with what it rests on."""
    tally, before = summary.tally, summary.before
    net, growth = figures.change(tally, before), figures.growth(tally.n, before.n)
    shown: tuple[tuple[str, str, str | None, Any, str], ...] = (
        ("Net sentiment", figures.net(tally), net, "normal", figures.interval(tally)),
        ("Mentions", f"{tally.n:,}", growth, "off", figures.covered(summary.coverage)),
        (
            "Negative", figures.share(tally.negative, tally.scored),
            figures.points(tally.negative, tally.scored, before.negative, before.scored),
            "inverse", f"{tally.negative:,} of {tally.scored:,} scored",
        ),
        (
            "Not scored", figures.share(tally.unscored, tally.n),
            figures.points(tally.unscored, tally.n, before.unscored, before.n),
            "off", f"{tally.unscored:,} of {tally.n:,} mentions",
        ),
    )  # fmt: skip
    for column, (name, value, delta, colour, basis) in zip(st.columns(4), shown, strict=True):
        with column.container(border=True, key=f"figure_{name.replace(' ', '_')}", gap=None):
            st.metric(
                name, value, delta, delta_color=colour, delta_description=BEFORE if delta else None
            )
            st.text(basis)


def behind(services: Services, actor: Actor, brand: BrandRow, picked: Picked | None) -> None:
    """Shows the mentions behind what was chosen in a chart."""
    if picked is None:
        st.text("Choose a point or a bar to read the mentions behind it.")
        return
    start, end, label = picked
    page = services.views.mentions(actor, brand.id, start=start, end=end, label=label, limit=50)
    tone = f", {label}" if label else ""
    more = ", the newest ones" if page.next else ""
    st.subheader("The mentions behind it", anchor=False)
    st.text(f"{start:%d %b %Y %H:%M} to {end:%d %b %H:%M} UTC{tone}: {len(page.rows)}{more}")
    table = [
        {
            "When (UTC)": f"{row.at:%d %b %H:%M}",
            "Who": wire.shown(row.who),
            "Tone": row.human_label or row.label or "not scored",
            "Text": wire.shown(row.title or row.text),
        }
        for row in page.rows
    ]
    if table:
        st.dataframe(table, hide_index=True, width="stretch", row_height=36)
