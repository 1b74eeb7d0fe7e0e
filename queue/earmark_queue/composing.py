"""What is checked before words may go out: the channel's rules, placeholders, the thread."""

import re
from datetime import datetime

from sqlmodel import Session, col, select

from earmark_core.errors import CaseChanged, ReplyError
from earmark_core.model import Delivery
from earmark_core.tables import Case, Mention, Policy, Reply
from earmark_core.text import clean
from earmark_listeners.contract import ChannelRules
from earmark_queue import copied
from earmark_queue.casework import literals

_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,40}\}")
_OUT = literals((Delivery.sent, Delivery.confirmed))


def words_of(body: str, case_id: int) -> str:
    """Gives the words as they will go out; refuses none, and placeholders left unfilled."""
    words = clean(body).strip()
    subject = f"case {case_id}"
    if not words:
        raise ReplyError("There is nothing to send yet.", subject=subject, hint="Write a reply.")
    unfilled = _PLACEHOLDER.search(words)
    if unfilled:
        raise ReplyError(
            f"{unfilled.group()} is not filled in.",
            subject=subject,
            hint="Replace it by what it stands for, or take it out.",
        )
    return words


def fits(rules: ChannelRules, words: str, mention: Mention) -> None:
    """Refuses words that the channel would refuse or cut as an answer to this mention."""
    subject = f"mention {mention.id}"
    if not rules.can_reply:
        raise ReplyError(
            f"{mention.channel} takes no replies from earmark.",
            subject=subject,
            hint="Copy the text, post it there, then confirm that it is posted.",
        )
    misfit = rules.misfit(words)
    if misfit:
        over = rules.length_of(words) - (rules.max_length or 0)
        hint = f"Shorten it by {over}; nothing is ever cut silently."
        is_over = rules.max_length is not None and over > 0
        raise ReplyError(misfit, subject=subject, hint=hint if is_over else "Change its length.")


def may_answer(session: Session, rules: ChannelRules, mention: Mention, now: datetime) -> None:
    """Refuses a mention that is gone, too old for the channel, or has its one answer.

    Where that answer may be changed, an item that was edited since may be answered anew.
    """
    subject = f"mention {mention.id}"
    if mention.gone_at is not None:
        raise ReplyError("What was to be answered is gone.", subject=subject)
    if rules.reply_window is not None and now > mention.happened_at + rules.reply_window:
        raise ReplyError(
            f"{mention.channel} takes replies for {rules.reply_window.days} days only.",
            subject=subject,
            hint="Reach the person another way, then resolve the case.",
        )
    if not rules.one_reply_per_item:
        return
    out = select(Reply.id).where(Reply.mention_id == mention.id, col(Reply.state).in_(_OUT))
    if rules.can_edit:
        out = out.where(col(Reply.seen_revision) >= mention.revision)
    if session.exec(out).first() is not None:
        raise ReplyError(
            f"{mention.channel} takes one reply for each item, and this one has it.",
            subject=subject,
        )


def seen_target(
    session: Session,
    case: Case,
    mention_id: int | None,
    revision: int | None,
    copy_id: int | None = None,
) -> Mention:
    """Gives what is to be answered: the newest mention, or the copy that the author chose.

    Raises:
        CaseChanged: the author has not seen the newest, or what is answered says something else.
        ReplyError: what was chosen is no copy that belongs to the case.
    """
    mention = mention_id and session.get(Mention, mention_id, populate_existing=True)
    if not mention or case.last_mention_id != mention_id:
        raise CaseChanged(
            "The customer wrote again since this was opened.",
            subject=f"case {case.id}",
            hint="Read the new message, then send.",
        )
    if copy_id is not None:
        mention = copied.chosen(session, case, copy_id)
    not_shown_yet = mention.decided_at is None  # edited a moment ago: no page has shown it
    if not_shown_yet or (revision is not None and mention.revision != revision):
        raise CaseChanged(
            "The mention was edited since this was opened.",
            subject=f"case {case.id}",
            hint="Read what it says now, then send.",
        )
    return mention


def needs_approval(session: Session, brand_id: int) -> bool:
    """Says whether the brand wants a second person to look at each reply."""
    policy = session.exec(select(Policy).where(Policy.brand_id == brand_id)).first()
    return policy is not None and policy.needs_approval
