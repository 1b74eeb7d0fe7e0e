"""Scoring history again: asked for here, done by the worker, with progress and what it changed."""

import streamlit as st

from earmark_core.access import may
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Role
from earmark_dashboard import lessons
from earmark_dashboard.lessons import LIVE, outcome
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_dashboard.wire import shown

EVERY_SECONDS = 2
BADGES = {
    "waiting": ("waits for the worker", "gray"),
    "running": ("running", "blue"),
    "done": ("done", "green"),
    "cancelled": ("cancelled", "orange"),
    "failed": ("failed", "red"),
}


def ask(services: Services, actor: Actor, brand_id: int) -> str:
    """Puts a rescore of the brand in line and says so."""
    services.rescores.ask(actor, brand_id)
    return "Asked for. The worker takes it in a moment."


def cancel(services: Services, actor: Actor, job_id: int) -> str:
    """Asks a rescore to stop and says what became of that."""
    stopped = services.rescores.cancel(actor, job_id)
    return "It stops after the batch at hand." if stopped else "It had ended already."


def _asked(brand_id: int) -> None:
    services = current()
    actor = signed_in(services)
    words = outcome(lambda: ask(services, actor, brand_id))
    st.session_state["rescore_words"] = (brand_id, words)


def _cancelled(brand_id: int, job_id: int) -> None:
    services = current()
    actor = signed_in(services)
    words = outcome(lambda: cancel(services, actor, job_id))
    st.session_state["rescore_words"] = (brand_id, words)


def _progress(services: Services, actor: Actor, brand_id: int, job: JobRow) -> None:
    share = min(1.0, job.done / job.total) if job.total else 0.0
    words = f"{job.done:,} of {job.total:,} mentions" if job.total else "not counted yet"
    st.progress(share, text=words)
    if job.wants_cancel:
        st.text("Asked to stop; what is scored again stays so.")
    elif may(actor, Role.manager):
        st.button("Cancel", key=f"cancel_{job.id}", on_click=_cancelled, args=(brand_id, job.id))
    heard = services.worker_heartbeat()
    if heard is None or heard.total_seconds() > 60:
        st.text("The worker is not heard. It goes on as soon as `earmark run` does.")


def _ended(job: JobRow) -> None:
    if job.note:
        st.text(shown(job.note.replace("->", "→")))
    before, moved = lessons.label_rows(job), lessons.moved_rows(job)
    if not before:
        return
    left, right = st.columns(2)
    with left:
        st.text(f"Labels before and after, n {job.payload.get('n', 0):,}")
        st.dataframe(before, hide_index=True, width="stretch")
    with right:
        st.text(f"What became what, n {sum(row['Mentions'] for row in moved):,}")
        if moved:
            st.dataframe(moved, hide_index=True, width="stretch")
        else:
            st.text("No label changed.")
    st.text("Trends show a marker here if a label or the model behind it changed.")


@st.fragment(run_every=EVERY_SECONDS, key="rescore")
def _job(brand_id: int) -> None:
    services = current()
    actor = signed_in(services)
    job = services.rescores.latest(actor, brand_id)
    is_live = job is not None and job.state in LIVE
    if why := lessons.who_may(actor, Role.manager, "score history again"):
        st.text(why)
    else:
        st.button("Score history again", type="primary", disabled=is_live, on_click=_asked,
                  args=(brand_id,))  # fmt: skip
    words = st.session_state.get("rescore_words")
    if words and words[0] == brand_id and (is_live or job is None):
        st.text(words[1])
    if job is None:
        st.text("History of this brand was never scored again.")
        return
    with st.container(border=True, key=f"card_job_{job.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"title_job_{job.id}"):
            state, colour = BADGES.get(job.state, ("unknown", "gray"))
            st.text(f"Rescore #{job.id}")
            st.badge(state, color=colour)  # type: ignore[arg-type]  # one of its colours
        if is_live:
            _progress(services, actor, brand_id, job)
        else:
            _ended(job)


def rescore(brand_id: int) -> None:
    """Shows the newest rescore of a brand, and lets a manager ask for one."""
    st.text(
        "What was learned scores what comes from now on. This scores the brand’s older mentions "
        "by it, too; what people said of them stays."
    )
    _job(brand_id)
