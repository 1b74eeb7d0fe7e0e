"""What can be said of the mentions that are chosen, and the buttons that say it."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from earmark_core.model import Label
from earmark_dashboard.bulk import AboutUs, Finding, Judgement, NeedsAnswer, Tone
from earmark_dashboard.mention_words import topic_name

Judged = Callable[[Judgement, int, Sequence[int]], None]
MENUS: Mapping[str, tuple[str, Mapping[str, Judgement]]] = {
    "tone": (
        "Tone",
        {
            "Negative": Tone(Label.negative),
            "Neutral": Tone(Label.neutral),
            "Positive": Tone(Label.positive),
        },
    ),
    "about": ("About us?", {"Not about us": AboutUs(False), "About us": AboutUs(True)}),
    "needs": (
        "Needs an answer?",
        {"Needs an answer": NeedsAnswer(True), "Needs none": NeedsAnswer(False)},
    ),
}
FINDINGS: Mapping[str, Label | None] = {
    "Negative": Label.negative,
    "Neutral": Label.neutral,
    "Positive": Label.positive,
    "Not spoken of": None,
}
READ_ONLY = "Choose a row to read it whole. Correcting takes the role of a responder."
NOTHING_CHOSEN = "Choose rows to correct them. Choose one alone to read it whole."


def _from_menu(name: str, brand_id: int, ids: Sequence[int], judged: Judged) -> None:
    chosen = st.session_state[f"judge_{name}"]
    if chosen in MENUS[name][1]:
        judged(MENUS[name][1][chosen], brand_id, ids)


def _from_topic(brand_id: int, ids: Sequence[int], judged: Judged) -> None:
    area, topic = st.session_state["judge_topic"]
    judged(Finding(area, topic, FINDINGS[st.session_state["judge_finding"]]), brand_id, ids)


def _topic(
    brand_id: int, ids: Sequence[int], topics: Sequence[tuple[str, str]], judged: Judged
) -> None:
    with st.popover("Topic", disabled=not ids):
        if not topics:
            st.text("This brand has no topics yet.")
            return
        st.selectbox("Topic", topics, key="judge_topic", format_func=topic_name)
        st.segmented_control(
            "What they find of it", list(FINDINGS), default="Negative", required=True,
            key="judge_finding",
        )  # fmt: skip
        st.button(
            "Say so", type="primary", key="judge_topic_now",
            on_click=_from_topic, args=(brand_id, ids, judged),
        )  # fmt: skip


def bar(
    may_correct: bool,
    brand_id: int,
    ids: Sequence[int],
    topics: Sequence[tuple[str, str]],
    judged: Judged,
) -> None:
    """Shows how many are chosen and what can be said of them; a viewer is told who may."""
    with st.container(horizontal=True, vertical_alignment="center", key="judge_bar"):
        if not may_correct:
            st.text(READ_ONLY)
            return
        for name, (label, options) in MENUS.items():
            st.menu_button(
                label, list(options), key=f"judge_{name}", disabled=not ids,
                on_click=_from_menu, args=(name, brand_id, ids, judged),
            )  # fmt: skip
        _topic(brand_id, ids, topics, judged)
        st.text(f"{len(ids)} chosen" if ids else NOTHING_CHOSEN)
