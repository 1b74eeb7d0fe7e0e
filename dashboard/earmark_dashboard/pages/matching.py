"""What a query would find, shown before it is saved: samples, and what each part of it does."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.hearing import MonitorsService
from earmark_listeners.monitor import QueryError
from earmark_listeners.previewing import ClauseEffect, Found


def fault(error: EarmarkError) -> str:
    """Gives what is wrong, with a mark under the place where a query cannot be read."""
    place = [error.caret()] if isinstance(error, QueryError) else []
    return wire.shown("\n".join([*place, error.message, error.hint]).strip())


def _table(found: Sequence[Found]) -> None:
    rows = [
        {"When": f"{one.at:%d %b %Y %H:%M}", "Who": wire.shown(one.author), "Where": one.channel,
         "What": wire.shown(one.text), "Found by": wire.shown(one.clause)}
        for one in found
    ]  # fmt: skip
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")


def _effect(effect: ClauseEffect) -> None:
    if effect.removes is not None:
        st.text(f"{wire.shown(effect.words)}: keeps out {effect.removes:,} "
                "that would match without it")  # fmt: skip
    else:
        st.text(f"{wire.shown(effect.words)}: alone brings in {effect.adds or 0:,}")
    _table(effect.samples)


def preview(service: MonitorsService, actor: Actor, query: str, *, known: str = "") -> None:
    """Shows what a query finds, or where it cannot be read; *known* words stand there already."""
    try:
        found = service.preview(actor, query)
    except EarmarkError as error:
        st.code(fault(error), language=None)
        return
    if found.words != known:
        st.text(wire.shown(found.words))
    st.text(found.basis)
    _table(found.samples)
    if found.effects:
        st.subheader("What each part does", anchor=False)
    for effect in found.effects:
        _effect(effect)
