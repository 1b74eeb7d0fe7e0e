"""What a click in the inbox does: plain functions over the services, without a page.

Each is handed what the component sent. That is text from a browser, so every field is read
through `_Asked`, which knows only the shapes it expects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from earmark_core.errors import CaseChanged, CaseTaken, EarmarkError
from earmark_core.model import Actor, Label, Priority
from earmark_dashboard.services import Services
from earmark_dashboard.state import InboxState, Outcome

LONGEST_BODY = 20_000


class _Unreadable(EarmarkError):
    """The page sent something this server does not understand."""


@dataclass(frozen=True, slots=True)
class _Asked:
    fields: Mapping[str, Any]

    def number(self, name: str) -> int:
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Unreadable(hint="Reload the page.", subject=name)
        return value

    def number_or_none(self, name: str) -> int | None:
        return None if self.fields.get(name) is None else self.number(name)

    def words(self, name: str) -> str:
        value = self.fields.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_BODY:
            raise _Unreadable(hint="Reload the page.", subject=name)
        return value

    def moment(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.words(name))
        except ValueError as error:
            raise _Unreadable(hint="Choose a date and a time.", subject=name) from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Desk:
    services: Services
    actor: Actor
    state: InboxState
    asked: _Asked

    @property
    def case_id(self) -> int:
        return self.asked.number("id")

    @property
    def version(self) -> int:
        return self.asked.number("version")


def _claim(desk: _Desk) -> str:
    desk.services.cases.claim(desk.actor, desk.case_id, desk.version)
    return "Assigned to you"


def _assign(desk: _Desk) -> str:
    person = desk.asked.number_or_none("person")
    desk.services.cases.assign(desk.actor, desk.case_id, person, desk.version)
    return "Nobody has it now" if person is None else "Assigned"


def _snooze(desk: _Desk) -> str:
    until = desk.asked.moment("until")
    if until <= desk.services.clock() + timedelta(seconds=30):
        raise _Unreadable("That moment has passed.", hint="Choose a later one.")
    desk.services.cases.snooze(desk.actor, desk.case_id, until, desk.version)
    return "Snoozed"


def _resolve(desk: _Desk) -> str:
    desk.services.cases.resolve(desk.actor, desk.case_id, desk.version)
    return "Resolved"


def _dismiss(desk: _Desk) -> str:
    reason = desk.asked.words("reason").strip()
    desk.services.cases.dismiss(desk.actor, desk.case_id, desk.version, reason)
    return "Dismissed"


def _reopen(desk: _Desk) -> str:
    version = desk.services.views.case(desk.actor, desk.case_id).case.version
    desk.services.cases.reopen(desk.actor, desk.case_id, version)
    return "Open again"


def _note(desk: _Desk) -> str:
    desk.services.cases.note(desk.actor, desk.case_id, desk.asked.words("body"))
    return "Note kept"


def _correct(desk: _Desk) -> str:
    label = desk.asked.words("label")
    if label not in set(Label):
        raise _Unreadable(subject="label")
    desk.services.cases.correct(desk.actor, desk.asked.number("mention"), Label(label))
    return f"Marked {label}"


def _prioritise(desk: _Desk) -> str:
    priority = desk.asked.words("priority")
    if priority not in set(Priority):
        raise _Unreadable(subject="priority")
    desk.services.cases.set_priority(desk.actor, desk.case_id, Priority(priority), desk.version)
    return f"Priority is {priority}"


def _send(desk: _Desk) -> str:
    waits = desk.services.needs_approval(desk.actor, desk.case_id)
    body, seen = desk.asked.words("body"), desk.asked.number("seen")
    desk.services.replies.send(desk.actor, desk.case_id, body, seen, desk.version)
    return "Approval requested" if waits else "On its way"


def _posted(desk: _Desk) -> str:
    body, url = desk.asked.words("body"), desk.asked.words("url").strip()
    desk.services.replies.confirm_by_hand(desk.actor, desk.case_id, body, url)
    return "Marked as posted"


def _approve(desk: _Desk) -> str:
    desk.services.replies.approve(desk.actor, desk.asked.number("reply"))
    return "Approved, on its way"


def _cancel(desk: _Desk) -> str:
    desk.services.replies.cancel(desk.actor, desk.asked.number("reply"))
    return "Cancelled"


def _confirm(desk: _Desk) -> str:
    desk.services.replies.confirm_posted(desk.actor, desk.asked.number("reply"))
    return "Marked as delivered"


def _retry(desk: _Desk) -> str:
    desk.services.replies.retry(desk.actor, desk.asked.number("reply"))
    return "Trying again"


_CHANGES: Mapping[str, Callable[[_Desk], str]] = {
    "claim": _claim,
    "assign": _assign,
    "snooze": _snooze,
    "resolve": _resolve,
    "dismiss": _dismiss,
    "reopen": _reopen,
    "note": _note,
    "correct": _correct,
    "priority": _prioritise,
    "send": _send,
    "posted": _posted,
    "approve": _approve,
    "cancel": _cancel,
    "retry": _retry,
    "confirm": _confirm,
}
_ENDS = {"resolve", "dismiss", "snooze"}


def _pick(desk: _Desk) -> None:
    desk.state.case_id = desk.asked.number_or_none("id")
    desk.state.receipt_for = None


def _view(desk: _Desk) -> None:
    desk.state.go(desk.asked.words("view"))


def _filter(desk: _Desk) -> None:
    desk.state.brand_id = desk.asked.number_or_none("brand")
    desk.state.channel = desk.asked.words("channel") or None
    desk.state.search = desk.asked.words("search")[:200].strip()
    desk.state.trail.clear()


def _older(desk: _Desk) -> None:
    desk.state.trail.append(desk.asked.words("after"))


def _newer(desk: _Desk) -> None:
    if desk.state.trail:
        desk.state.trail.pop()


def _explain(desk: _Desk) -> None:
    mention = desk.asked.number_or_none("mention")
    desk.state.receipt_for = None if desk.state.receipt_for == mention else mention


def _draft(desk: _Desk) -> None:
    body = desk.asked.words("body")
    desk.services.cases.save_draft(desk.actor, desk.case_id, body)
    length_of = desk.services.rules_of(desk.asked.words("channel")).length_of
    desk.state.measured = (body, length_of(body))


def _beat(_desk: _Desk) -> None:
    """Only asks whether something changed."""


_MOVES: Mapping[str, Callable[[_Desk], None]] = {
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
    desk = _Desk(services, actor, state, _Asked(payload))
    if action != "beat":
        state.ack = nonce
    try:
        if action in _MOVES:
            _MOVES[action](desk)
            return
        if action not in _CHANGES:
            raise _Unreadable(hint="Reload the page.", subject=action[:40])
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
