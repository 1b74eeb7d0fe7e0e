"""What people say of mentions, one or many at once: tone, topic, whose it is, who must answer.

The machine's word, the rules' and the person's are all kept; the newest word of a person holds.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from earmark_core import audit, rollup
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Label, Role
from earmark_core.store import Store
from earmark_core.tables import CaseMention, Correction, Match, Mention
from earmark_queue import corrections, topics
from earmark_queue.casework import by_actor
from earmark_queue.decide import wants_answer
from earmark_queue.priority import Terms
from earmark_queue.situation import as_seen, label_of

MOST = 500
_Judge = Callable[[Session, int, datetime], bool]


class Judging:
    """Corrects mentions. Each call is one transaction over at most 500 mentions.

    Every method gives how many mentions it changed; saying the same again changes nothing. The
    role asked for is responder. A mention that is not there stops the whole call.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def label(
        self, actor: Actor, mention_ids: Sequence[int], label: Label, *, from_sample: bool = False
    ) -> int:
        """Says what the tone of mentions is; counts and cases follow.

        *from_sample* is for labels given on the page of the blind sample alone: elsewhere people
        choose what they correct.
        """

        def judge(session: Session, mention_id: int, now: datetime) -> bool:
            # Before anything is written: what is in a case is seen with its label.
            is_sample = from_sample and not _is_queued(session, mention_id)
            known = len(_said(session, mention_id))
            corrections.correct(
                self._store, session, actor, mention_id, label, now, is_sample=is_sample
            )
            return len(_said(session, mention_id)) > known

        return self._each(actor, mention_ids, judge)

    def relevance(
        self, actor: Actor, mention_ids: Sequence[int], brand_id: int, *, is_relevant: bool
    ) -> int:
        """Says that mentions are about the brand or are not; what is not counts in no figure.

        A case that stands on it stays, for a person to dismiss.
        """

        def judge(session: Session, mention_id: int, now: datetime) -> bool:
            mention = _mention(session, mention_id)
            matches = _matches(session, mention_id, brand_id)
            was = any(match.is_relevant for match in matches)
            if was is is_relevant:
                return False
            self._recount(session, mention, brand_id, matches, is_relevant=is_relevant)
            _keep(
                session,
                actor,
                mention,
                now,
                kind="relevance",
                brand_id=brand_id,
                before="relevant" if was else "irrelevant",
                after="relevant" if is_relevant else "irrelevant",
            )
            return True

        return self._each(actor, mention_ids, judge)

    def _recount(
        self,
        session: Session,
        mention: Mention,
        brand_id: int,
        matches: Sequence[Match],
        *,
        is_relevant: bool,
    ) -> None:
        was_counted = any(match.is_counted for match in matches)
        counts = is_relevant and mention.scored_at is not None
        for match in matches:
            match.is_relevant, match.is_counted = is_relevant, counts
            session.add(match)
        session.flush()
        if mention.is_own or mention.twin_of is not None or was_counted == counts:
            return
        row = rollup.Counted(
            brand_id,
            mention.channel,
            mention.happened_at,
            label_of(mention),
            mention.model_id if mention.label else "",
        )
        rollup.count(
            self._store, session, add=[row] if counts else (), take=() if counts else [row]
        )

    def needs_answer(self, actor: Actor, mention_ids: Sequence[int], *, needs: bool) -> int:
        """Says whether somebody should answer mentions; a yes gets a case, however it is scored.

        A no is kept to learn from; the case that it has stays, for a person to dismiss.
        """

        def judge(session: Session, mention_id: int, now: datetime) -> bool:
            mention = _mention(session, mention_id)
            if mention.human_needs_answer is needs:
                return False
            machine = bool(wants_answer(as_seen(mention, None), Terms()))
            mention.human_needs_answer = needs
            if needs and not _is_queued(session, mention_id):
                mention.decided_at = None
            session.add(mention)
            before, after = ("yes" if each else "no" for each in (machine, needs))
            _keep(session, actor, mention, now, kind="needs_answer", before=before, after=after)
            return True

        return self._each(actor, mention_ids, judge)

    def aspect(
        self,
        actor: Actor,
        mention_ids: Sequence[int],
        brand_id: int,
        area: str,
        topic: str,
        label: Label | None,
    ) -> int:
        """Says what mentions find of a topic of the brand; None: they do not speak of it."""

        def judge(session: Session, mention_id: int, now: datetime) -> bool:
            mention = _mention(session, mention_id)
            _matches(session, mention_id, brand_id)
            topics.known(session, brand_id, area, topic)
            said = topics.say(session, mention, brand_id, (area, topic), label)
            if said is None:
                return False
            before, after = said
            _keep(
                session,
                actor,
                mention,
                now,
                kind="aspect",
                brand_id=brand_id,
                before=before,
                after=f"{area} > {topic}: {after}",
            )
            return True

        return self._each(actor, mention_ids, judge)

    def topics(self, actor: Actor, brand_id: int) -> tuple[tuple[str, str], ...]:
        """Gives the brand's topics as (area, topic), in alphabetical order."""
        require(actor, Role.viewer, "see topics")
        with self._store.read() as session:
            return topics.names_of(session, brand_id)

    def _each(self, actor: Actor, mention_ids: Sequence[int], judge: _Judge) -> int:
        require(actor, Role.responder, "correct a mention")
        ids = sorted(set(mention_ids))
        if len(ids) > MOST:
            raise EarmarkError(
                f"At most {MOST} mentions are corrected at once.",
                subject=f"{len(ids)} mentions",
                hint="Choose fewer.",
            )
        with self._store.write() as session:
            now = self._clock()
            return sum(judge(session, mention_id, now) for mention_id in ids)


def _mention(session: Session, mention_id: int) -> Mention:
    found = session.exec(select(Mention).where(Mention.id == mention_id).with_for_update()).first()
    if found is None:
        raise EarmarkError(
            "There is no such mention.",
            subject=f"mention {mention_id}",
            hint="Look at the mentions again.",
        )
    return found


def _matches(session: Session, mention_id: int, brand_id: int) -> Sequence[Match]:
    found = session.exec(
        select(Match).where(Match.mention_id == mention_id, Match.brand_id == brand_id)
    ).all()
    if not found:
        raise EarmarkError(
            "This mention does not match the brand.",
            subject=f"mention {mention_id}",
            hint="Look at the mentions again.",
        )
    return found


def _is_queued(session: Session, mention_id: int) -> bool:
    query = select(CaseMention.case_id).where(CaseMention.mention_id == mention_id).limit(1)
    return session.exec(query).first() is not None


def _said(session: Session, mention_id: int) -> list[str]:
    query = select(Correction.label).where(
        Correction.mention_id == mention_id, Correction.kind == "label"
    )
    return list(session.exec(query.order_by(col(Correction.id))).all())


def _keep(
    session: Session,
    actor: Actor,
    mention: Mention,
    now: datetime,
    *,
    kind: str,
    before: str,
    after: str,
    brand_id: int | None = None,
) -> None:
    session.add(
        Correction(
            mention_id=mention.id or 0,
            kind=kind,
            brand_id=brand_id,
            machine_label=before or None,
            label=after,
            model_id=mention.model_id,
            by=actor.name,
            at=now,
        )
    )
    audit.record(
        session,
        at=now,
        by=by_actor(actor),
        action=f"correct {kind.replace('_', ' ')}",
        subject="mention",
        subject_id=mention.id or 0,
        before={kind: before},
        after={kind: after, **({"brand_id": brand_id} if brand_id else {})},
    )
