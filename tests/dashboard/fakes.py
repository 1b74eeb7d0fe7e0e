# ruff: noqa: E501 - rows of test data read best on one line
"""Services in memory with invented people and brands: what the pages are tested against."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from earmark_config.presets import Elsewhere, elsewhere_sources
from earmark_core.budget_words import Limited
from earmark_core.errors import CaseChanged, CaseTaken, ConfigError, NotAllowed, UnknownCase
from earmark_core.heard import Covered, Gap
from earmark_core.model import Actor, Cue, Label, Priority, Receipt, ReceiptPart, Role
from earmark_dashboard.services import BrandRow, Proposal, Services
from earmark_listeners.contract import ChannelRules
from earmark_listeners.health import SourceRow
from earmark_queue.copy_rows import Copies, Copy
from earmark_queue.rows import (
    AspectRow,
    CaseRow,
    CaseView,
    ContactView,
    Entry,
    InboxPage,
    MentionPage,
    PersonRow,
    ReplyRow,
    SavedReplyRow,
)
from earmark_sentiment.trends import Marker, Tally, TopicTrend, TrendPoint, TrendSummary
from tests.dashboard.hearing_fakes import (
    FakeBackfills,
    FakeEntering,
    FakeKeeping,
    FakeMonitors,
    FakeSetup,
)
from tests.dashboard.learning_fakes import FakeLearning, FakeRescores

ME = Actor("sam", Role.manager, 1)
PEOPLE = (
    PersonRow(1, "sam", "manager"),
    PersonRow(2, "noor", "responder"),
    PersonRow(3, "mika", "approver"),
)
NAMES = (
    "Kaya Moreno", "Ruben Brandt", "Ana Hadley", "Eva Pereira", "Finn Kimura", "Omar Casta",
    "Yanis Silber", "Sol Rosario", "Ida Nygaard", "Tomas Varga", "Lena Okafor", "Jun Aldana",
    "Mara Quill", "Pia Sorel", "Nils Ekberg", "Rhea Dutt",
)  # fmt: skip
TEXTS = (
    ("negative", "Third time my order {n} arrives broken. Nobody answers, this is unacceptable."),
    ("negative", "Charged twice for order {n}, I want a refund NOW."),
    ("negative", "The app crashes every time I open the checkout since the update. Fix it please."),
    ("negative", "Waited 40 minutes on chat, then got disconnected. Terrible support."),
    ("negative", "Your courier left my parcel in the rain. Ruined."),
    ("neutral", "Is it true that batch {n} was recalled? My kid got sick after using it."),
    ("neutral", "Has anyone compared this with the {n} from the other brand?"),
    ("neutral", "When does the Lisbon shop open on Sundays?"),
    (None, "Почему не работает оплата на сайте?"),
    ("positive", "Support sorted order {n} in one call. Impressed. Can I order a second one?"),
)
CHANNELS = ("mastodon", "mastodon", "reddit", "hackernews", "feed", "trustpilot", "bluesky")

HOSTILE = (
    "<script>alert(1)</script>",
    '<img src="http://192.0.2.1/x.png" onerror="alert(1)">',
    "<svg onload=alert(1)>",
    "![pixel](http://192.0.2.1/beacon.png)",
    "[click](javascript:alert(1)) [bank](http://192.0.2.1/login)",
    "http://192.0.2.1/bare",
    "<style>body{background:red}</style>",
    "<iframe src='http://192.0.2.1/'></iframe>",
    "<form action='http://192.0.2.1/'><input type=password></form>",
    "# Big\n$$x^2$$ :red[red] :material/delete:",
    "left \u202etfel\u202c right",
    "x" * 3000,
)
RULES = {
    "mastodon": ChannelRules(can_reply=True, max_length=500),
    "bluesky": ChannelRules(can_reply=True, max_length=300, counted_in="graphemes"),
}


def hostile_case(now: datetime) -> list[str]:
    return list(HOSTILE)


@dataclass
class FakeDesk:
    """The state all fakes share; `log` is what the pages asked for."""

    clock: Callable[[], datetime]
    hostile: bool = False
    actor: Actor | None = ME
    cases: dict[int, CaseView] = field(default_factory=dict)
    counter: int = 0
    log: list[tuple[Any, ...]] = field(default_factory=list)
    fail: Exception | None = None
    demo: bool = True
    own: bool = True
    queries: int = 0
    irrelevant: set[int] = field(default_factory=set)
    labels: dict[int, str] = field(default_factory=dict)
    mixed: bool = True
    copied: bool = False

    def __post_init__(self) -> None:
        rng = random.Random(7)
        now = self.clock()
        for index in range(64):
            self.cases[1000 + index] = self.make(1000 + index, index, now, rng)

    def make(self, case_id: int, index: int, now: datetime, rng: random.Random) -> CaseView:
        label, text = TEXTS[(index * 3 + index // 7) % len(TEXTS)]
        text = text.replace("{n}", str(rng.randrange(10000, 99999)))
        name = NAMES[(index * 5) % len(NAMES)]
        title = ""
        if self.hostile:
            text = HOSTILE[index % len(HOSTILE)]
            name, title = f"{text[:60]}", text[:80]
        channel = CHANNELS[index % len(CHANNELS)]
        due = now + timedelta(minutes=-14 + index * 3)
        at = due - timedelta(minutes=60)
        priority = "urgent" if index < 6 else "high" if index < 12 else "normal"
        status = (
            ("open" if index % 3 else "new")
            if index < 48
            else ("waiting", "snoozed", "resolved")[index % 3]
        )
        owner = (None, "noor", None, "sam", "mika")[index % 5]
        row = CaseRow(
            id=case_id, version=1, brand_id=1, brand="Fernweh Coffee", channel=channel, name=name,
            handle=name.lower().replace(" ", "")[:40], headline=text, label=label, status=status,
            priority=priority, owner=owner, owner_id={"sam": 1, "noor": 2, "mika": 3}.get(owner or ""),
            opened_at=at, last_inbound_at=at, due_at=due, is_breached=due < now,
            mentions=2 if index % 6 == 4 else 1, reply_state="failed" if index == 5 else None,
            copies=12 if index == 8 else 0,
        )  # fmt: skip
        return self.view(row, text, title, at)

    def view(self, row: CaseRow, text: str, title: str, at: datetime) -> CaseView:
        cues = (
            (Cue("complaint", "nobody answers"), Cue("question", "can i"))
            if row.id % 2 == 0
            else ()
        )
        url = f"https://social.example/@{row.handle[:12]}/{row.id}"
        first = Entry(
            "mention", row.id * 10, at, row.name, text, title, url, row.label, None,
            "unscored_language" if row.label is None else "scored",
            {"negative": -0.62, "positive": 0.71, "neutral": 0.0}.get(row.label or ""), cues=cues,
            rating=1.0 if row.channel == "trustpilot" else None,
        )  # fmt: skip
        event = Entry("event", row.id * 10 + 1, at, "earmark", "Opened: the tone is negative")
        entries: tuple[Entry, ...] = (first, event)
        if row.mentions > 1:
            entries += (
                Entry(
                    "mention",
                    row.id * 10 + 2,
                    at + timedelta(minutes=9),
                    row.name,
                    "Hello? Still waiting for an answer here.",
                    "",
                    url,
                    "negative",
                    None,
                    "scored",
                    -0.3,
                ),
            )
        if row.reply_state == "failed":
            entries += (
                Entry(
                    "reply",
                    row.id * 10 + 3,
                    at + timedelta(minutes=20),
                    "noor",
                    f"Hi {row.name.split()[0]}, so sorry about this. A replacement is on its way.",
                    state="failed",
                    error="The server refused the reply: the post was deleted.",
                    error_hint="Look at the thread, then try again or cancel.",
                ),
            )
        if row.id % 4 == 2:
            entries += (
                Entry(
                    "note",
                    row.id * 10 + 4,
                    at + timedelta(minutes=25),
                    "mika",
                    "Same courier as last week, see the incident list.",
                ),
            )
        history = tuple(
            Entry("mention", row.id * 10 + 5 + n, at - timedelta(days=3 * n + 2), row.name, words, label=tone)
            for n, (tone, words) in enumerate(
                (("negative", "Waited 40 minutes on chat, then got disconnected."), ("neutral", "Has anyone compared this with the other brand?"), ("positive", "Support sorted my order in one call. Impressed."))
            )
        ) if row.id % 3 else ()  # fmt: skip
        contact = ContactView(
            row.name,
            row.handle,
            row.channel,
            f"https://social.example/@{row.handle[:12]}",
            122 + row.id % 900,
            row.id % 5 == 0,
            history,
        )
        why = ("The tone is negative (81 % sure).", "Asks for an answer.")
        reasons = ("Urgent: the answer is late.",) if row.priority == "urgent" else ()
        last = [entry for entry in entries if entry.kind == "mention"][-1]
        return CaseView(
            row, why, reasons, entries, contact, last.id, 1, url, "", "Mastodon #fernweh", None,
            made_copies(row, text, at) if row.copies else None,
        )  # fmt: skip

    def get(self, case_id: int) -> CaseView:
        if case_id not in self.cases:
            raise UnknownCase(subject=f"case {case_id}", hint="It may have been removed.")
        return self.cases[case_id]

    def change(self, case_id: int, version: int | None, what: str, **changes: Any) -> CaseView:
        if self.fail is not None:
            raise self.fail
        view = self.get(case_id)
        if version is not None and version != view.case.version:
            raise CaseChanged(subject=f"case {case_id}", hint="Look again.")
        row = replace(view.case, version=view.case.version + 1, **changes)
        event = Entry("event", 900000 + self.counter, self.clock(), "sam", what)
        self.cases[case_id] = replace(view, case=row, entries=(*view.entries, event))
        self.counter += 1
        return self.cases[case_id]

    def add(self, case_id: int, entry: Entry, **changes: Any) -> None:
        view = self.get(case_id)
        row = replace(view.case, version=view.case.version + 1, **changes)
        last = entry.id if entry.kind == "mention" else view.last_mention_id
        self.cases[case_id] = replace(
            view, case=row, entries=(*view.entries, entry), last_mention_id=last
        )
        self.counter += 1


def made_copies(row: CaseRow, text: str, at: datetime) -> Copies:
    """The copies of a case, of which the first three are listed one by one."""
    rows = tuple(
        Copy(
            row.id * 100 + n,
            at + timedelta(hours=n),
            who,
            channel,
            f"{text} ({n})",
            f"https://social.example/copy/{n}",
            n == 3,
        )
        for n, who, channel in (
            (1, "@copycat", "bluesky"),
            (2, "@echo", "feed"),
            (3, "@gone", "mastodon"),
        )
    )
    return Copies(row.id * 10, row.copies, 9, rows[0].at, at + timedelta(days=1), rows)


def folded(entries: list[Entry]) -> list[Entry]:
    """One entry for each group of copies, the oldest, with how many stand behind it."""
    groups: dict[int, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.copy_group_id or -entry.id, []).append(entry)
    return [replace(group[-1], copies=len(group) - 1) for group in groups.values()]


def heard(desk: FakeDesk, view: CaseView, entry: Entry) -> Entry:
    """What Mentions is given beside what a thread shows: language, topics, stars, judgements."""
    number = entry.id // 10
    delivery = AspectRow("Service", "Delivery", "negative", None, "order")
    screen = AspectRow("Product", "Screen", "positive", None, "screen")
    by_text = {"courier": (delivery,), "order": (delivery, screen), "app": (screen,)}
    aspects = next((named for word, named in by_text.items() if word in entry.text), ())
    return replace(
        entry,
        channel=view.case.channel,
        lang="en" if entry.label else ("ru", "de")[number % 2],
        lang_confidence=0.97,
        model_id="head-1" if entry.label else "",
        aspects=aspects,
        is_conflict=entry.label == "positive" and number % 3 == 0,
        copy_group_id=77 if desk.copied and number % 8 == 3 else None,
        rating=1.0 if entry.label == "positive" and number % 3 == 0 else entry.rating,
        is_relevant=entry.id not in desk.irrelevant,
        human_label=desk.labels.get(entry.id),
    )


class FakeCases:
    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def claim(self, actor: Actor, case_id: int, version: int | None = None) -> None:
        owner = self.desk.get(case_id).case.owner
        if owner not in {None, actor.name}:
            raise CaseTaken(f"{owner} holds this case.", hint="Ask them, or assign it to yourself.")
        self.desk.change(
            case_id, version, "Claimed", owner=actor.name, owner_id=actor.person_id, status="open"
        )

    def assign(self, actor: Actor, case_id: int, person_id: int | None, version: int) -> None:
        owner = {person.id: person.name for person in PEOPLE}.get(person_id or 0)
        self.desk.change(case_id, version, f"Assigned to {owner}", owner=owner, owner_id=person_id)

    def snooze(self, actor: Actor, case_id: int, until: datetime, version: int) -> None:
        self.desk.change(case_id, version, "Snoozed", status="snoozed")
        self.desk.log.append(("snooze", case_id, until))

    def resolve(self, actor: Actor, case_id: int, version: int, resolution: str = "") -> None:
        self.desk.change(case_id, version, "Resolved", status="resolved")

    def dismiss(self, actor: Actor, case_id: int, version: int, reason: str) -> None:
        self.desk.change(case_id, version, f"Dismissed: {reason}", status="dismissed")

    def reopen(self, actor: Actor, case_id: int, version: int) -> None:
        self.desk.change(case_id, version, "Reopened", status="open")

    def note(self, actor: Actor, case_id: int, body: str) -> None:
        self.desk.add(
            case_id, Entry("note", 800000 + self.desk.counter, self.desk.clock(), actor.name, body)
        )

    def correct(self, actor: Actor, mention_id: int, label: Label) -> None:
        view = self.desk.get(mention_id // 10)
        entries = tuple(
            replace(e, human_label=str(label)) if e.id == mention_id else e for e in view.entries
        )
        self.desk.cases[view.case.id] = replace(
            view, entries=entries, case=replace(view.case, label=str(label))
        )
        self.desk.counter += 1

    def set_priority(self, actor: Actor, case_id: int, priority: Priority, version: int) -> None:
        self.desk.change(case_id, version, f"Priority {priority}", priority=str(priority))

    def save_draft(self, actor: Actor, case_id: int, body: str) -> None:
        self.desk.cases[case_id] = replace(self.desk.get(case_id), draft=body)
        self.desk.log.append(("draft", case_id, body))


class FakeReplies:
    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def send(
        self,
        actor: Actor,
        case_id: int,
        body: str,
        seen_mention_id: int | None,
        version: int,
        *,
        copy_id: int | None = None,
    ) -> None:
        if self.desk.fail is not None:
            raise self.desk.fail
        view = self.desk.get(case_id)
        if seen_mention_id != view.last_mention_id:
            raise CaseChanged(
                "The customer wrote again after you opened this.", hint="Read it, then send."
            )
        entry = Entry(
            "reply",
            700000 + self.desk.counter,
            self.desk.clock(),
            actor.name,
            body,
            state="approved",
        )
        self.desk.add(case_id, entry, reply_state="approved")
        self.desk.cases[case_id] = replace(self.desk.cases[case_id], draft="")
        to_copy = () if copy_id is None else (copy_id,)
        self.desk.log.append(("send", case_id, body, seen_mention_id, *to_copy))

    def confirm_posted(self, actor: Actor, reply_id: int, url: str = "") -> None:
        self._turn(reply_id, "confirmed")

    def confirm_by_hand(
        self, actor: Actor, case_id: int, body: str, url: str = "", *, copy_id: int | None = None
    ) -> None:
        self.desk.add(
            case_id,
            Entry(
                "reply",
                700000 + self.desk.counter,
                self.desk.clock(),
                actor.name,
                body,
                url=url,
                state="confirmed",
            ),
        )
        self.desk.log.append(
            ("posted", case_id, body, url, *(() if copy_id is None else (copy_id,)))
        )

    def _turn(self, reply_id: int, state: str) -> None:
        for case_id, view in list(self.desk.cases.items()):
            if any(entry.id == reply_id for entry in view.entries):
                entries = tuple(
                    replace(e, state=state, error="", error_hint="") if e.id == reply_id else e
                    for e in view.entries
                )
                self.desk.cases[case_id] = replace(view, entries=entries)
        self.desk.counter += 1

    def approve(self, actor: Actor, reply_id: int) -> None:
        self._turn(reply_id, "approved")

    def cancel(self, actor: Actor, reply_id: int) -> None:
        self._turn(reply_id, "cancelled")

    def retry(self, actor: Actor, reply_id: int) -> None:
        self._turn(reply_id, "approved")


class FakeViews:
    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def _all(
        self, view: str, brand_id: int | None, channel: str | None, search: str
    ) -> list[CaseRow]:
        active = {"new", "open"}
        tests: dict[str, Callable[[CaseRow], bool]] = {
            "needs_reply": lambda row: row.status in active,
            "mine": lambda row: row.owner == "sam" and row.status in active,
            "unassigned": lambda row: row.owner is None and row.status in active,
            "urgent": lambda row: row.priority == "urgent" and row.status in active,
            "waiting": lambda row: row.status == "waiting",
            "snoozed": lambda row: row.status == "snoozed",
            "approval": lambda row: row.reply_state == "awaiting_approval",
            "resolved": lambda row: row.status in {"resolved", "dismissed"},
            "all": lambda row: True,
        }
        rows = [view_.case for view_ in self.desk.cases.values() if tests[view](view_.case)]
        rows = [row for row in rows if channel in {None, row.channel}]
        words = search.lower()
        return [row for row in rows if words in f"{row.headline} {row.name}".lower()]

    def inbox(
        self,
        actor: Actor,
        view: str = "needs_reply",
        *,
        brand_id: int | None = None,
        channel: str | None = None,
        label: str | None = None,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
    ) -> InboxPage:
        self.desk.queries += 1
        rows = self._all(view, brand_id, channel, search)
        rows.sort(
            key=lambda row: (-Priority(row.priority).rank, row.due_at or row.opened_at, row.id)
        )
        start = int(after or 0)
        more = str(start + limit) if len(rows) > start + limit else None
        return InboxPage(tuple(rows[start : start + limit]), more)

    def counts(self, actor: Actor, brand_id: int | None = None) -> Mapping[str, int]:
        names = (
            "needs_reply",
            "mine",
            "unassigned",
            "urgent",
            "waiting",
            "snoozed",
            "approval",
            "resolved",
            "all",
        )
        return {name: len(self._all(name, brand_id, None, "")) for name in names}

    def case(self, actor: Actor, case_id: int) -> CaseView:
        return self.desk.get(case_id)

    def people(self, actor: Actor) -> Sequence[PersonRow]:
        return PEOPLE

    def saved_replies(self, actor: Actor, brand_id: int) -> Sequence[SavedReplyRow]:
        return (
            SavedReplyRow(
                1,
                "Sorry, and a refund",
                "Hi {first_name}, so sorry about this. We have refunded you.",
            ),
            SavedReplyRow(
                2,
                "Ask for the order",
                "Hi {first_name}, is it order {order number} that this is about?",
            ),
        )

    def outbox(self, actor: Actor, **_more: Any) -> Sequence[ReplyRow]:
        at = self.desk.clock() - timedelta(minutes=20)
        hostile = (
            HOSTILE[3]
            if self.desk.hostile
            else "Hi Omar, so sorry about this. A replacement is on its way."
        )
        return (
            ReplyRow(
                10053,
                1005,
                "failed",
                hostile,
                "bluesky",
                "Omar Casta",
                "noor",
                at,
                at,
                3,
                "The server refused the reply.",
                "Look at the thread, then try again.",
                "",
            ),
            ReplyRow(
                10093,
                1009,
                "awaiting_approval",
                "We are looking into it.",
                "mastodon",
                "Tomas Varga",
                "noor",
                at,
                at,
                0,
                "",
                "",
                "",
            ),
            ReplyRow(
                10113,
                1011,
                "confirmed",
                "Thank you for the kind words!",
                "mastodon",
                "Jun Aldana",
                "sam",
                at,
                at,
                1,
                "",
                "",
                "https://social.example/@us/1",
            ),
        )

    def mentions(
        self,
        actor: Actor,
        brand_id: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        label: str | None = None,
        channel: str | None = None,
        status: str | None = None,
        topic: tuple[str, str] | None = None,
        is_relevant: bool | None = None,
        conflict: bool = False,
        search: str = "",
        after: str | None = None,
        limit: int = 50,
        fold: bool = False,
        copies_of: int | None = None,
    ) -> MentionPage:
        self.desk.log.append(("mentions", brand_id, start, end, label))
        entries = [
            heard(self.desk, view, entry)
            for view in self.desk.cases.values()
            for entry in view.entries
            if entry.kind == "mention"
        ]
        terms = {"status": status, "topic": topic, "channel": channel, "search": search}
        self.desk.log.append(("narrowed", is_relevant, conflict, after, terms))
        if channel:
            entries = [entry for entry in entries if entry.channel == channel]
        if label:
            entries = [entry for entry in entries if entry.label == label]
        if status == "unscored":
            entries = [entry for entry in entries if entry.score_status != "scored"]
        elif status:
            entries = [entry for entry in entries if entry.score_status == status]
        if topic:
            entries = [
                entry
                for entry in entries
                if topic in {(one.area, one.topic) for one in entry.aspects}
            ]
        entries = [entry for entry in entries if entry.is_relevant is (is_relevant is not False)]
        if conflict:
            entries = [entry for entry in entries if entry.is_conflict]
        words = search.lower()
        entries = [entry for entry in entries if words in f"{entry.title} {entry.text}".lower()]
        entries.sort(key=lambda entry: (entry.at, entry.id), reverse=True)
        if copies_of is not None:
            entries = [entry for entry in entries if entry.copy_group_id == copies_of]
        if fold and not search:
            entries = folded(entries)
        first = int(after or 0)
        more = str(first + limit) if len(entries) > first + limit else None
        return MentionPage(tuple(entries[first : first + limit]), more)

    def scored_counts(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Mapping[str, int]:
        return {"scored": 2450, "unscored_language": 9, "unscored_empty": 3}

    def change_counter(self, actor: Actor) -> str:
        return str(self.desk.counter)


class FakeTrends:
    def __init__(self, clock: Callable[[], datetime], desk: FakeDesk | None = None) -> None:
        self.clock = clock
        self.desk = desk

    @property
    def is_mixed(self) -> bool:
        return self.desk is not None and self.desk.mixed

    def markers(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[Marker]:
        now = self.clock()
        made = (
            Marker(now - timedelta(days=12, hours=4), "model", "head-1", "head-1+b2", 0, 0, {}, "sam"),
            Marker(now - timedelta(days=3), "rescore", "head-1", "head-1+b2", 4000, 120, {"negative -> neutral": 120}, "sam"),
        )  # fmt: skip
        return tuple(one for one in made if self.is_mixed and start <= one.at < end)

    def _tally(self, at: datetime, scale: float = 1.0) -> Tally:
        rng = random.Random(int(at.timestamp()) // 3600)
        days = (self.clock() - at).days
        bad = 34 if 20 <= days <= 24 else 0
        parts = [
            round(scale * value)
            for value in (
                rng.randrange(8, 15) + bad,
                rng.randrange(22, 40),
                rng.randrange(24, 36),
                rng.randrange(1, 5),
            )
        ]
        return Tally(sum(parts), *parts)

    def series(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime, step: str = "day"
    ) -> Sequence[TrendPoint]:
        size = timedelta(days=1) if step == "day" else timedelta(hours=1)
        at = start.replace(minute=0, second=0, microsecond=0)
        at = at.replace(hour=0) if step == "day" else at
        points = []
        while at < end:
            points.append(TrendPoint(at, self._tally(at, 1.0 if step == "day" else 0.1)))
            at += size
        return points

    def summary(self, actor: Actor, brand_id: int, start: datetime, end: datetime) -> TrendSummary:
        points = self.series(actor, brand_id, start, end)
        total = Tally(
            *(
                sum(getattr(p.tally, name) for p in points)
                for name in ("n", "negative", "neutral", "positive", "unscored")
            )
        )
        before = replace(total, n=int(total.n * 0.9), negative=int(total.negative * 0.7))
        channels = (
            ("mastodon", replace(total, n=total.n // 2)),
            ("feed", replace(total, n=total.n // 3)),
        )
        models = (("head-1", total.n // 3), ("head-1+b2", total.n - total.n // 3))
        return TrendSummary(total, before, 0.964, channels, models if self.is_mixed else models[:1])

    def share_of_voice(
        self, actor: Actor, start: datetime, end: datetime
    ) -> Sequence[tuple[str, bool, int]]:
        return (
            ("Fernweh Coffee", False, 4210),
            ("Bean & Gone", True, 2477),
            ("Roastery Nord", True, 1466),
        )

    def by_topic(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[TopicTrend]:
        return (
            TopicTrend("Service", "Delivery", Tally(61, 38, 12, 9, 2)),
            TopicTrend("Product", "Battery", Tally(40, 27, 8, 4, 1)),
            TopicTrend("Product", "Screen", Tally(22, 2, 5, 15, 0)),
        )

    def by_hour_of_week(
        self, actor: Actor, brand_id: int, start: datetime, end: datetime
    ) -> Sequence[tuple[int, int, int]]:
        rng = random.Random(3)
        return [
            (
                day,
                hour,
                max(
                    0,
                    int(60 - 4.2 * abs(13 - hour) - (12 if day > 4 else 0) + rng.randrange(-8, 9)),
                ),
            )
            for day in range(7)
            for hour in range(24)
        ]


class FakeSources:
    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk
        self.paused: set[int] = set()

    def rows(
        self, actor: Actor, *, limit: int | None = None, named: str = ""
    ) -> Sequence[SourceRow]:
        now = self.desk.clock()
        made = (
            (1, "mastodon", "#fernweh on loopback", "healthy", "Polled and heard.", "", True),
            (
                2,
                "feed",
                "Roastery news",
                "failing",
                "Failed 4 times in a row: the server answers 503.",
                "Nothing to do yet: it is tried again on its own.",
                True,
            ),
            (
                3,
                "hackernews",
                "Stories and comments",
                "silent",
                "Nothing new for 26 h, unusual for this source.",
                "It answers, but says nothing: check the query.",
                False,
            ),
            (
                4,
                "reddit",
                "r/coffee",
                "needs reconnecting",
                "The credentials were refused.",
                "Put a new secret into env:REDDIT_SECRET, then resume.",
                False,
            ),
            (
                5,
                "feed",
                "Google News: Fernweh",
                "not polled yet",
                "The first poll is about to start.",
                "",
                False,
            ),
        )
        return [
            SourceRow(
                id=n, brand="Fernweh Coffee", brand_id=1, channel=channel,
                name=HOSTILE[n] if self.desk.hostile else name,
                state="paused" if n in self.paused else state,
                words=HOSTILE[n + 1] if self.desk.hostile else words, hint=hint,
                last_polled_at=None if n == 5 else now - timedelta(minutes=3 * n),
                last_success_at=None if n in {4, 5} else now - timedelta(minutes=3 * n),
                next_poll_at=now + timedelta(minutes=2), last_item_at=None if n > 3 else now - timedelta(hours=n),
                lag_seconds=4.0 * n, items_24h=0 if n > 3 else 180 // n, coverage_24h=None if n == 5 else 1 - n * 0.04,
                is_enabled=n not in self.paused, is_demo=demo, is_polling=n == 1, can_backfill=n == 3,
                spark=tuple((n * k * 7) % 13 for k in range(24)) if n < 4 else (0,) * 24,
            )
            for n, channel, name, state, words, hint, demo in made
        ]  # fmt: skip

    def limits(self, actor: Actor) -> Sequence[Limited]:
        at = self.desk.clock() + timedelta(minutes=5)
        name = HOSTILE[0] if self.desk.hostile else "api.social.test"
        return (Limited(name, at, f"{name} asked us to wait until {at:%H:%M} UTC."),)

    def gaps(self, actor: Actor, source_id: int, *, days: int = 7) -> Sequence[Gap]:
        at = self.desk.clock()
        reason = HOSTILE[0] if self.desk.hostile else "the poll failed: the server answers 503."
        return (Gap(at - timedelta(hours=5), at - timedelta(hours=3, minutes=20), reason),)

    def covered(self, actor: Actor, *, days: int = 7, source_id: int | None = None) -> Covered:
        return Covered(972.4, 1000.0)

    def poll_now(self, actor: Actor, source_id: int) -> int:
        self.desk.log.append(("poll_now", source_id))
        return 1

    def pause(self, actor: Actor, source_id: int) -> None:
        if actor.role < Role.manager and actor.role == Role.viewer:
            raise NotAllowed(hint="Ask a manager.")
        self.paused.add(source_id)

    def resume(self, actor: Actor, source_id: int) -> None:
        self.paused.discard(source_id)


class FakeBrands:
    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk

    def list(self, actor: Actor) -> Sequence[BrandRow]:
        demo = (
            (BrandRow(1, "Fernweh Coffee", False, True), BrandRow(2, "Bean & Gone", True, True))
            if self.desk.demo
            else ()
        )
        return ((BrandRow(3, "Northlight", False, False),) if self.desk.own else ()) + demo

    def preview(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> Sequence[Proposal]:
        if not name.strip():
            raise ConfigError("a brand needs a name")
        return (
            Proposal(
                "monitor",
                "All mentions",
                " OR ".join(f'"{one}"' for one in (name, *aliases)),
                "Every text that names the brand.",
            ),
            Proposal(
                "source",
                "News",
                f"https://news.example/rss/search?q={name}",
                "News that names the brand, as a feed.",
            ),
            Proposal("source", "Hacker News", name, "Stories and comments."),
            Proposal(
                "source", f"#{name.lower()}", "mastodon.example", "Public posts under the hashtag."
            ),
            *(
                Proposal(source.channel, source.name, str(source.options), source.covers)
                for source in elsewhere_sources((name,), exclude, elsewhere or Elsewhere())
            ),
        )

    def listen(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> int:
        self.desk.log.append(("listen", name, tuple(aliases), tuple(exclude)))
        if elsewhere and elsewhere != Elsewhere():
            self.desk.log.append(("elsewhere", elsewhere))
        self.desk.own = True
        return 3

    def remove_demo(self, actor: Actor) -> None:
        self.desk.log.append(("remove_demo",))
        self.desk.demo = False
        self.desk.own = True

    def has_demo(self) -> bool:
        return self.desk.demo


@dataclass
class FakeJudging:
    """Keeps what was said, in order, as (what, mention ids, the rest)."""

    said: list[tuple[Any, ...]] = field(default_factory=list)
    desk: FakeDesk | None = None
    known: int = 0
    """How many of the mentions had it already."""
    fail: Exception | None = None

    def _changed(self, mention_ids: Sequence[int]) -> int:
        if self.fail is not None:
            raise self.fail
        return len(mention_ids) - self.known

    def label(
        self, actor: Actor, mention_ids: Sequence[int], label: Label, *, from_sample: bool = False
    ) -> int:
        if self.desk is not None:
            self.desk.labels |= dict.fromkeys(mention_ids, str(label))
        self.said.append(("label", tuple(mention_ids), label, from_sample))
        return self._changed(mention_ids)

    def relevance(
        self, actor: Actor, mention_ids: Sequence[int], brand_id: int, *, is_relevant: bool
    ) -> int:
        if self.desk is not None and is_relevant:
            self.desk.irrelevant -= set(mention_ids)
        elif self.desk is not None:
            self.desk.irrelevant |= set(mention_ids)
        self.said.append(("relevance", tuple(mention_ids), brand_id, is_relevant))
        return self._changed(mention_ids)

    def needs_answer(self, actor: Actor, mention_ids: Sequence[int], *, needs: bool) -> int:
        self.said.append(("needs_answer", tuple(mention_ids), needs))
        return self._changed(mention_ids)

    def aspect(
        self,
        actor: Actor,
        mention_ids: Sequence[int],
        brand_id: int,
        area: str,
        topic: str,
        label: Label | None,
    ) -> int:
        self.said.append(("aspect", tuple(mention_ids), brand_id, area, topic, label))
        return self._changed(mention_ids)

    def topics(self, actor: Actor, brand_id: int) -> Sequence[tuple[str, str]]:
        return (("Product", "Battery"), ("Product", "Screen"), ("Service", "Delivery"))


def explain(_actor: Actor, mention_id: int) -> Receipt:
    words = "nobody answers, this is unacceptable and terrible"
    return Receipt(
        words,
        (ReceiptPart("unacceptable", -2.0, -2.0, (), 24, 36), ReceiptPart("terrible", -2.31, -2.1, ("capitals weigh more",), 41, 49)),
        -4.31, -0.7436,
    )  # fmt: skip


def system_now() -> datetime:
    return datetime.now(UTC)


def fake_services(desk: FakeDesk) -> Services:
    return Services(
        cases=FakeCases(desk),
        replies=FakeReplies(desk),
        views=FakeViews(desk),
        trends=FakeTrends(desk.clock, desk),
        sources=FakeSources(desk),
        brands=FakeBrands(desk),
        clock=desk.clock,
        rules_of=lambda channel: RULES.get(channel, ChannelRules()),
        actor_for=lambda _cookies: desk.actor,
        explain=explain,
        worker_heartbeat=lambda: timedelta(seconds=2),
        judging=FakeJudging(desk=desk),
        rescores=FakeRescores(),
        learning=FakeLearning(desk.clock),
        backfills=FakeBackfills(),
        keeping=FakeKeeping(),
        setup=FakeSetup(desk.clock, HOSTILE[0] if desk.hostile else ""),
        monitors=FakeMonitors(desk.clock, HOSTILE[0] if desk.hostile else ""),
        entering=FakeEntering(HOSTILE[0] if desk.hostile else ""),
    )
