"""The line that says, while the demo is here, that it is one, and the way out of it."""

import streamlit as st

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in


def remove(services: Services, actor: Actor) -> str:
    """Removes the demo; gives what stood in the way, or nothing."""
    try:
        services.brands.remove_demo(actor)
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()
    return ""


def _clicked() -> None:
    services = current()
    st.session_state["demo_problem"] = remove(services, signed_in(services))


def banner(services: Services, _actor: Actor) -> None:
    """Shows that the people and the brand are invented, and the way out; else nothing."""
    problem = st.session_state.pop("demo_problem", "")
    if problem:
        st.text(problem)
    if not services.brands.has_demo():
        return
    with st.container(key="demo_banner", horizontal=True, vertical_alignment="center"):
        st.text("You are looking at the demo: invented people and brand.")
        st.space("stretch")
        page = st.session_state.get("start_page")
        if page is not None:
            st.page_link(page, label="Listen to your own brand")
        with st.popover("Remove demo", type="tertiary"):
            st.text("The demo brand goes, with every case, reply and figure of it.")
            st.button("Remove the demo for good", on_click=_clicked, type="primary")
