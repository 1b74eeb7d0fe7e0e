"""What a source said earlier: asked for here, fetched by the worker, with progress and cancel."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Role
from earmark_dashboard.lessons import LIVE
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_dashboard.wire import shown
from earmark_listeners.health import SourceRow

DAY = timedelta(days=1)


def ask(services: Services, actor: Actor, source_id: int, first: date, last: date) -> str:
    """Asks for all of the days from the first to the last, and says what became of it."""
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last, time(), UTC) + DAY
    if services.backfills is None:
        return "History is not fetched from here."
    try:
        services.backfills.ask(actor, source_id, start, end)
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()
    return "Asked for. The worker takes it in a moment; what it finds opens no case."


def _asked(source_id: int, first: date, last: date) -> None:
    services = current()
    words = ask(services, signed_in(services), source_id, first, last)
    st.session_state["source_words"] = (source_id, words)


def _cancelled(source_id: int, job_id: int) -> None:
    services = current()
    actor = signed_in(services)
    if services.backfills is not None and services.backfills.cancel(actor, job_id):
        st.session_state["source_words"] = (source_id, "It stops after the page at hand.")


def _progress(actor: Actor, row: SourceRow, job: JobRow) -> None:
    share = min(1.0, job.done / job.total) if job.total else 0.0
    st.progress(share, text=f"Fetching what was said earlier: {100 * share:.0f} % of the time")
    if may(actor, Role.manager) and not job.wants_cancel:
        st.button("Cancel", key=f"stop_{job.id}", on_click=_cancelled, args=(row.id, job.id))


def earlier(services: Services, row: SourceRow) -> None:
    """Lets a manager fetch history of a source whose channel gives it, and shows how far it is."""
    if services.backfills is None or not row.can_backfill:
        return
    actor = signed_in(services)
    job = services.backfills.latest(actor, row.id)
    if job is not None and job.state in LIVE:
        _progress(actor, row, job)
        return
    if job is not None:
        st.text(f"Fetched earlier: {shown(job.note)}")
    if not may(actor, Role.manager):
        return
    today = services.clock().date()
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"earlier_{row.id}"):
        first = st.date_input("Fetch what was said from", today - 7 * DAY, max_value=today,
                              key=f"from_{row.id}", width=180)  # fmt: skip
        last = st.date_input("up to", today, max_value=today, key=f"to_{row.id}", width=180)
        st.button("Fetch", key=f"fetch_{row.id}", on_click=_asked, args=(row.id, first, last))
