"""One mention as a whole: its text, what is known of it, why it has its tone, where it stands."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import streamlit as st

from earmark_core.model import Actor
from earmark_dashboard import figures, mention_words, wire
from earmark_dashboard.pages import folding
from earmark_dashboard.services import Services
from earmark_dashboard.standing import standing, table
from earmark_queue.rows import Entry


def _receipt(services: Services, actor: Actor, row: Entry) -> None:
    found = services.explain(actor, row.id)
    if found is None:
        st.text("It has no score, so there is nothing to explain.")
        return
    parts = [
        {
            "Word": figures.cell(wire.shown(part.word)),
            "Moved the tone by": f"{part.value:+.2f}".replace("-", "−"),
            "Because": ", ".join(part.rules),
        }
        for part in found.parts
    ]
    if parts:
        st.dataframe(parts, hide_index=True, width="stretch")
    else:
        st.text("No word of this text carries a tone by itself.")
    stands = standing(found)
    if stands is not None:
        stars = "" if row.rating is None else " by the words alone; the stars outrank them"
        st.text(
            f"Probability of negative: {100 * stands['probability']:.0f} %{stars}. What has a + "
            "speaks for negative, what has a − against it; together they make that probability."
        )
        shares = [{**line, "What": wire.shown(line["What"])} for line in table(stands)]
        st.dataframe(shares, hide_index=True, width="stretch")


def _source(row: Entry) -> None:
    address = wire.link(row.url)
    if address:
        with st.container(horizontal=True, vertical_alignment="center", key="mention_source"):
            st.link_button("Open at the source", address)
            st.text(wire.shown(urlsplit(address).hostname or ""))


def one(services: Services, actor: Actor, chosen: Sequence[Entry], brand_id: int) -> None:
    """Shows the mention that is chosen alone; nothing where none or several are."""
    if len(chosen) != 1:
        return
    row = chosen[0]
    with st.container(border=True, key="mention_whole", gap="small"):
        st.subheader("The whole mention", anchor=False)
        st.text(f"{wire.shown(row.who)} · {row.at:%d %b %Y %H:%M} UTC · {row.channel}")
        if row.title:
            st.text(wire.shown(row.title))
        st.text(wire.shown(row.text))
        with st.container(key="quiet_mention", gap=None):
            for name, value in mention_words.facts(row):
                st.text(f"{name}: {value}")
        folding.show(brand_id, row)
        _source(row)
        if st.toggle("Why this tone", key=f"why_{row.id}"):
            _receipt(services, actor, row)
