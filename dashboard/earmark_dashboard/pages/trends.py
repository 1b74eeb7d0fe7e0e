"""Trends: how much is said and in which tone; every figure opens the mentions behind it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import charts, wire
from earmark_dashboard.pages.behind import behind, changes, figure_row, mixed_notice
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.pages.topics import picked, topics_and_tables
from earmark_dashboard.services import BrandRow, Services, current
from earmark_dashboard.state import PERIODS, signed_in
from earmark_dashboard.topic_chart import by_topic
from earmark_sentiment.trends import Step

Period = tuple[datetime, datetime, Step]


def _chosen(services: Services, brands: Sequence[BrandRow]) -> tuple[BrandRow, Period]:
    with st.container(horizontal=True, vertical_alignment="center", key="trends_head"):
        st.header("Trends", anchor=False)
        st.space("stretch")
        names = {brand.id: brand for brand in brands}
        brand_id = st.selectbox(
            "Brand", list(names), format_func=lambda one: wire.shown(names[one].name),
            label_visibility="collapsed", width=220,
        )  # fmt: skip
        name = st.segmented_control(
            "Period", list(PERIODS), default="30 days", required=True, label_visibility="collapsed"
        )
    span = PERIODS[name or "30 days"]
    now = services.clock()
    step: Step = "hour" if span <= timedelta(days=2) else "day"
    end = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return names[brand_id], (end - span, end, step)


def _picked(chart: str) -> None:
    st.session_state["trends_chart"] = chart


def _charts(
    services: Services, actor: Actor, brand: BrandRow, period: Period, marks: charts.Rows
) -> dict[str, Any]:
    start, end, step = period
    rows = charts.by_time(services.trends.series(actor, brand.id, start, end, step))
    mode = st.context.theme.type or "light"
    unit = "day" if step == "day" else "hour"
    left, right = st.columns([2, 1])
    with left.container(border=True):
        st.subheader(f"Net sentiment by {unit}", anchor=False)
        net = st.altair_chart(
            charts.net_sentiment(rows, mode, marks), key="net", width="stretch",
            on_select=lambda: _picked("net"),
            alt=f"Line of net sentiment by {unit} with its 95 % interval.",
        )  # fmt: skip
        changes(marks)
    with right.container(border=True):
        st.subheader("Share of voice", anchor=False)
        voices = services.trends.share_of_voice(actor, start, end)
        st.altair_chart(
            charts.share_of_voice(voices, mode), width="stretch",
            alt="Bars of each brand's share of all mentions heard.",
        )  # fmt: skip
    left, right = st.columns(2)
    with left.container(border=True):
        st.subheader(f"Mentions by {unit} and tone", anchor=False)
        volume = st.altair_chart(
            charts.volume(rows, mode, marks), key="volume", width="stretch",
            on_select=lambda: _picked("volume"),
            alt=f"Bars of mentions by {unit}, stacked by tone.",
        )  # fmt: skip
    with right.container(border=True):
        st.subheader("Mentions by hour of the week", anchor=False)
        st.altair_chart(
            charts.hours(services.trends.by_hour_of_week(actor, brand.id, start, end), mode),
            width="stretch", alt="Heat map of mentions by weekday and hour.",
        )  # fmt: skip
    spoken = by_topic(services.trends.by_topic(actor, brand.id, start, end))
    about = topics_and_tables(rows, spoken, marks, mode, lambda: _picked("topics"))
    return {"net": net, "volume": volume, "topics": about}


def page() -> None:
    """Shows the trends of one brand."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    brands = services.brands.list(actor)
    if not brands:
        st.header("Trends", anchor=False)
        st.text("No brand is listened for yet. Add yours, and figures appear as mentions arrive.")
        return
    brand, period = _chosen(services, brands)
    summary = services.trends.summary(actor, brand.id, period[0], period[1])
    markers = services.trends.markers(actor, brand.id, period[0], period[1])
    figure_row(summary)
    mixed_notice(summary, markers)
    drawn = _charts(services, actor, brand, period, charts.by_marker(markers))
    behind(services, actor, brand, *picked(drawn, period))
