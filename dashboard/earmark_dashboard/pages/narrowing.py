"""By what the list of mentions is narrowed: brand, time, view, tone, channel, topic and words."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from earmark_core.model import Label
from earmark_dashboard import wire
from earmark_dashboard.mention_list import VIEWS, Asked, Overview, Wanted, Window
from earmark_dashboard.mention_words import cause, topic_name
from earmark_dashboard.services import BrandRow
from earmark_dashboard.state import PERIODS


def take_wanted() -> None:
    """Sets the filters as another page wants them, if one does."""
    wanted: Wanted | None = st.session_state.pop("mentions_wanted", None)
    if wanted is None:
        return
    unscored = wanted.label == "unscored"
    st.session_state["mentions_window"] = wanted.window
    for name, value in {
        "brand": wanted.brand_id,
        "view": "unscored" if unscored else "all",
        "status": None,
        "tone": "" if unscored else wanted.label or "",
        "channel": "",
        "topic": wanted.topic or "",
        "search": "",
    }.items():
        st.session_state[f"mentions_{name}"] = value


def _whole_period() -> None:
    st.session_state.pop("mentions_window", None)


def brand_and_time(brands: Sequence[BrandRow]) -> tuple[int, Window]:
    """Shows the head of the page and gives what is chosen in it."""
    with st.container(horizontal=True, vertical_alignment="center", key="mentions_head"):
        st.header("Mentions", anchor=False)
        st.space("stretch")
        names = {brand.id: wire.shown(brand.name) for brand in brands}
        brand_id = st.selectbox(
            "Brand", list(names), format_func=lambda one: names.get(one, ""), width=220,
            label_visibility="collapsed", key="mentions_brand", persist_state="session",
        )  # fmt: skip
        window: tuple[Any, Any] | None = st.session_state.get("mentions_window")
        if window is not None:
            st.text(f"{window[0]:%d %b %Y %H:%M} to {window[1]:%d %b %Y %H:%M} UTC")
            st.button("Other periods", on_click=_whole_period)
            return brand_id, window
        name = st.segmented_control(
            "Period", list(PERIODS), default="30 days", required=True, key="mentions_period",
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
    return brand_id, PERIODS[name or "30 days"]


def _first(key: str, value: str) -> str | None:
    """Gives what a control begins with: nothing where another page has set it already."""
    return None if key in st.session_state else value


def _view(within: Overview) -> tuple[str, str | None]:
    view = st.segmented_control(
        "View", list(VIEWS), default=_first("mentions_view", "all"), required=True,
        key="mentions_view",
        format_func=lambda one: f"{VIEWS[one]} · {within.counts[one]}",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if view != "unscored":
        return view or "all", None
    status = st.segmented_control(
        "Why not scored", list(within.causes), key="mentions_status", persist_state="session",
        format_func=lambda one: f"{cause(one)} · {within.causes[one]:,}",
        label_visibility="collapsed",
    )  # fmt: skip
    return view, status


def filters(brand_id: int, window: Window, within: Overview, again: Callable[[], None]) -> Asked:
    """Shows the views and filters and gives what is asked for; *again* reads everything anew."""
    view, status = _view(within)
    with st.container(horizontal=True, key="quiet_mentions_filters", vertical_alignment="center"):
        label = ""
        if view != "unscored":
            label = st.selectbox(
                "Tone", ["", *(str(one) for one in Label)], key="mentions_tone", width=150,
                format_func=lambda one: one or "Any tone", label_visibility="collapsed",
                persist_state="session",
            )  # fmt: skip
        channel = st.selectbox(
            "Channel", ["", *within.channels], key="mentions_channel", width=170,
            format_func=lambda one: one or "Any channel", label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
        topic = st.selectbox(
            "Topic", ["", *within.topics], key="mentions_topic", width=220,
            format_func=lambda one: topic_name(one) if one else "Any topic",
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        search = st.text_input(
            "Search mentions", key="mentions_search", width=240, placeholder="Search the words",
            max_chars=200, label_visibility="collapsed", persist_state="session", type="search",
        )  # fmt: skip
        st.space("stretch")
        st.text(f"Read at {within.read_at:%H:%M} UTC")
        st.button("Read again", on_click=again, type="tertiary")
    return Asked(
        brand_id=brand_id,
        window=window,
        view=view,
        status=status,
        label=label or None,
        channel=channel or None,
        topic=topic if isinstance(topic, tuple) else None,
        search=(search or "").strip(),
    )
