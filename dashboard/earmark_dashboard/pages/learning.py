"""Learning: what was learned from corrections, what might be, and what a word weighs."""

import streamlit as st

from earmark_dashboard import lessons
from earmark_dashboard.pages.chosen import head
from earmark_dashboard.pages.proposals import proposals
from earmark_dashboard.pages.rescore import rescore
from earmark_dashboard.pages.versions import versions
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_sentiment.reports import LearnStatus

PARTS = ("Versions", "Words", "Score again")


def _standing(status: LearnStatus) -> None:
    corrections = (
        f"{status.corrections:,}",
        f"{status.usable:,} can teach, {status.new:,} of them new",
    )
    shown = (
        ("In force", *lessons.in_force(status)),
        ("Corrections", *corrections),
        ("Queued as negative", *lessons.threshold_words(status)),
    )
    for column, (name, value, basis) in zip(st.columns(3), shown, strict=True):
        with column.container(border=True, key=f"figure_{name.replace(' ', '_')}", gap=None):
            st.metric(name, value)
            st.text(basis)
    st.text(f"{status.words} {lessons.next_step(status)}".strip())


def page() -> None:
    """Shows what was learned for one brand."""
    services = current()
    actor = signed_in(services)
    brand = head("Learning", services, actor)
    if brand is None:
        return
    if services.learning is None:
        st.text(lessons.NO_LEARNING)
        return
    status = services.learning.status(actor, brand.id)
    _standing(status)
    said = st.session_state.get("learning_words")
    if said and said[0] == brand.id:
        st.text(said[1])
    part = st.segmented_control(
        "Part", PARTS, default=PARTS[0], required=True, label_visibility="collapsed",
        key="learning_part",
    )  # fmt: skip
    if part == "Words":
        proposals(services.learning, actor, status)
    elif part == "Score again":
        rescore(brand.id)
    else:
        versions(services.learning, actor, status)
