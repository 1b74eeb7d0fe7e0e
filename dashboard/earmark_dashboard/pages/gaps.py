"""When sources were not heard, and why; a later poll or a fetch of history heals a gap."""

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.services import Services
from earmark_dashboard.state import signed_in
from earmark_listeners.health import SourceRow

DAYS = 7


def overall(services: Services, actor: Actor) -> None:
    """Says how much was heard of all sources together, and whom we have to leave alone now."""
    covered = services.sources.covered(actor, days=DAYS)
    st.text(f"What was heard in the last {DAYS} days {covered.words}.")
    for one in services.sources.limits(actor):
        st.text(wire.shown(one.words))


def gaps(services: Services, row: SourceRow) -> None:
    """Shows the gaps of a source, once somebody wants to see them."""
    if not st.toggle(f"Gaps of the last {DAYS} days", key=f"gaps_{row.id}"):
        return
    actor = signed_in(services)
    covered = services.sources.covered(actor, days=DAYS, source_id=row.id)
    found = services.sources.gaps(actor, row.id, days=DAYS)
    st.text(f"What was heard of it {covered.words}.")
    if not found:
        return
    rows = [
        {
            "Not heard from (UTC)": f"{gap.start:%d %b %H:%M}",
            "To": f"{gap.end:%d %b %H:%M}",
            "Because": wire.shown(gap.reason),
        }
        for gap in found
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
