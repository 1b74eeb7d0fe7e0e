"""What a click in the inbox does: plain functions over the services, without a page.

Each is handed what the component sent. That is text from a browser, so every field is read
through `Asked`, which knows only the shapes it expects. What a person says of a mention is in
`judgements`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from earmark_core.errors import CaseChanged, CaseTaken, EarmarkError
from earmark_core.model import Actor, Priority
from earmark_dashboard.asked import Asked, Desk, Unreadable
from earmark_dashboard.judgements import JUDGEMENTS
from earmark_dashboard.services import Services
from earmark_dashboard.state import InboxState, Outcome


def _claim(desk: Desk) -> str:
    desk.services.cases.claim(desk.actor, desk.case_id, desk.version)
    return "Assigned to you"


def _assign(desk: Desk) -> str:
    person = desk.asked.number_or_none("person")
    desk.services.cases.assign(desk.actor, desk.case_id, person, desk.version)
    return "Nobody has it now" if person is None else "Assigned"


def _snooze(desk: Desk) -> str:
    until = desk.asked.moment("until")
    if until <= desk.services.clock() + timedelta(seconds=30):
        raise Unreadable("That moment has passed.", hint="Choose a later one.")
    desk.services.cases.snooze(desk.actor, desk.case_id, until, desk.version)
    return "Snoozed"


def _resolve(desk: Desk) -> str:
    desk.services.cases.resolve(desk.actor, desk.case_id, desk.version)
    return "Resolved"


def _dismiss(desk: Desk) -> str:
    reason = desk.asked.words("reason").strip()
    desk.services.cases.dismiss(desk.actor, desk.case_id, desk.version, reason)
    return "Dismissed"


def _reopen(desk: Desk) -> str:
    version = desk.services.views.case(desk.actor, desk.case_id).case.version
    desk.services.cases.reopen(desk.actor, desk.case_id, version)
    return "Open again"


def _note(desk: Desk) -> str:
    desk.services.cases.note(desk.actor, desk.case_id, desk.asked.words("body"))
    return "Note kept"


def _prioritise(desk: Desk) -> str:
    priority = desk.asked.words("priority")
    if priority not in set(Priority):
        raise Unreadable(subject="priority")
    desk.services.cases.set_priority(desk.actor, desk.case_id, Priority(priority), desk.version)
    return f"Priority is {priority}"


def _send(desk: Desk) -> str:
    waits = desk.services.needs_approval(desk.actor, desk.case_id)
    body, seen = desk.asked.words("body"), desk.asked.number("seen")
    copy = desk.asked.number_or_none("copy")
    desk.services.replies.send(desk.actor, desk.case_id, body, seen, desk.version, copy_id=copy)
    return "Approval requested" if waits else "On its way"


def _posted(desk: Desk) -> str:
    body, url = desk.asked.words("body"), desk.asked.words("url").strip()
    copy = desk.asked.number_or_none("copy")
    desk.services.replies.confirm_by_hand(desk.actor, desk.case_id, body, url, copy_id=copy)
    return "Marked as posted"


def _approve(desk: Desk) -> str:
    desk.services.replies.approve(desk.actor, desk.asked.number("reply"))
    return "Approved, on its way"


def _cancel(desk: Desk) -> str:
    desk.services.replies.cancel(desk.actor, desk.asked.number("reply"))
    return "Cancelled"


def _confirm(desk: Desk) -> str:
    desk.services.replies.confirm_posted(desk.actor, desk.asked.number("reply"))
    return "Marked as delivered"


def _retry(desk: Desk) -> str:
    desk.services.replies.retry(desk.actor, desk.asked.number("reply"))
    return "Trying again"


_CHANGES: Mapping[str, Callable[[Desk], str]] = {
    **JUDGEMENTS,
    "claim": _claim,
    "assign": _assign,
    "snooze": _snooze,
    "resolve": _resolve,
    "dismiss": _dismiss,
    "reopen": _reopen,
    "note": _note,
    "priority": _prioritise,
    "send": _send,
    "posted": _posted,
    "approve": _approve,
    "cancel": _cancel,
    "retry": _retry,
    "confirm": _confirm,
}
_ENDS = {"resolve", "dismiss", "snooze"}


def _pick(desk: Desk) -> None:
    desk.state.case_id = desk.asked.number_or_none("id")
    desk.state.receipt_for = None


def _view(desk: Desk) -> None:
    desk.state.go(desk.asked.words("view"))


def _filter(desk: Desk) -> None:
    desk.state.brand_id = desk.asked.number_or_none("brand")
    desk.state.channel = desk.asked.words("channel") or None
    desk.state.search = desk.asked.words("search")[:200].strip()
    desk.state.trail.clear()


def _older(desk: Desk) -> None:
    desk.state.trail.append(desk.asked.words("after"))


def _newer(desk: Desk) -> None:
    if desk.state.trail:
        desk.state.trail.pop()


def _explain(desk: Desk) -> None:
    mention = desk.asked.number_or_none("mention")
    desk.state.receipt_for = None if desk.state.receipt_for == mention else mention


def _draft(desk: Desk) -> None:
    body = desk.asked.words("body")
    desk.services.cases.save_draft(desk.actor, desk.case_id, body)
    length_of = desk.services.rules_of(desk.asked.words("channel")).length_of
    desk.state.measured = (body, length_of(body))


def _beat(_desk: Desk) -> None:
    """Only asks whether something changed."""


_MOVES: Mapping[str, Callable[[Desk], None]] = {
    "pick": _pick,
    "view": _view,
    "filter": _filter,
    "older": _older,
    "newer": _newer,
    "explain": _explain,
    "draft": _draft,
    "beat": _beat,
}


def handle(payload: Any, services: Services, actor: Actor, state: InboxState) -> None:
    """Does what the component asked for and leaves in *state* what became of it.

    Never raises for what a person can do wrong: a refusal or a conflict becomes
    `state.outcome`. The nonce is acknowledged whatever happened.
    """
    if not isinstance(payload, Mapping):
        return
    action, nonce = str(payload.get("action", "")), str(payload.get("nonce", ""))[:64]
    desk = Desk(services, actor, state, Asked(payload))
    if action != "beat":
        state.ack = nonce
    try:
        if action in _MOVES:
            _MOVES[action](desk)
            return
        if action not in _CHANGES:
            raise Unreadable(hint="Reload the page.", subject=action[:40])
        message = _CHANGES[action](desk)
    except EarmarkError as error:
        kind = "conflict" if isinstance(error, CaseChanged | CaseTaken) else "refused"
        state.outcome = Outcome(nonce, action, kind, error.message, error.hint)
        return
    finally:
        if action not in _MOVES:
            state.seen.clear()
    undo = desk.case_id if action in _ENDS else None
    state.outcome = Outcome(nonce, action, "done", message, undo=undo)
    if action in _ENDS:
        state.case_id = desk.asked.number_or_none("then")
        state.receipt_for = None
