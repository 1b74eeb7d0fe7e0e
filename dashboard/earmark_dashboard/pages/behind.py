"""What stands around the charts of Trends: the figures above, the mentions behind them below."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import figures, mention_words, wire
from earmark_dashboard.mention_list import Topic, Wanted
from earmark_dashboard.services import BrandRow, Services
from earmark_sentiment.trends import Marker, TrendSummary

BEFORE = "against the time before"
MOST_CHANGES = 4
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


def mixed_notice(summary: TrendSummary, markers: Sequence[Marker]) -> None:
    """Says where figures of the period do not compare, and the way to make them."""
    words = figures.mixed(summary, markers)
    if not words:
        return
    with st.container(key="notice_mixed", horizontal=True, vertical_alignment="center"):
        st.text(wire.shown(words))
        learning = st.session_state.get("learning_page")
        if learning is not None:
            st.space("stretch")
            st.page_link(learning, label="To Learning")


def changes(marks: Sequence[dict[str, Any]]) -> None:
    """Says in words what the flags on a chart mark, the newest ones."""
    if marks:
        with st.container(key="quiet_changes", gap=None):
            for mark in marks[-MOST_CHANGES:]:
                st.text(wire.shown(f"▼ {mark['when']} UTC: {mark['what']}"))


def behind(
    services: Services,
    actor: Actor,
    brand: BrandRow,
    picked: Picked | None,
    topic: Topic | None = None,
) -> None:
    """Shows the mentions behind what was chosen in a chart."""
    if picked is None:
        st.text("Choose a point or a bar to read the mentions behind it.")
        return
    start, end, label = picked
    page = services.views.mentions(
        actor, brand.id, start=start, end=end, label=label, topic=topic, limit=50
    )
    about = f", {label}" if label else ""
    about += f", about {' · '.join(topic)}" if topic else ""
    more = ", the newest ones" if page.next else ""
    st.subheader("The mentions behind it", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", key="quiet_behind"):
        said = f"{start:%d %b %Y %H:%M} to {end:%d %b %H:%M} UTC{about}: {len(page.rows)}{more}"
        st.text(wire.shown(said))
        there = st.session_state.get("mentions_page")
        if there is not None and st.button("Open in Mentions"):
            st.session_state["mentions_wanted"] = Wanted(brand.id, (start, end), label, topic)
            st.switch_page(there)
    table = [mention_words.line(row, "all") for row in page.rows]
    if table:
        st.dataframe(table, hide_index=True, width="stretch", row_height=36)
