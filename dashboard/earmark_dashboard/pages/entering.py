"""What no poll brings: writing down what one was told, or taking in a file."""

from datetime import UTC, datetime

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Role
from earmark_dashboard import wire
from earmark_dashboard.entering import EnteringService, Told
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.pages.from_file import from_file
from earmark_dashboard.services import BrandRow, current
from earmark_dashboard.state import signed_in

STARS = ("", "1", "2", "3", "4", "5")
KEPT = "Kept. If it needs an answer, it stands in the inbox in a moment."
KNOWN = "This was written down before; nothing was changed."


def _told(number: int, now: datetime) -> Told | None:
    """Asks what was said; None until the button is pressed. Another *number* is an empty form."""
    with st.form(f"told_{number}", border=True):
        text = st.text_area("What was said", max_chars=10_000, height=140)
        left, right = st.columns(2)
        author = left.text_input("Who said it (optional)", max_chars=200)
        handle = right.text_input(
            "Their number, address or handle (optional)", max_chars=200,
            help="Two mentions with the same one are of the same customer.",
        )  # fmt: skip
        url = left.text_input("Link (optional)", max_chars=2_000, placeholder="https://")
        rating = right.selectbox("Stars (optional)", STARS)
        day = left.date_input("Day", now.date(), max_value=now.date())
        at = right.time_input("Time (UTC)", now.time().replace(second=0, microsecond=0))
        if not st.form_submit_button("Keep it", type="primary"):
            return None
    return Told(text, datetime.combine(day, at, UTC), author, handle, url, rating)


def _by_hand(entering: EnteringService, actor: Actor, brand: BrandRow) -> None:
    st.text("A call, a letter, a post where nothing is polled: it is scored and queued like any "
            "other mention.")  # fmt: skip
    number, began = st.session_state.setdefault("told", (1, current().clock()))
    told = _told(number, began)
    if told is None:
        st.text(st.session_state.pop("told_words", ""))
        return
    try:
        new = entering.write_down(actor, brand.id, told)
    except EarmarkError as error:
        st.text(wire.shown(f"{error.message} {error.hint}".strip()))
        return
    st.session_state["told_words"] = KEPT if new else KNOWN
    st.session_state["told"] = (number + 1, current().clock())
    st.rerun()


def page() -> None:
    """Shows how to bring in what no poll brings."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    st.header("Add mentions", anchor=False)
    brands = services.brands.list(actor)
    if not brands or services.entering is None:
        st.text("No brand is listened for yet. Add yours first.")
        return
    with st.container(width=760, key="entering"):
        brand = st.selectbox("For", brands, format_func=lambda one: wire.shown(one.name))
        hand, file = st.tabs(["By hand", "From a file"])
        with hand:
            _by_hand(services.entering, actor, brand)
        if may(actor, Role.manager):
            with file:
                from_file(services.entering, actor, brand)
        else:
            file.text("A manager may take in files.")
