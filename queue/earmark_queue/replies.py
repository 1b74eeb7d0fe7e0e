"""What people do with replies: write, send, approve, take back, try again, confirm by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, func, select

from earmark_core.access import may, require
from earmark_core.clock import Clock
from earmark_core.errors import ReplyError
from earmark_core.model import Actor, Delivery, Role
from earmark_core.store import Store
from earmark_core.tables import Case, Draft, Mention, Reply
from earmark_core.text import fingerprint, safe_link
from earmark_listeners.contract import ChannelRules
from earmark_queue import claims, composing, copied
from earmark_queue.casework import answered, by_actor, hold, key
from earmark_queue.delivery import bond, in_flight, move, tell_created
from earmark_queue.guards import mind_owner, nothing_new
from earmark_queue.reply_guards import author_or_approver, busy, hold_both, same_or_busy

UNDO = timedelta(seconds=10)
_TAKE_BACK = (
    Delivery.draft,
    Delivery.awaiting_approval,
    Delivery.approved,
    Delivery.scheduled,
    Delivery.failed,
    Delivery.needs_human,
)
_STUCK = (Delivery.failed, Delivery.needs_human)


class Replies:
    """Takes replies from people as far as the outbox.

    *undo* is how long an approved reply waits before it leaves, so that it can be taken back.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rules_of: Callable[[str], ChannelRules],
        *,
        undo: timedelta = UNDO,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules_of = rules_of
        self._undo = undo

    def draft(
        self, actor: Actor, case_id: int, body: str, seen_mention_id: int, seen_revision: int
    ) -> int:
        """Keeps a reply that is not to go out yet, and gives its id; it replaces older drafts.

        Raises:
            CaseChanged: the thread is not what the author saw any more.
            ReplyError: another reply to this case is on its way, or the channel would refuse it.
        """
        require(actor, Role.responder, "write a reply")
        with self._store.write() as session:
            case = hold(session, case_id)
            mind_owner(session, actor, case)
            words = composing.words_of(body, case_id)
            there = in_flight(session, case_id)
            if there is not None:
                return same_or_busy(there, words)
            mention = composing.seen_target(session, case, seen_mention_id, seen_revision)
            return key(self._write(session, actor, case, mention, words))

    def send(
        self,
        actor: Actor,
        case_id: int,
        body: str,
        seen_mention_id: int | None,
        version: int,
        *,
        copy_id: int | None = None,
    ) -> int:
        """Sends a reply after the undo window, or hands it to an approver; gives its id.

        It answers the newest mention, or the copy with *copy_id*. An unclaimed case becomes the
        author's. The same words again while they are on their way give the same reply: a double
        click sends once.

        Raises:
            CaseChanged: something happened since *version* that the author has not seen.
            CaseTaken: somebody else is answering.
            ReplyError: another reply to this case is on its way, or the channel would refuse it.
        """
        require(actor, Role.responder, "send a reply")
        with self._store.write() as session:
            case = hold(session, case_id)
            mind_owner(session, actor, case)
            words = composing.words_of(body, case_id)
            there = in_flight(session, case_id)
            if there is not None:
                return same_or_busy(there, words)
            nothing_new(session, actor, case, version)
            mention = composing.seen_target(session, case, seen_mention_id, None, copy_id)
            reply = self._write(session, actor, case, mention, words)
            if case.owner_id is None:
                claims.take(session, actor, case_id, None, self._clock())
            _forget_typing(session, actor, case_id)
            if composing.needs_approval(session, case.brand_id) and not may(actor, Role.approver):
                by = by_actor(actor)
                move(session, reply, Delivery.awaiting_approval, at=self._clock(), by=by)
            else:
                self._approve(session, actor, reply)
            return key(reply)

    def approve(self, actor: Actor, reply_id: int) -> None:
        """Lets a reply out after the undo window; the approval holds for these very words.

        Raises:
            CaseChanged: the thread is not what the author saw any more.
        """
        require(actor, Role.approver, "approve a reply")
        with self._store.write() as session:
            case, reply = hold_both(session, reply_id)
            there = in_flight(session, key(case))
            if there is not None and there.id != reply.id:
                raise busy(there)
            is_copy = reply.mention_id != reply.seen_mention_id
            mention = composing.seen_target(
                session,
                case,
                reply.seen_mention_id,
                reply.seen_revision,
                reply.mention_id if is_copy else None,
            )
            rules = self._rules_of(mention.channel)
            composing.fits(rules, reply.body, mention)
            composing.may_answer(session, rules, mention, self._clock())
            self._approve(session, actor, reply)

    def cancel(self, actor: Actor, reply_id: int) -> None:
        """Takes a reply back that has not left.

        Raises:
            ReplyError: it is on its way or out already.
        """
        require(actor, Role.responder, "take back a reply")
        with self._store.write() as session:
            _, reply = hold_both(session, reply_id)
            author_or_approver(actor, reply)
            if reply.state not in _TAKE_BACK:
                raise ReplyError(
                    f"It is too late to take this reply back: it is {reply.state}.",
                    subject=f"reply {reply_id}",
                )
            move(session, reply, Delivery.cancelled, at=self._clock(), by=by_actor(actor))

    def retry(self, actor: Actor, reply_id: int) -> None:
        """Sends a failed or doubtful reply again, under its old key.

        Where the channel lets us look, the outbox looks for the reply first all the same.
        """
        require(actor, Role.responder, "retry a reply")
        with self._store.write() as session:
            case, reply = hold_both(session, reply_id)
            author_or_approver(actor, reply)
            if reply.state not in _STUCK:
                raise ReplyError(
                    f"Only a failed or doubtful reply can be tried again; this one is "
                    f"{reply.state.replace('_', ' ')}.",
                    subject=f"reply {reply_id}",
                )
            there = in_flight(session, key(case))
            if there is not None:
                raise busy(there)
            now = self._clock()
            values = {"not_before": now, "attempts": 0, "looks": 0}
            move(session, reply, Delivery.approved, at=now, by=by_actor(actor), values=values)

    def confirm_by_hand(
        self, actor: Actor, case_id: int, body: str, url: str = "", *, copy_id: int | None = None
    ) -> int:
        """Records that a person posted these words at the source; gives the reply's id.

        They answer the newest mention, or the copy with *copy_id*.
        """
        require(actor, Role.responder, "confirm a reply")
        with self._store.write() as session:
            case = hold(session, case_id)
            mind_owner(session, actor, case)
            words = composing.words_of(body, case_id)
            there = in_flight(session, case_id)
            if there is not None:
                raise busy(there)
            mention = session.get_one(Mention, case.last_mention_id)
            if copy_id is not None:
                mention = copied.chosen(session, case, copy_id)
            now = self._clock()
            reply = self._new(session, actor, case, mention, words)
            reply.state = Delivery.confirmed
            reply.is_by_hand = True
            reply.remote_url = safe_link(url)
            reply.sent_at = now
            session.add(reply)
            session.flush()
            tell_created(session, reply, at=now, by=by_actor(actor))
            _forget_typing(session, actor, case_id)
            if case.owner_id is None:
                claims.take(session, actor, case_id, None, now)
                case = hold(session, case_id)
            answered(session, case, at=now, by=by_actor(actor), reply_id=key(reply))
            return key(reply)

    def confirm_posted(self, actor: Actor, reply_id: int, url: str = "") -> None:
        """Records that a doubtful or failed reply is out after all: a person saw it."""
        require(actor, Role.responder, "confirm a reply")
        with self._store.write() as session:
            case, reply = hold_both(session, reply_id)
            author_or_approver(actor, reply)
            now = self._clock()
            was_out = bool(reply.sent_at)
            values = {
                "remote_url": safe_link(url) or reply.remote_url,
                "sent_at": reply.sent_at or now,
            }
            by = by_actor(actor)
            if reply.state not in _STUCK:
                raise ReplyError("Nothing is in doubt here.", subject=f"reply {reply_id}")
            move(session, reply, Delivery.confirmed, at=now, by=by, values=values)
            if not was_out:
                answered(session, case, at=now, by=by, reply_id=reply_id)

    def _write(
        self, session: Session, actor: Actor, case: Case, mention: Mention, words: str
    ) -> Reply:
        rules = self._rules_of(mention.channel)
        composing.fits(rules, words, mention)
        composing.may_answer(session, rules, mention, self._clock())
        _replace_drafts(session, actor, case, self._clock())
        reply = self._new(session, actor, case, mention, words)
        tell_created(session, reply, at=self._clock(), by=by_actor(actor))
        return reply

    def _new(
        self, session: Session, actor: Actor, case: Case, mention: Mention, words: str
    ) -> Reply:
        count = session.exec(select(func.count()).where(Reply.case_id == case.id)).one()
        now = self._clock()
        reply = Reply(
            case_id=key(case),
            source_id=mention.source_id,
            channel=mention.channel,
            mention_id=key(mention),
            seen_mention_id=case.last_mention_id,
            seen_revision=mention.revision,
            target_ref=dict(mention.reply_ref),
            body=words,
            state=Delivery.draft,
            # Made from what is answered: the same intent has the same key after a restart.
            idempotency_key=fingerprint(
                "reply", str(case.id), str(count), str(mention.source_id), mention.external_id
            ),
            by=actor.name,
            by_person_id=actor.person_id,
            created_at=now,
            updated_at=now,
        )
        session.add(reply)
        session.flush()
        return reply

    def _approve(self, session: Session, actor: Actor, reply: Reply) -> None:
        now = self._clock()
        values = {
            "approved_hash": bond(reply.body, reply.source_id, reply.target_ref),
            "approved_by": actor.name,
            "not_before": now + self._undo,
        }
        move(session, reply, Delivery.approved, at=now, by=by_actor(actor), values=values)


def _replace_drafts(session: Session, actor: Actor, case: Case, now: datetime) -> None:
    drafts = session.exec(
        select(Reply).where(Reply.case_id == case.id, Reply.state == Delivery.draft)
    ).all()
    for old in drafts:
        reason = "a newer draft took its place"
        move(session, old, Delivery.cancelled, at=now, by=by_actor(actor), reason=reason)


def _forget_typing(session: Session, actor: Actor, case_id: int) -> None:
    session.execute(
        delete(Draft).where(col(Draft.case_id) == case_id, col(Draft.person_id) == actor.person_id)
    )
