"""GitHub's two APIs: REST for issues and comments, GraphQL for discussions."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Malformed, Rejected, Unavailable
from earmark_core.redact import redact
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.github.options import GitHubOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import FixedToken

_NEXT: Final = re.compile(r'<([^<>\s]+)>\s*;[^,]*?\brel="?next\b')
_HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}
_NO_ENTRY: Final = frozenset(("FORBIDDEN", "INSUFFICIENT_SCOPES"))


class Server:
    """Asks GitHub, and knows who we are there."""

    def __init__(self, options: GitHubOptions, wiring: Wiring) -> None:
        token = wiring.secret(options.token) if options.token else ""
        self.has_token = bool(token)
        self.base_url = options.base_url.rstrip("/")
        tokens = FixedToken(token) if token else None
        self.api = Api(wiring.fetch, self.base_url, tokens=tokens, headers=_HEADERS)
        self._known = [account.strip().lstrip("@").lower() for account in options.accounts]
        self._memory = wiring.memory
        mark = hashlib.sha256(token.encode()).hexdigest()[:16]
        self._key = f"github own {self.base_url} {mark}"

    async def page(self, path: str, params: Mapping[str, str] | None = None) -> tuple[Any, str]:
        """Gives a decoded page, and the address of the next one ("": none)."""
        answer = await self.api.call("GET", path, params=params)
        said = self.api.read(answer)
        found = _NEXT.search(answer.headers.get("link", ""))
        following = found[1] if found else ""
        if following and urlsplit(following).netloc != urlsplit(self.base_url).netloc:
            raise Malformed("The next page lies at another server.", subject=self.base_url)
        return said, following

    async def listed(
        self, path: str, params: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Any], str]:
        """Gives a page that is a list, and the address of the next one."""
        said, following = await self.page(path, params)
        if not isinstance(said, list):
            raise Malformed("The answer is no list.", subject=self.base_url)
        return said, following

    async def graph(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Gives the data that a GraphQL query asks for."""
        said = await self.api.post(self.graph_url, json={"query": query, "variables": variables})
        return self.data(said)

    @property
    def graph_url(self) -> str:
        """Where GraphQL is asked: on an own server beside /api/v3, not below it."""
        return f"{self.base_url.removesuffix('/v3')}/graphql"

    def data(self, said: Any) -> Mapping[str, Any]:
        """Gives the data of a GraphQL answer; its errors come with HTTP 200.

        A part that is not there is null in the data, and no error here.
        """
        kinds, words = graph_errors(said)
        data = said.get("data") if isinstance(said, dict) else None
        if "RATE_LIMITED" in kinds:
            raise Unavailable(
                "The source wants fewer requests.", rate_limited=True, subject=self.base_url
            )
        if kinds & _NO_ENTRY:
            raise Rejected(
                f"GitHub does not give discussions to this token: {words}.",
                fault=Fault.forbidden,
                hint="It needs to be allowed to read discussions.",
                subject=self.base_url,
            )
        if words and kinds != {"NOT_FOUND"}:
            raise Unavailable(f"GitHub could not answer: {words}.", subject=self.base_url)
        if not isinstance(data, dict):
            raise Malformed("The answer holds no data.", subject=self.base_url)
        return data

    async def login(self) -> str:
        """Gives the login of the token's account, in small letters; "" where it has none.

        An app's token has no account; the first of `accounts` stands for it.
        """
        if not self.has_token:
            return ""
        if self._key not in self._memory:
            self._memory[self._key] = await self._asked()
        known: str = self._memory[self._key] or (self._known[0] if self._known else "")
        return known

    async def own(self) -> frozenset[str]:
        """Gives the logins, in small letters, whose words are ours."""
        return frozenset(name for name in (*self._known, await self.login()) if name)

    async def _asked(self) -> str:
        try:
            said = await self.api.get("/user")
        except Rejected as error:
            if error.fault is Fault.forbidden:
                return ""
            raise
        login = said.get("login") if isinstance(said, dict) else None
        if not isinstance(login, str):
            raise Malformed("GitHub does not say who we are.", subject=self.base_url)
        return login.lower()


def graph_errors(said: Any) -> tuple[set[str], str]:
    """Gives the kinds of the errors in a GraphQL answer, and the first one's words."""
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list) or not errors:
        return set(), ""
    parts = [error for error in errors if isinstance(error, dict)]
    kinds = {str(part.get("type", "")) for part in parts}
    words = next((str(part["message"]) for part in parts if part.get("message")), "no reason given")
    return kinds, clean(redact(words), limit=200).rstrip(".")


def says(answer: Answer) -> str:
    """Gives what a refusal says, with the reason that stands below the general words."""
    general = answer.says()
    try:
        body = answer.json()
    except (Malformed, Unavailable):
        return general
    inner = body.get("errors") if isinstance(body, dict) else None
    first = inner[0] if isinstance(inner, list) and inner else None
    detail = first.get("message") if isinstance(first, dict) else first
    return f"{general}: {clean(redact(detail), limit=200)}" if isinstance(detail, str) else general


def stamp(moment: datetime) -> str:
    """Writes a moment as GitHub takes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
