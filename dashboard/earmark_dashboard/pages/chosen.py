"""The head of the pages about one brand of one's own: title, and which brand it is."""

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.services import BrandRow, Services

_KEPT, _PICKER = "learned_brand", "learned_brand_picker"


def head(title: str, services: Services, actor: Actor) -> BrandRow | None:
    """Shows title and picker and gives the brand chosen; None, said in words, without one.

    The choice is kept from page to page. Competitors are not among them: nobody answers for them.
    """
    banner(services, actor)
    names = {each.id: each for each in services.brands.list(actor) if not each.is_competitor}
    if not names:
        st.header(title, anchor=False)
        st.text("No brand is listened for yet. Add yours; then there is something to judge.")
        return None
    if st.session_state.get(_PICKER) not in names:
        kept = st.session_state.get(_KEPT)
        st.session_state[_PICKER] = kept if kept in names else next(iter(names))
    with st.container(horizontal=True, vertical_alignment="center", key="chosen_head"):
        st.header(title, anchor=False)
        st.space("stretch")
        brand_id = st.selectbox(
            "Brand", list(names), format_func=lambda one: wire.shown(names[one].name),
            label_visibility="collapsed", width=220, key=_PICKER,
        )  # fmt: skip
    st.session_state[_KEPT] = brand_id
    return names[brand_id]
