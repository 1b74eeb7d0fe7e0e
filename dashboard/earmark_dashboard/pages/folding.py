"""Copies of a text in the list of mentions: one line for all of them, each apart, or one text's."""

from dataclasses import replace

import streamlit as st

from earmark_dashboard.mention_list import Asked
from earmark_queue.rows import Entry

_APART, _GROUP = "mentions_apart", "mentions_group"


def _turn(group: tuple[int, int] | None) -> None:
    st.session_state[_GROUP] = group


def folded(asked: Asked) -> Asked:
    """Shows how copies are listed and gives what is asked for with it.

    The copies of one text stay chosen until somebody goes back, or to another brand.
    """
    group: tuple[int, int] | None = st.session_state.get(_GROUP)
    with st.container(horizontal=True, vertical_alignment="center", key="quiet_mentions_folding"):
        if group is not None and group[0] == asked.brand_id:
            st.text("Only the copies of one text")
            st.button("All mentions", on_click=_turn, args=(None,))
            return replace(asked, copies_of=group[1])
        apart = st.toggle(
            "Each copy on a line of its own", key=_APART, persist_state="session",
            help="Else copies of a text are one line. While searching, each has its own.",
        )  # fmt: skip
    return replace(asked, apart=bool(apart))


def show(brand_id: int, row: Entry) -> None:
    """Offers the copies that stand behind a mention."""
    if row.copies and row.copy_group_id is not None:
        group = (brand_id, row.copy_group_id)
        st.button("Show its copies", on_click=_turn, args=(group,), key=f"copies_{row.id}")
