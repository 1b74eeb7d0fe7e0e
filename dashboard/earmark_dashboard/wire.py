"""Rows of the views as the plain values a component is sent.

Everything that people wrote stays plain text all the way; links are given only where they
lead to http or https.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from earmark_core.access import may
from earmark_core.model import Actor, Receipt, Role
from earmark_dashboard.services import BrandRow
from earmark_dashboard.state import InboxState
from earmark_listeners.contract import ChannelRules
from earmark_queue.rows import (
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
    """Gives one line of a thread."""
    return {
        "kind": one.kind,
        "id": one.id,
        "at": moment(one.at),
        "who": shown(one.who),
        "text": shown(one.text),
        "title": shown(one.title),
        "url": link(one.url),
        "label": one.label,
        "human": one.human_label,
        "status": None if one.score_status is None else str(one.score_status),
        "compound": one.compound,
        "state": one.state,
        "error": one.error,
        "hint": one.error_hint,
        "gone": one.is_gone,
        "revision": one.revision,
        "rating": one.rating,
        "cues": [{"kind": cue.kind, "words": shown(cue.words)} for cue in one.cues],
    }


def receipt(mention_id: int, found: Receipt | None) -> dict[str, Any]:
    """Gives the words of a mention with what each did to its tone."""
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
    }


def _contact(contact: ContactView) -> dict[str, Any]:
    return {
        "name": shown(contact.name),
        "handle": shown(contact.handle),
        "channel": contact.channel,
        "url": link(contact.url),
        "followers": contact.followers,
        "vip": contact.is_vip,
        "history": [entry(one) for one in contact.history[:20]],
    }


def _rules(rules: ChannelRules) -> dict[str, Any]:
    return {
        "can_reply": rules.can_reply,
        "max": rules.max_length,
        "unit": rules.counted_in,
        "note": rules.note,
    }


def _may(actor: Actor) -> dict[str, bool]:
    return {"act": may(actor, Role.responder), "approve": may(actor, Role.approver)}


def thread(
    case: CaseView,
    rules: ChannelRules,
    actor: Actor,
    people: Iterable[PersonRow],
    saved: Iterable[SavedReplyRow],
    needs_approval: bool,
) -> dict[str, Any]:
    """Gives what the thread shows of one case."""
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
        "rules": _rules(rules),
        "may": _may(actor),
        "me": {"id": actor.person_id, "name": actor.name},
        "people": [{"id": person.id, "name": person.name} for person in people],
        "saved": [{"id": one.id, "name": one.name, "body": one.body} for one in saved],
        "needs_approval": needs_approval,
    }
