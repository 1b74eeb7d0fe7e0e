"""Taking in a file: what it holds is shown before anything is stored."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard import wire
from earmark_dashboard.entering import EnteringService, Looked
from earmark_dashboard.services import BrandRow


def _held(looked: Looked) -> None:
    st.text(f"Rows: {looked.rows:,}, of which {looked.refused:,} cannot be taken in.")
    rows = [{"Who": wire.shown(who), "What": wire.shown(what)} for who, what in looked.samples]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    _reasons(looked.reasons)


def _reasons(reasons: Sequence[str]) -> None:
    if reasons:
        st.code(wire.shown("\n".join(reasons)), language=None, wrap_lines=True)


def _take(entering: EnteringService, actor: Actor, brand: BrandRow, looked: Looked,
          name: str, content: bytes, *, history: bool) -> None:  # fmt: skip
    bar = st.progress(0.0, "Taking in. What is in stays in if you leave the page.")
    done = 0

    def tick(rows: int) -> None:
        nonlocal done
        done += rows
        bar.progress(min(1.0, done / max(1, looked.rows)), f"{done:,} of {looked.rows:,} rows")

    taken = entering.take(actor, brand.id, name, content, history=history, tick=tick)
    bar.empty()
    st.text(f"{taken.new:,} new or changed, {taken.known:,} known already, "
            f"{taken.refused:,} refused.")  # fmt: skip
    _reasons(taken.reasons)


def from_file(entering: EnteringService, actor: Actor, brand: BrandRow) -> None:
    """Asks for a file, shows what it holds, and takes it in once that is confirmed."""
    st.text("JSON Lines or CSV, such as an export of another product. Taken in twice, it changes "
            "nothing the second time.")  # fmt: skip
    file = st.file_uploader("File", type=["jsonl", "ndjson", "json", "csv", "tsv"])
    history = st.checkbox("Keep and score it, but open no case")
    if file is None:
        return
    try:
        looked = entering.look(actor, file.name, file.getvalue())
        _held(looked)
        if looked.rows > looked.refused and st.button("Take it in", type="primary"):
            _take(entering, actor, brand, looked, file.name, file.getvalue(), history=history)
    except EarmarkError as error:
        st.text(wire.shown(f"{error.message} {error.hint}".strip()))
