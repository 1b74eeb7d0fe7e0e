"""Sources: whether each place is heard, in words, and what to do when it is not."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard import figures, wire
from earmark_dashboard.pages.adding import add_source
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.pages.earlier import earlier
from earmark_dashboard.pages.gaps import gaps, overall
from earmark_dashboard.pages.keeping import keeping
from earmark_dashboard.pages.listed import listed
from earmark_dashboard.services import Services, current
from earmark_dashboard.state import signed_in
from earmark_listeners.health import SourceRow

EVERY_SECONDS = 5


def do(action: str, source_id: int, services: Services, actor: Actor) -> str:
    """Asks a source for something and says what became of it."""
    asked: dict[str, tuple[Callable[[Actor, int], Any], str]] = {
        "poll": (services.sources.poll_now, "The poll is asked for."),
        "pause": (services.sources.pause, "Paused."),
        "resume": (services.sources.resume, "Polled again from now on."),
    }
    run, words = asked[action]
    try:
        run(actor, source_id)
    except EarmarkError as error:
        return f"{error.message} {error.hint}".strip()
    return words


def _clicked(action: str, source_id: int) -> None:
    services = current()
    words = do(action, source_id, services, signed_in(services))
    st.session_state["source_words"] = (source_id, words)


def _buttons(row: SourceRow) -> None:
    if not row.is_polled:
        return
    st.button("Poll now", key=f"poll{row.id}", on_click=_clicked, args=("poll", row.id),
              disabled=not row.is_enabled)  # fmt: skip
    name, action = ("Pause", "pause") if row.is_enabled else ("Resume", "resume")
    st.button(name, key=f"{action}{row.id}", on_click=_clicked, args=(action, row.id))


def _head(row: SourceRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"title_{row.id}"):
        state, icon, colour = figures.source_badge(row)
        st.text(wire.shown(row.name)[:120])
        st.badge(state, icon=icon, color=colour)
        if row.is_demo:
            st.badge("demo", color="blue")
        if row.is_polling:
            st.badge("polling now", color="violet")
        st.space("stretch")
        _buttons(row)


def _facts(services: Services, row: SourceRow) -> None:
    facts = [*figures.source_facts(row, services.clock()), ("Items in 24 h", f"{row.items_24h:,}")]
    with st.container(horizontal=True, gap="medium", key=f"facts_{row.id}"):
        for name, value in facts:
            with st.container(key=f"fact_{row.id}_{name.replace(' ', '_')}", gap=None, width=104):
                st.text(name)
                st.text(value)
        if any(row.spark):
            st.image(figures.bars(row.spark), alt="Items of each of the last 24 hours", width=120)


def _card(services: Services, row: SourceRow) -> None:
    with st.container(border=True, key=f"card_{row.id}", gap="small"):
        _head(row)
        with st.container(key=f"quiet_{row.id}", gap=None):
            words = wire.shown(f"{row.words} {row.hint}".strip())
            st.text(f"{row.channel} · {wire.shown(row.brand)} · {words}")
        _facts(services, row)
        gaps(services, row)
        earlier(services, row)
        keeping(services, row)
        shown = st.session_state.get("source_words")
        if shown and shown[0] == row.id:
            st.text(shown[1])


@st.fragment(run_every=EVERY_SECONDS, key="sources")
def _cards() -> None:
    services = current()
    for row in listed(services, signed_in(services)):
        _card(services, row)


def page() -> None:
    """Shows every source with its health."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    with st.container(horizontal=True, vertical_alignment="center", key="sources_head"):
        st.header("Sources", anchor=False)
        st.space("stretch")
        heard = services.worker_heartbeat()
        late = heard is None or heard.total_seconds() > 60
        st.badge("worker not heard" if late else "worker running", color="red" if late else "green")
    overall(services, actor)
    add_source(services, actor)
    _cards()
