"""One Mastodon server, asked with or without an access token."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from earmark_core.errors import ListenerError, Malformed, Unavailable
from earmark_core.fetch import Answer, Fetcher
from earmark_listeners.channels.mastodon.posts import Status, global_id, read_status

_UNKNOWN = frozenset({403, 404, 410})
_MAX_LOOK_UPS = 20
_CONTEXT = ("ancestors", "descendants")


class Server:
    """Asks one server; remembers who we are there."""

    def __init__(self, fetch: Fetcher, base_url: str, token: str) -> None:
        self.fetch = fetch
        self.base_url = base_url
        self.token = token
        self._own_id: str | None = None

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        """Gives the answer whatever its status."""
        url = f"{self.base_url}{path}"
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        secret = self.token or None
        return await self.fetch.request(method, url, secret=secret, headers=headers, **more)

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Gives the decoded answer; raises a `ListenerError` for any other than 2xx."""
        answer = await self.call("GET", path, params=dict(params or {}))
        return answer.checked(self.base_url).json()

    async def entries(self, path: str, params: Mapping[str, Any], key: str = "") -> Sequence[Any]:
        """Gives a page's entries, from under *key* if one is given."""
        page = await self.get(path, params)
        found = page.get(key) if key and isinstance(page, dict) else None if key else page
        if not isinstance(found, list):
            raise Malformed(
                "The answer holds no list of posts.",
                hint="Check that base_url is a Mastodon server.",
                subject=self.base_url,
            )
        return found

    async def own_id(self) -> str:
        """Gives our account's id; "" without a token, or if the token may not ask."""
        if not self.token:
            return ""
        if self._own_id is None:
            answer = await self.call("GET", "/api/v1/accounts/verify_credentials")
            if answer.status in _UNKNOWN:
                self._own_id = ""
            else:
                account = answer.checked(self.base_url).json()
                self._own_id = str(account.get("id") or "") if isinstance(account, dict) else ""
        return self._own_id

    async def context(self, status_id: str) -> tuple[list[Any], list[Any]]:
        """Gives the posts above and below a post, oldest first."""
        page = await self.get(f"{status_path(status_id)}/context")
        above, below = (page.get(key) if isinstance(page, dict) else None for key in _CONTEXT)
        if not isinstance(above, list) or not isinstance(below, list):
            raise Malformed("The thread cannot be read.", subject=self.base_url)
        return above, below


def status_path(status_id: str) -> str:
    """Gives the path of a post."""
    return f"/api/v1/statuses/{quote(status_id, safe='')}"


class Threads:
    """Finds the first post of a thread, so that all posts of a thread have one key.

    The key is the global id of the thread's first post. Where the server does not tell (the post
    above is gone, or more than 20 look-ups in one poll), it is the id of the post answered.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._roots: dict[str, str] = {}
        self._left = _MAX_LOOK_UPS

    async def root(self, status: Status) -> str:
        """Gives the key of the thread that *status* belongs to."""
        key = await self._root(status)
        self._roots[status.id] = key
        return key

    async def _root(self, status: Status) -> str:
        if not status.in_reply_to_id:
            return global_id(status, self._server.base_url)
        known = self._roots.get(status.id) or self._roots.get(status.in_reply_to_id)
        if known or self._left <= 0:
            return known or status.in_reply_to_id
        self._left -= 1
        return await self._look_up(status)

    async def _look_up(self, status: Status) -> str:
        try:
            above, below = await self._server.context(status.id)
            first = read_status(above[0]) if above else None
        except Unavailable as error:
            if error.rate_limited:
                raise
            return status.in_reply_to_id
        except ListenerError:
            return status.in_reply_to_id
        if first is None:
            return status.in_reply_to_id
        key = global_id(first, self._server.base_url)
        for raw in (*above, *below):
            if isinstance(raw, dict) and isinstance(raw.get("id"), str):
                self._roots[raw["id"]] = key
        return key
