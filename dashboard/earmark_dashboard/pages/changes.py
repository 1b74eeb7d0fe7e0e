"""What was changed of a brand's words, with the way back, and what each word weighs."""

import streamlit as st

from earmark_core.access import may
from earmark_core.model import Actor, Role
from earmark_dashboard import lessons
from earmark_dashboard.lessons import outcome
from earmark_dashboard.pages.versions import keep
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_dashboard.wire import shown
from earmark_sentiment.reports import LearnStatus


def _undone(brand_id: int, change_id: int) -> None:
    services = current()
    learning, actor = services.learning, signed_in(services)
    if learning is None:
        return

    def undo() -> str:
        row = learning.undo_change(actor, change_id)
        return f"“{shown(row.word)}” weighs what it did before. {lessons.LATER}"

    keep(brand_id, outcome(undo))


def changes(actor: Actor, status: LearnStatus) -> None:
    """Shows the changes of words that are in force, each with its undo."""
    st.subheader("Changes in force", anchor=False)
    standing = [row for row in status.changes if row.is_in_force]
    if not standing:
        st.text("None. Every word weighs what the lexicon says.")
    for row in standing:
        with st.container(border=True, key=f"card_change_{row.id}", gap="small"):
            st.text(f"{shown(row.words)}.")
            with st.container(horizontal=True, vertical_alignment="center", key=f"quiet_{row.id}"):
                st.text(f"{shown(row.by)} · {row.at:%d %b %Y %H:%M} UTC")
                if may(actor, Role.manager):
                    st.button("Undo", key=f"undo_{row.id}", on_click=_undone,
                              args=(status.brand_id, row.id))  # fmt: skip


def weights(status: LearnStatus) -> None:
    """Shows the heaviest words of the version in force."""
    st.subheader("Weights of words in force", anchor=False)
    if rows := lessons.weight_rows(None if status.is_stale else status.active):
        st.dataframe(rows, hide_index=True, width="stretch")
        st.text("The 30 heaviest, in the sum that makes “negative”; two words are neighbours.")
    else:
        st.text(lessons.no_weights(status))
