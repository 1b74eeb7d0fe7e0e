"""Which sources the page shows: all of them, or of very many those in trouble and those named."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard.services import Services
from earmark_listeners.health import SourceRow

MOST = 100


def listed(services: Services, actor: Actor) -> Sequence[SourceRow]:
    """Gives up to a hundred sources; where there are more, asks for a part of their name."""
    named = str(st.session_state.get("source_named", ""))
    rows = services.sources.rows(actor, limit=MOST + 1, named=named)
    if len(rows) > MOST or named:
        st.text_input("Only sources whose name holds", key="source_named", max_chars=100)
    if len(rows) > MOST:
        st.text(f"There are more than these {MOST}; those in trouble come first.")
    if not rows:
        nothing = "Nothing is polled yet. Add your brand, and its sources appear here."
        st.text("No source has a name like that." if named else nothing)
    return rows[:MOST]
