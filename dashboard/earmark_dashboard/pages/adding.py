"""Adding a source: what its channel asks, a try that stores nothing, then saving."""

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from earmark_core.access import may
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Role
from earmark_dashboard import wire
from earmark_dashboard.hearing import SetupService
from earmark_dashboard.services import Services
from earmark_listeners.asking import ChannelChoice, NewSource, Question, answers
from earmark_listeners.probing import Probed

_AGAIN = " Press Save again to save it all the same."


def plain_label(words: str) -> str:
    """Gives words so that Streamlit, which reads labels as Markdown, shows them as they are."""
    return re.sub(r"([\\`*_\[\]#:~$<>!|])", r"\\\1", words)


def _answer(channel: str, question: Question) -> str:
    """Asks one question; the answer is text, whatever its kind."""
    label = plain_label(question.words[:1].upper() + question.words[1:])
    label += "" if question.is_required else " (optional)" if not question.default else ""
    key = f"add_{channel}_{question.key}"
    if question.kind in {"choice", "yes or no"}:
        named = question.choices or ("yes", "no")
        offered = named if question.default in named else ("", *named)
        at = offered.index(question.default)
        return st.selectbox(label, offered, index=at, key=key)
    hint = {"secret": "env:NAME, file:/path or keyring:SERVICE/NAME", "list": "with commas between"}
    return st.text_input(
        label, question.default, key=key, max_chars=2_000, placeholder=hint.get(question.kind)
    )


def _form(chosen: ChannelChoice) -> tuple[str, dict[str, Any], bool, bool, bool]:
    """Gives name, options, whether all is the brand's, and which button was pressed."""
    with st.form(f"add_{chosen.channel}", border=False):
        left, right = st.columns(2)
        with left:
            name = st.text_input("Name of the source", chosen.channel, max_chars=200)
        said = {}
        for number, question in enumerate(chosen.questions):
            with (right, left)[number % 2]:
                said[question.key] = _answer(chosen.channel, question)
        takes_all = st.checkbox("All it brings is about the brand (its own mentions or reviews)")
        with st.container(horizontal=True, key="add_buttons"):
            tried = st.form_submit_button("Test it")
            saved = st.form_submit_button("Save", type="primary")
    return name, answers(chosen, said), takes_all, tried, saved


def _shown(found: Probed) -> None:
    st.text(wire.shown(found.words))
    rows = [
        {
            "When": f"{item.at:%d %b %Y %H:%M}" if item.at else "no date",
            "Who": wire.shown(item.author),
            "What": wire.shown(f"{item.title} {item.text}".strip()),
        }
        for item in found.items
    ]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")


def _tried(setup: SetupService, actor: Actor, wanted: NewSource) -> Probed:
    with st.spinner("Trying it. This takes 45 seconds at most."):
        found = setup.probe(actor, wanted.channel, wanted.options)
    st.session_state["add_tried"] = (wanted.channel, dict(wanted.options))
    return found


def _save(setup: SetupService, actor: Actor, wanted: NewSource, warning: str) -> None:
    """Saves what was tried; what was not is tried first, and saved if that goes well."""
    if st.session_state.get("add_tried") != (wanted.channel, dict(wanted.options)):
        found = _tried(setup, actor, wanted)
        _shown(found)
        if not found.went_well:
            st.text("Not saved." + _AGAIN)
            return
    setup.add(actor, wanted)
    st.session_state.pop("add_tried", None)
    st.text("Saved, and paused: resume it below when you mean it." if warning
            else "Saved. Its first poll runs now.")  # fmt: skip


def add_source(services: Services, actor: Actor) -> None:
    """Shows how to add a source; nothing to those who may not."""
    setup, brands = services.setup, services.brands.list(actor)
    if setup is None or not brands or not may(actor, Role.manager):
        return
    with st.expander("Add a source", icon=":material/add:"):
        channels: Sequence[ChannelChoice] = setup.choices(actor)
        left, right = st.columns(2)
        brand = left.selectbox("For", brands, format_func=lambda one: wire.shown(one.name))
        chosen = right.selectbox("Channel", channels, format_func=lambda one: one.channel)
        cannot = f" It does not hear: {chosen.cannot}." if chosen.cannot else ""
        st.text(f"{chosen.summary}. Needs: {chosen.needs}.{cannot}")
        if chosen.warning:
            st.text(f"Careful: {chosen.warning}")
        name, options, takes_all, tried, saved = _form(chosen)
        wanted = NewSource(brand.id, chosen.channel, name, options, takes_all)
        try:
            if tried:
                _shown(_tried(setup, actor, wanted))
            elif saved:
                _save(setup, actor, wanted, chosen.warning)
        except EarmarkError as error:
            st.text(wire.shown(f"{error.message} {error.hint}".strip()))
