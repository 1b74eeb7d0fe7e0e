"""The versions of what was learned: learn, look at the figures, accept, go back."""

import streamlit as st

from earmark_core.access import may
from earmark_core.model import Actor, Role
from earmark_dashboard import lessons
from earmark_dashboard.learned import LearningService
from earmark_dashboard.lessons import outcome
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_sentiment.reports import LearnStatus


def refit(learning: LearningService, actor: Actor, brand_id: int) -> str:
    """Learns anew and says what came of it."""
    row = learning.refit(actor, brand_id)
    worse = " ".join(row.figures.get("worse") or ())
    return f"Version {row.version} is proposed. {worse or 'Look at its figures below.'}"


def accept(learning: LearningService, actor: Actor, brand_id: int, version: int) -> str:
    """Puts the proposed version in force and says so."""
    row = learning.accept(actor, brand_id, version)
    return f"Version {row.version} is in force. {lessons.LATER}"


def go_back(learning: LearningService, actor: Actor, brand_id: int, to: int) -> str:
    """Goes back to a version, 0 to what ships, and says so."""
    row = learning.rollback(actor, brand_id, to)
    name = f"Version {row.version}" if row else "What ships"
    return f"{name} is in force again. {lessons.LATER}"


def keep(brand_id: int, words: str) -> None:
    """Keeps what became of the last action, to be shown above the parts."""
    st.session_state["learning_words"] = (brand_id, words)


def _accepted(brand_id: int, version: int) -> None:
    services = current()
    learning, actor = services.learning, signed_in(services)
    if learning is not None:
        keep(brand_id, outcome(lambda: accept(learning, actor, brand_id, version)))


def _gone_back(brand_id: int) -> None:
    services = current()
    learning, actor = services.learning, signed_in(services)
    to = st.session_state.get("way_back")
    if learning is not None and isinstance(to, int):
        keep(brand_id, outcome(lambda: go_back(learning, actor, brand_id, to)))


def _actions(learning: LearningService, actor: Actor, status: LearnStatus) -> None:
    if why := lessons.who_may(actor, Role.manager, "learn, accept or go back"):
        st.text(why)
        return
    with st.container(horizontal=True, vertical_alignment="center", key="learning_actions"):
        asked = st.button(
            "Learn from corrections", disabled=not status.can_refit,
            type="secondary" if status.proposed else "primary",
            help=None if status.can_refit else status.words,
        )  # fmt: skip
        if asked:
            with st.spinner("Learning, and measuring it in five folds"):
                words = outcome(lambda: refit(learning, actor, status.brand_id))
            keep(status.brand_id, words)
            st.rerun()
        ways = lessons.ways_back(status)
        if not ways:
            return
        if st.session_state.get("way_back") not in ways:
            st.session_state["way_back"] = next(iter(ways))
        with st.popover("Go back"):
            st.radio("To", list(ways), format_func=lambda one: ways[one], key="way_back")
            st.text("It scores what comes from now on. Nothing is lost: each version is kept.")
            st.button("Go back to it", type="primary", on_click=_gone_back,
                      args=(status.brand_id,))  # fmt: skip


def _proposed(actor: Actor, status: LearnStatus) -> None:
    row = status.proposed
    if row is None:
        return
    with st.container(border=True, key="card_proposed", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key="title_proposed"):
            st.subheader(f"Version {row.version} is proposed", anchor=False)
            why = lessons.why_not(status)
            st.badge("cannot be accepted" if why else "no worse", color="red" if why else "green")
        st.text(f"{lessons.KINDS.get(row.kind, row.kind).capitalize()}. {lessons.measured_on(row)}")
        st.dataframe(lessons.compared(row), hide_index=True, width="stretch")
        st.text("Average precision and F1 are of negative; of calibration error less is better.")
        if why:
            st.text(f"{why} What is in force stays.")
        if may(actor, Role.manager):
            st.button(f"Accept version {row.version}", type="primary", disabled=bool(why),
                      on_click=_accepted, args=(status.brand_id, row.version))  # fmt: skip


def versions(learning: LearningService, actor: Actor, status: LearnStatus) -> None:
    """Shows what is proposed and all versions, with what can be done about them."""
    _actions(learning, actor, status)
    _proposed(actor, status)
    st.subheader("All versions", anchor=False)
    if not status.versions:
        st.text("None yet. Until one is accepted, what ships scores every mention.")
        return
    st.dataframe(lessons.version_rows(status.versions), hide_index=True, width="stretch")
    st.text(
        "Figures are cross-validated on the corrections of their time, n of them, so those of two "
        "versions compare only where they were measured together, as above. Every night what is "
        "no worse is accepted on its own."
    )
