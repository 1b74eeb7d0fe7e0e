"""Answers on Reddit, and looks whether it was answered.

A refusal comes with HTTP 200 and `json.errors`, as a success does; there is no key that would
make sending again safe, so our own comments are looked through before any second try.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, ListenerError, Rejected, ReplyRefused, Unavailable
from earmark_core.text import clean
from earmark_listeners.channels.reddit.options import RedditOptions
from earmark_listeners.channels.reddit.server import PER_CALL, Server
from earmark_listeners.channels.reddit.things import Thing, page_of, read_thing
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.replying import SKEW, delivered, is_ours, taken

MAX_LENGTH: Final = 10_000
_MOST_PAGES: Final = 10
_WAIT = re.compile(r"(\d{1,4}) (millisecond|second|minute|hour)s?\b", re.ASCII)
_UNITS: Final = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3_600.0}
_LOGINS: Final = ("USER_REQUIRED", "INVALID_USER", "WRONG_PASSWORD")
_NO_MORE: Final = "It is no longer there, or no longer shown to us."


class Replying:
    """Target, send and find for one account."""

    def __init__(self, server: Server, options: RedditOptions) -> None:
        self._server = server
        self._options = options

    async def target(self, ref: Mapping[str, Any]) -> Target | Gone:
        """Gives what is answered as it stands now.

        Raises `ReplyRefused` where it is still there but takes no replies: locked or archived.
        """
        name, link_id = str(ref.get("thing_id", "")), str(ref.get("link_id", ""))
        if name.startswith("t4_"):
            entries, _ = await self._server.listing(f"/message/messages/{name[3:]}")
        else:
            entries = await self._server.by_name([each for each in (name, link_id) if each])
        found = {thing.name: thing for thing in map(read_thing, entries)}
        thing = found.get(name)
        if thing is None or thing.gone:
            return Gone(thing.gone if thing else _NO_MORE)
        for each in (thing, found.get(link_id)):
            if each is not None and (each.locked or each.archived):
                why = "locked" if each.locked else "archived"
                raise ReplyRefused(
                    f"The {each.kind} is {why}: Reddit takes no replies to it.",
                    hint="Nothing was sent. Close the case, or write to the author.",
                    subject="reddit",
                )
        edited = isinstance(thing.edited, float)
        at = datetime.fromtimestamp(float(thing.edited or 0), UTC) if edited else None
        return Target(clean(thing.words or thing.title), at)

    async def send(self, reply: Outgoing) -> Sent:
        """Posts once, in subreddits that the options name."""
        name, subreddit = str(reply.target.get("thing_id", "")), reply.target.get("subreddit")
        if not self._options.may_reply_in(str(subreddit or "")):
            raise ReplyRefused(
                f"This source does not answer in r/{subreddit}.",
                hint="Read the rules of the subreddit; if brands may answer, add it to reply_in.",
                subject="reddit",
            )
        form = {"thing_id": name, "text": reply.text, "return_rtjson": "false"}
        call = self._server.post("/api/comment", form)
        answer = await delivered(call, "reddit", judge=_judge)
        return taken(lambda: self._sent(answer.json(), reply), "reddit")

    async def find(self, reply: Outgoing) -> Sent | None:
        """Looks through what our account said since the reply was written."""
        since = as_utc(reply.created_at) - SKEW
        parent = str(reply.target.get("thing_id", ""))
        path = f"/user/{self._options.username}/comments"
        params = {"limit": str(PER_CALL)}
        if parent.startswith("t4_"):
            path = "/message/sent"
        else:
            params["sort"] = "new"
        token = ""
        for _ in range(_MOST_PAGES):
            more = {"after": token} if token else {}
            entries, token = await self._server.listing(path, **params, **more)
            things = [read_thing(entry) for entry in entries]
            for thing in things:
                if thing.parent_id == parent and is_ours(reply, thing.body, _at(thing)):
                    return Sent(thing.name, self._page(thing, reply))
            if not token or all(_at(thing) < since for thing in things):
                return None
        raise Unavailable(
            f"Our account said more since than {_MOST_PAGES * PER_CALL} comments.",
            hint="Look for the reply by hand.",
            subject="reddit",
        )

    def _sent(self, said: Any, reply: Outgoing) -> Sent:
        thing = read_as_sent(said["json"]["data"]["things"][0])
        return Sent(thing["name"], self._link(thing.get("permalink"), thing["name"], reply))

    def _page(self, thing: Thing, reply: Outgoing) -> str:
        return self._link(thing.permalink, thing.name, reply)

    def _link(self, permalink: object, name: str, reply: Outgoing) -> str:
        site = self._options.site
        if isinstance(permalink, str) and permalink.startswith("/"):
            return f"{site}{permalink}"
        parent = str(reply.target.get("thing_id", ""))
        above = str(reply.target.get("link_id", "")) or parent
        return page_of(name, above, site)


def read_as_sent(thing: Any) -> dict[str, Any]:
    """Gives the data of our new comment; raises where it has no name."""
    data: dict[str, Any] = thing["data"]
    if not isinstance(data["name"], str) or not data["name"]:
        raise ValueError("the new comment has no name")
    return data


def _judge(answer: Answer, subject: str) -> None:
    """Raises for the refusals that come with 200."""
    try:
        said = answer.json()
    except ListenerError:
        return
    inner = said.get("json") if isinstance(said, dict) else None
    errors = inner.get("errors") if isinstance(inner, dict) else None
    if not errors or not isinstance(errors, list):
        return
    codes = [str(error[0]) if isinstance(error, list) and error else "" for error in errors]
    words = "; ".join(_words(error) for error in errors[:3])
    if "RATELIMIT" in codes:
        raise Unavailable(
            f"Reddit wants us to wait before we answer again: {words}",
            retry_after=_wait(words),
            rate_limited=True,
            subject=subject,
        )
    if any(code in _LOGINS for code in codes):
        raise Rejected(
            f"Reddit does not take us for logged in ({codes[0]}).",
            fault=Fault.auth,
            hint="Give the source username and password, or a refresh token with submit.",
            subject=subject,
        )
    raise ReplyRefused(
        f"Reddit refused the reply ({', '.join(codes)}): {words}",
        hint="Change it, or answer by hand.",
        subject=subject,
    )


def _words(error: Any) -> str:
    said = error[1] if isinstance(error, list) and len(error) > 1 else error
    return clean(str(said), limit=200)


def _wait(words: str) -> timedelta | None:
    """Gives the wait that stands in the words; Reddit names it nowhere else."""
    found = _WAIT.search(words)
    seconds = float(found[1]) * _UNITS[found[2]] if found else None
    return None if seconds is None else timedelta(seconds=max(1.0, seconds))


def _at(thing: Thing) -> datetime:
    return datetime.fromtimestamp(thing.created_utc, UTC)
