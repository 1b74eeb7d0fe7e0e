"""Rows of the views as the plain values a component is sent.

Everything that people wrote stays plain text all the way; links are given only where they
lead to http or https.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from earmark_core.access import may
from earmark_core.model import Actor, Receipt, Role
from earmark_dashboard.services import BrandRow
from earmark_dashboard.standing import standing
from earmark_dashboard.state import InboxState, Outcome
from earmark_listeners.contract import ChannelRules
from earmark_queue.rows import (
    AspectRow,
    CaseRow,
    CaseView,
    ContactView,
    Entry,
    InboxPage,
    PersonRow,
    SavedReplyRow,
)

VIEW_NAMES: Mapping[str, str] = {
    "needs_reply": "Needs reply",
    "mine": "Mine",
    "unassigned": "Unassigned",
    "urgent": "Urgent",
    "waiting": "Waiting",
    "snoozed": "Snoozed",
    "approval": "Approval",
    "resolved": "Resolved",
    "all": "All",
}

LONGEST_WORDS = 120
LONGEST_PAST = 300


def moment(at: datetime | None) -> str | None:
    """Gives a moment as the browser reads it."""
    return None if at is None else at.isoformat()


def link(url: str) -> str:
    """Gives *url* if it leads to http or https at a named host, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""


def shown(text: str) -> str:
    """Gives *text* with controls that turn the writing direction as visible marks."""
    if not any(unicodedata.category(letter) == "Cf" for letter in text):
        return text
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    return "".join(
        f"⟨{unicodedata.bidirectional(letter)}⟩"
        if unicodedata.bidirectional(letter) in turning
        else letter
        for letter in text
    )


def row(case: CaseRow) -> dict[str, Any]:
    """Gives one case for the list."""
    return {
        "id": case.id,
        "version": case.version,
        "brand": shown(case.brand),
        "channel": case.channel,
        "name": shown(case.name or case.handle),
        "handle": shown(case.handle),
        "headline": shown(case.headline)[:400],
        "label": case.label,
        "status": str(case.status),
        "priority": str(case.priority),
        "owner": case.owner,
        "due": moment(case.due_at),
        "breached": case.is_breached,
        "at": moment(case.last_inbound_at),
        "opened": moment(case.opened_at),
        "mentions": case.mentions,
        "copies": case.copies,
        "reply": case.reply_state,
    }


def count(number: int) -> str:
    """Gives a capped count as it is shown."""
    return "999+" if number >= 1000 else str(number)


def views(counts: Mapping[str, int], current: str) -> dict[str, Any]:
    """Gives the views with their counts."""
    items = [
        {"id": name, "name": title, "count": count(counts.get(name, 0))}
        for name, title in VIEW_NAMES.items()
    ]
    return {"views": items, "view": current}


def inbox(
    page: InboxPage, counts: Mapping[str, int], brands: Iterable[BrandRow], state: InboxState
) -> dict[str, Any]:
    """Gives what the list shows; without the selection, so that a click changes none of it."""
    chosen = {state.channel} if state.channel else set()
    own = [{"id": brand.id, "name": shown(brand.name)} for brand in brands]
    return {
        **views(counts, state.view),
        "rows": [row(case) for case in page.rows],
        "next": page.next,
        "page": len(state.trail) + 1,
        "brands": own,
        "brand": state.brand_id,
        "channel": state.channel or "",
        "channels": sorted({case.channel for case in page.rows} | chosen),
        "search": state.search,
    }


def entry(one: Entry) -> dict[str, Any]:
    """Gives one line of a thread, with what its kind of line shows."""
    sent: dict[str, Any] = {
        "kind": one.kind,
        "id": one.id,
        "at": moment(one.at),
        "who": shown(one.who),
        "text": shown(one.text),
    }
    if one.kind == "mention":
        return sent | _mention(one)
    if one.kind == "reply":
        sent |= {"state": one.state, "error": one.error, "hint": one.error_hint}
        sent["url"] = link(one.url)
    return sent


def _mention(one: Entry) -> dict[str, Any]:
    return {
        "title": shown(one.title),
        "url": link(one.url),
        "label": one.label,
        "human": one.human_label,
        "status": None if one.score_status is None else str(one.score_status),
        "sure": None if one.probability is None else round(one.probability, 2),
        "compound": one.compound,
        "sentences": one.sentences,
        "lang": one.lang,
        "langSure": None if one.lang_confidence is None else round(one.lang_confidence, 2),
        "model": one.model_id,
        "gone": one.is_gone,
        "revision": one.revision,
        "rating": one.rating,
        "conflict": one.is_conflict,
        "relevant": one.is_relevant,
        "needs": one.human_needs_answer,
        "cues": [{"kind": cue.kind, "words": shown(cue.words)} for cue in one.cues],
        "aspects": [_aspect(found) for found in one.aspects],
    }


def _aspect(found: AspectRow) -> dict[str, Any]:
    return {
        "area": shown(found.area),
        "topic": shown(found.topic),
        "label": found.label,
        "human": found.human_label,
        "words": shown(found.words)[:LONGEST_WORDS],
    }


def _past(one: Entry) -> dict[str, Any]:
    """Gives an earlier mention of the same person, as little as the margin shows."""
    return {
        "kind": one.kind,
        "at": moment(one.at),
        "text": shown(one.title or one.text)[:LONGEST_PAST],
        "label": one.human_label or one.label,
    }


def receipt(mention_id: int, found: Receipt | None) -> dict[str, Any]:
    """Gives the words of a mention with what each did to its tone, and what its label stands on."""
    if found is None:
        return {"mention": mention_id, "parts": None}
    parts = [
        {
            "word": part.word,
            "value": part.value,
            "lexicon": part.lexicon,
            "rules": list(part.rules),
            "start": part.start,
            "end": part.end,
        }
        for part in found.parts
    ]
    return {
        "mention": mention_id,
        "prepared": found.prepared,
        "parts": parts,
        "total": found.total,
        "compound": found.compound,
        "stands": standing(found),
        "hints": list(found.hints),
    }


def _contact(contact: ContactView) -> dict[str, Any]:
    return {
        "name": shown(contact.name),
        "handle": shown(contact.handle),
        "channel": contact.channel,
        "url": link(contact.url),
        "followers": contact.followers,
        "vip": contact.is_vip,
        "history": [_past(one) for one in contact.history[:20] if one.kind == "mention"],
    }


def taken(rules: ChannelRules) -> dict[str, Any]:
    """Gives what a channel takes as an answer."""
    return {
        "can_reply": rules.can_reply,
        "max": rules.max_length,
        "unit": rules.counted_in,
        "note": rules.note,
    }


def _may(actor: Actor) -> dict[str, bool]:
    return {"act": may(actor, Role.responder), "approve": may(actor, Role.approver)}


def _by_area(topics: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    areas: dict[str, list[str]] = {}
    for area, topic in topics:
        areas.setdefault(area, []).append(topic)
    return list(areas.items())


def thread(
    case: CaseView,
    rules: ChannelRules,
    actor: Actor,
    people: Iterable[PersonRow],
    saved: Iterable[SavedReplyRow],
    needs_approval: bool,
    topics: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Gives what the thread shows of one case; *topics* are its brand's, as (area, topic)."""
    return {
        "case": row(case.case),
        "why": [shown(reason) for reason in case.why],
        "priority_reasons": [shown(reason) for reason in case.priority_reasons],
        "entries": [entry(one) for one in case.entries],
        "contact": _contact(case.contact),
        "last_mention": case.last_mention_id,
        "last_revision": case.last_revision,
        "url": link(case.thread_url),
        "draft": case.draft,
        "source": shown(case.source_name),
        "wake": moment(case.wake_at),
        "rules": taken(rules),
        "may": _may(actor),
        "me": {"id": actor.person_id, "name": actor.name},
        "people": [{"id": person.id, "name": person.name} for person in people],
        "saved": [{"id": one.id, "name": one.name, "body": one.body} for one in saved],
        "needs_approval": needs_approval,
        "topics": _by_area(topics),
    }


def outcome(told: Outcome | None) -> dict[str, Any] | None:
    """Gives what became of the last action."""
    return None if told is None else asdict(told)
