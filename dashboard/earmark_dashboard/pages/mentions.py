"""Mentions: all that was heard of a brand, what has no score and why, and corrections in bulk."""

from collections.abc import Sequence

import streamlit as st

from earmark_core.access import may
from earmark_core.model import Role
from earmark_dashboard import mention_words
from earmark_dashboard.bulk import Judgement, judge
from earmark_dashboard.mention_list import Asked, Place
from earmark_dashboard.pages import correcting, folding, narrowing, reading
from earmark_dashboard.pages.demo import banner
from earmark_dashboard.services import current
from earmark_dashboard.state import signed_in
from earmark_queue.rows import Entry, MentionPage

NOTHING = {
    "all": "Nothing was heard in this time. Choose a longer one.",
    "unscored": "Every mention of this time has a score.",
    "conflict": "No mention of this time has stars that its words contradict.",
    "irrelevant": "Of no mention of this time did anybody say that it is not about the brand.",
}


def _place() -> Place:
    place: Place = st.session_state.setdefault("mentions_place", Place())
    return place


def _judged(judgement: Judgement, brand_id: int, ids: Sequence[int]) -> None:
    services = current()
    _place().again(judge(services, signed_in(services), brand_id, ids, judgement))


def _nothing(asked: Asked, page: MentionPage) -> str:
    if page.next is not None:
        return "Nothing that fits in this stretch. Older ones may: go on."
    if asked.is_narrowed:
        return "Nothing fits these filters."
    return NOTHING[asked.view]


def _table(asked: Asked, page: MentionPage) -> list[Entry]:
    ids = tuple(row.id for row in page.rows)
    is_folded = any(row.copies for row in page.rows)
    event = st.dataframe(
        [mention_words.line(row, asked.view, is_folded=is_folded) for row in page.rows],
        # Another key for other rows: what was chosen by its place must not become another mention.
        key=f"mentions_rows_{abs(hash(ids))}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        width="stretch",
        height=min(520, 40 + 36 * len(ids)),
        row_height=36,
        # So wide that "negative (corrected)" is not cut.
        column_config={
            "Tone": st.column_config.TextColumn(width=150),
            "Text": st.column_config.TextColumn(width="large"),
        },
        alt="Mentions, newest first. Choose rows to correct them or to read one whole.",
    )
    return [page.rows[index] for index in event["selection"]["rows"] if index < len(ids)]


def _pages(place: Place, page: MentionPage) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="quiet_mentions_pages"):
        many = "1 mention" if len(page.rows) == 1 else f"{len(page.rows)} mentions, newest first"
        st.text(f"Page {len(place.trail) + 1}: {many}")
        st.space("stretch")
        st.button("Newer", on_click=place.turn, args=(None,), disabled=not place.trail)
        st.button("Older", on_click=place.turn, args=(page.next,), disabled=page.next is None)


def _languages(page: MentionPage) -> None:
    spoken = mention_words.languages(page.rows)
    if spoken:
        said = ", ".join(f"{name} {number}" for name, number in spoken)
        with st.container(key="quiet_languages"):
            st.text(f"Detected on this page: {said}")


def page() -> None:
    """Shows the mentions of one brand."""
    services = current()
    actor = signed_in(services)
    banner(services, actor)
    brands = services.brands.list(actor)
    if not brands:
        st.header("Mentions", anchor=False)
        st.text("No brand is listened for yet. Add yours, and what is heard of it appears here.")
        return
    place = _place()
    narrowing.take_wanted()
    brand_id, window = narrowing.brand_and_time(brands)
    within = place.overview(services, actor, brand_id, window)
    asked = folding.folded(narrowing.filters(brand_id, window, within, place.again))
    found = place.page(services, actor, asked, within)
    if asked.view == "unscored":
        _languages(found)
    if place.said:
        st.text(place.said)
    if not found.rows:
        st.text(_nothing(asked, found))
    else:
        bar = st.container()
        chosen = _table(asked, found)
        with bar:
            ids = [row.id for row in chosen]
            correcting.bar(may(actor, Role.responder), brand_id, ids, within.topics, _judged)
        _pages(place, found)
        reading.one(services, actor, chosen, brand_id)
        return
    if place.trail or found.next:
        _pages(place, found)
