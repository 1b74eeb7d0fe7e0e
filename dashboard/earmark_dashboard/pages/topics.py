"""Below the charts of Trends: what is found of topics, the tables, and what was chosen."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from earmark_dashboard import figures, topic_chart, wire
from earmark_dashboard.charts import Rows
from earmark_dashboard.mention_list import Topic
from earmark_dashboard.pages.behind import Picked
from earmark_sentiment.trends import Step


def topics_and_tables(
    rows: Rows, spoken: Rows, marks: Rows, mode: str, on_pick: Callable[[], None]
) -> Any:
    """Shows what is found of topics and, if wanted, all charts as tables; gives the choice."""
    chosen = _topics(spoken, mode, on_pick)
    if st.toggle("Show as table"):
        _tables(rows, spoken, marks)
    return chosen


def _topics(rows: Rows, mode: str, on_pick: Callable[[], None]) -> Any:
    with st.container(border=True):
        st.subheader("Topics", anchor=False)
        if not rows:
            st.text(
                "No topic was named in this period. Topics are words that you give a brand; "
                "mentions that hold them are counted here."
            )
            return {}
        if len(rows) > topic_chart.MOST:
            rest = len(rows) - topic_chart.MOST
            st.text(f"The {topic_chart.MOST} most spoken of; {rest} more are in the table.")
        with st.container(key="quiet_topics"):
            st.text("Beside each bar: net sentiment, and how many mentions name the topic.")
        return st.altair_chart(
            topic_chart.topics(rows, mode), key="topics", width="stretch", on_select=on_pick,
            alt="Bars of mentions by topic, negative ones to the left, positive to the right.",
        )  # fmt: skip


def _tables(rows: Rows, spoken: Rows, marks: Rows) -> None:
    st.dataframe(rows, hide_index=True, width="stretch")
    if spoken:
        named = [{name: _plain(value) for name, value in row.items()} for row in spoken]
        st.dataframe(named, hide_index=True, width="stretch")
    if marks:
        what = [{"At (UTC)": mark["when"], "Scores": _plain(mark["what"])} for mark in marks]
        st.dataframe(what, hide_index=True, width="stretch")


def _plain(value: Any) -> Any:
    return figures.cell(wire.shown(value)) if isinstance(value, str) else value


def picked(
    drawn: Mapping[str, Any], period: tuple[datetime, datetime, Step]
) -> tuple[Picked | None, Topic | None]:
    """Gives the time, tone and topic behind the last click on one of the charts."""
    name = st.session_state.get("trends_chart", "")
    selection = (drawn.get(name) or {}).get("selection")
    start, end, step = period
    if name == "topics":
        topic = figures.picked_topic(selection)
        return ((start, end, None), topic) if topic else (None, None)
    length = timedelta(days=1) if step == "day" else timedelta(hours=1)
    return figures.picked(selection, length), None
