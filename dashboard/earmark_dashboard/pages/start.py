"""Listen to your own brand: a name, what else it is called, what it is not; seen before saved."""

import streamlit as st

from earmark_config.presets import Elsewhere
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.pages.where_else import where_else, words_of
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in

Asked = tuple[str, tuple[str, ...], tuple[str, ...], Elsewhere]


def save(asked: Asked, services: Services, actor: Actor) -> tuple[bool, str]:
    """Begins to listen, and says what became of it."""
    name, aliases, exclude, elsewhere = asked
    try:
        services.brands.listen(actor, name, aliases, exclude, elsewhere)
    except EarmarkError as error:
        return False, f"{error.message} {error.hint}".strip()
    return True, "Listening. The first poll runs now; what it finds appears in the inbox."


def _saved(asked: Asked) -> None:
    services = current()
    done, words = save(asked, services, signed_in(services))
    st.session_state["start_words"] = words
    if done:
        st.session_state.pop("start_asked", None)


def _form() -> None:
    with st.form("start_form", border=True):
        name = st.text_input("Name of your brand", max_chars=80, placeholder="Acme Air")
        aliases = st.text_input(
            "Also called, with commas between", max_chars=400, placeholder="AcmeAir, @acmeair"
        )
        exclude = st.text_input(
            "Words that mean something else, with commas between",
            max_chars=400,
            placeholder="cartoon, anvil",
        )
        elsewhere = where_else()
        if st.form_submit_button("Show what would be set up", type="primary"):
            names = (name.strip(), words_of(aliases), words_of(exclude))
            st.session_state["start_asked"] = (*names, elsewhere)
            st.session_state.pop("start_words", None)


def _preview(services: Services, actor: Actor, asked: Asked) -> None:
    name, aliases, exclude, elsewhere = asked
    try:
        proposals = services.brands.preview(actor, name, aliases, exclude, elsewhere)
    except EarmarkError as error:
        st.text(f"{error.message} {error.hint}".strip())
        return
    st.subheader("What would be set up", anchor=False)
    for proposal in proposals:
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                is_source = proposal.kind not in {"monitor", "topics"}
                st.badge("source" if is_source else proposal.kind, color="violet")
                kind = f" · {proposal.kind}" if is_source and proposal.kind != "source" else ""
                st.text(wire.shown(proposal.name) + kind)
            st.code(wire.shown(proposal.detail), language=None, wrap_lines=True)
            st.text(wire.shown(proposal.words))
    st.button("Start listening", type="primary", on_click=_saved, args=(asked,))


def page() -> None:
    """Shows how to listen to one's own brand."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    with st.container(width=720, key="start"):
        st.header("Listen to your own brand", anchor=False)
        st.text(
            "No account and no key is needed: earmark reads news, Hacker News and public "
            "Mastodon posts that name your brand. Nothing is saved before you have seen it."
        )
        _form()
        words = st.session_state.get("start_words")
        if words:
            st.text(words)
        asked = st.session_state.get("start_asked")
        if asked:
            _preview(services, actor, asked)
