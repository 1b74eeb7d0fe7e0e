"""Words that weigh wrongly for a brand: proposed with their effect, tried, changed by consent."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.access import may
from earmark_core.model import Actor, Role
from earmark_dashboard import lessons
from earmark_dashboard.learned import LearningService
from earmark_dashboard.lessons import outcome
from earmark_dashboard.pages.changes import changes, weights
from earmark_dashboard.pages.versions import keep
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_dashboard.wire import shown
from earmark_sentiment.proposals import Effect
from earmark_sentiment.reports import LearnStatus

_TRIED, _FOUND = "tried_word", "proposed_words"


def _applied(brand_id: int, effect: Effect) -> None:
    services = current()
    learning, actor = services.learning, signed_in(services)
    if learning is None:
        return

    def apply() -> str:
        learning.apply_change(actor, brand_id, effect.word, effect.after)
        return f"“{shown(effect.word)}” is changed. {lessons.LATER}"

    keep(brand_id, outcome(apply))
    st.session_state.pop(_TRIED, None)


def _measured(learning: LearningService, actor: Actor, status: LearnStatus) -> Sequence[Effect]:
    """Gives the proposals, worked out anew only when a correction or a version came."""
    newest = status.versions[0].version if status.versions else 0
    in_force = status.active.version if status.active else 0
    key = (status.brand_id, status.corrections, status.new, newest, in_force)
    kept = st.session_state.get(_FOUND)
    if kept is None or kept[0] != key:
        with st.spinner("Measuring words against your corrections"):
            kept = (key, learning.proposals(actor, status.brand_id))
        st.session_state[_FOUND] = kept
    found: Sequence[Effect] = kept[1]
    return found


def _effect(actor: Actor, brand_id: int, effect: Effect, slot: str) -> None:
    with st.container(border=True, key=f"card_{slot}", gap="small"):
        st.text(f"{shown(effect.words)}.")
        if may(actor, Role.manager):
            st.button("Change it for this brand", key=f"apply_{slot}", on_click=_applied,
                      args=(brand_id, effect))  # fmt: skip


def _try(learning: LearningService, actor: Actor, brand_id: int) -> None:
    st.subheader("Try a word", anchor=False)
    with st.form("try_word", border=True):
        left, right = st.columns([2, 1])
        word = left.text_input("Word", max_chars=40)
        value = right.number_input("Value, −4 to +4", -4.0, 4.0, 0.0, 0.1, format="%.1f")
        if st.form_submit_button("Measure it"):
            st.session_state.pop(_TRIED, None)

            def measure() -> str:
                effect = learning.measure(actor, brand_id, word, round(value, 1))
                st.session_state[_TRIED] = (brand_id, effect)
                return ""

            if words := outcome(measure):
                st.text(words)
    tried = st.session_state.get(_TRIED)
    if tried and tried[0] == brand_id:
        _effect(actor, brand_id, tried[1], "tried")


def proposals(learning: LearningService, actor: Actor, status: LearnStatus) -> None:
    """Shows which words mislead, what a change would do, and what was changed."""
    if why := lessons.who_may(actor, Role.manager, "change what a word weighs"):
        st.text(why)
    st.subheader("Proposed", anchor=False)
    found = _measured(learning, actor, status)
    if not found:
        st.text("No word is found that pulls at least two corrected mentions the wrong way.")
    for at, effect in enumerate(found):
        _effect(actor, status.brand_id, effect, f"proposal_{at}")
    _try(learning, actor, status.brand_id)
    changes(actor, status)
    weights(status)
