"""One platform's JSON API: its address, who we are there, and what an answer means."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Malformed
from earmark_core.fetch import Fetcher
from earmark_core.rates import pause_after, signal_of
from earmark_listeners.oauth import NoToken, TokenSource


class Api:
    """Asks one API, and remembers what it said of its limits.

    *tokens* gives the bearer token; on a refusal for want of a good one it is renewed once and
    the request made again, which is safe because it was not carried out. *headers* go along with
    every request; `Accept: application/json` does unless they say otherwise.
    """

    def __init__(
        self,
        fetch: Fetcher,
        base_url: str,
        *,
        tokens: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.pause: timedelta | None = None
        self._fetch = fetch
        self._tokens = tokens or NoToken()
        self._headers = {"Accept": "application/json", **(headers or {})}

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | bytes | None = None,
    ) -> Answer:
        """Gives the answer whatever its status; *path* may be a whole address at the same host."""
        url = path if path.startswith(("https://", "http://")) else f"{self.base_url}{path}"
        more: dict[str, Any] = {
            "params": params, "headers": {**self._headers, **(headers or {})},
            "json": json, "data": data,
        }  # fmt: skip
        token = await self._tokens.token()
        answer = await self._fetch.request(method, url, secret=token or None, **more)
        if token and answer.fault() is Fault.auth:
            fresh = await self._tokens.renewed(token)
            if fresh != token:
                answer = await self._fetch.request(method, url, secret=fresh or None, **more)
        self._hear(answer)
        return answer

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Gives the decoded answer to a GET; raises a `ListenerError` for any but a success."""
        return self.read(await self.call("GET", path, params=params))

    async def post(
        self, path: str, *, json: Any = None, data: Mapping[str, Any] | None = None
    ) -> Any:
        """Gives the decoded answer to a POST that asks for something (GraphQL, a search)."""
        return self.read(await self.call("POST", path, json=json, data=data))

    async def envelope(
        self, path: str, params: Mapping[str, Any] | None = None, *, key: str
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Gives the list under *key* and all of the object it stands in; see `listed`."""
        return self.listed(await self.get(path, params), key)

    def read(self, answer: Answer) -> Any:
        """Gives the decoded body of a success, and takes in what it says of limits."""
        said = answer.checked(self.base_url).json()
        self._hear(answer, said)
        return said

    def listed(self, said: Any, *keys: str) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Gives the list under *keys*, one below the other, and the whole object.

        Raises `Malformed` where there is none: a missing envelope is never an empty page.
        """
        found = said
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, list) or not isinstance(said, dict):
            where = ".".join(keys)
            raise Malformed(
                f"The answer holds no list of {where}.",
                hint="Check that the address is the right one.",
                subject=self.base_url,
            )
        return found, said

    def _hear(self, answer: Answer, said: object = None) -> None:
        self.pause = pause_after(signal_of(answer, said), answer.received_at) or self.pause
