"""Outbox: every reply on its way; what is not confirmed stands first."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Role
from earmark_dashboard import figures, wire
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_queue.rows import ReplyRow

STATES = {
    "draft": ("draft", "gray"),
    "awaiting_approval": ("awaiting approval", "orange"),
    "approved": ("on its way", "blue"),
    "scheduled": ("scheduled", "blue"),
    "sending": ("being sent", "blue"),
    "sent": ("sent, not confirmed yet", "orange"),
    "confirmed": ("delivered", "green"),
    "failed": ("not sent", "red"),
    "unknown": ("may have arrived, being checked", "orange"),
    "needs_human": ("needs a person", "red"),
    "cancelled": ("cancelled", "gray"),
}
BUTTONS = {
    "approve": ("Approve", {"awaiting_approval"}, Role.approver),
    "retry": ("Try again", {"failed", "needs_human"}, Role.responder),
    "cancel": (
        "Cancel",
        {"awaiting_approval", "approved", "scheduled", "failed", "needs_human"},
        Role.responder,
    ),
}


def do(action: str, reply_id: int, services: Services, actor: Actor) -> str:
    """Does one thing to a reply and says what became of it."""
    run = {
        "approve": services.replies.approve,
        "retry": services.replies.retry,
        "cancel": services.replies.cancel,
    }[action]
    try:
        run(actor, reply_id)
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()
    return {"approve": "Approved.", "retry": "Trying again.", "cancel": "Cancelled."}[action]


def _clicked(action: str, reply_id: int) -> None:
    services = current()
    words = do(action, reply_id, services, signed_in(services))
    st.session_state["reply_words"] = (reply_id, words)


def _card(services: Services, actor: Actor, row: ReplyRow) -> None:
    words, colour = STATES.get(row.state, ("unknown state", "gray"))
    with st.container(border=True, key=f"card_{row.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(words, color=colour)  # type: ignore[arg-type]  # one of its colours
            st.text(f"to {wire.shown(row.who)} on {row.channel} · case #{row.case_id}")
            st.space("stretch")
            for action, (name, states, role) in BUTTONS.items():
                if row.state in states and may(actor, role):
                    key = f"{action}{row.id}"
                    st.button(name, key=key, on_click=_clicked, args=(action, row.id))
            page = st.session_state.get("inbox_page")
            if page is not None:
                st.page_link(page, label="Open case", query_params={"case": str(row.case_id)})
        st.text(wire.shown(row.body))
        _facts(services, row)
        shown = st.session_state.get("reply_words")
        if shown and shown[0] == row.id:
            st.text(shown[1])


def _facts(services: Services, row: ReplyRow) -> None:
    with st.container(key=f"quiet_{row.id}", gap=None):
        tries = f" · {row.attempts} tries" if row.attempts > 1 else ""
        st.text(f"{row.by} · {figures.ago(row.updated_at, services.clock())}{tries}")
        problem = f"{row.error} {row.error_hint}".strip()
        if problem:
            st.text(wire.shown(problem))


@st.fragment(run_every=5, key="outbox")
def _cards() -> None:
    services = current()
    actor = signed_in(services)
    rows: Sequence[ReplyRow] = services.views.outbox(actor)
    if not rows:
        st.text("Nothing on its way. Replies appear here from approval until they are confirmed.")
    for row in rows[:50]:
        _card(services, actor, row)


def page() -> None:
    """Shows the replies on their way."""
    services = current()
    banner(services, signed_in(services))
    st.header("Outbox", anchor=False)
    _cards()
