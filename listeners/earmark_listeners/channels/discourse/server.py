"""One Discourse forum, asked with or without a key."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Rejected
from earmark_core.redact import register_secret
from earmark_listeners.api import Api
from earmark_listeners.channels.discourse.options import DiscourseOptions
from earmark_listeners.contract import Wiring

_GONE: Final = frozenset((404, 410))


class Server:
    """Asks one forum."""

    def __init__(self, options: DiscourseOptions, wiring: Wiring) -> None:
        self.base_url = options.base_url
        self.is_signed_in = bool(options.api_key)
        self._api = Api(wiring.fetch, options.base_url, headers=_headers(options, wiring))

    @property
    def pause(self) -> timedelta | None:
        """The wait that the forum asked for."""
        return self._api.pause

    async def get(self, path: str, **params: Any) -> Any:
        """Gives the decoded answer; raises a `ListenerError` for anything but a success."""
        answer = await self._api.call("GET", path, params=params)
        raise_for_key(answer, self.base_url)
        return self._api.read(answer)

    async def maybe(self, path: str) -> Any:
        """Gives the decoded answer, None where it is gone or was never there."""
        answer = await self._api.call("GET", path)
        raise_for_key(answer, self.base_url)
        return None if answer.status in _GONE else self._api.read(answer)

    async def listed(
        self, path: str, *keys: str, **params: Any
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Gives the list below *keys* of the answer, and the whole answer."""
        return self._api.listed(await self.get(path, **params), *keys)

    async def write(self, path: str, said: Mapping[str, Any]) -> Answer:
        """Gives the answer to a request that writes, whatever it is."""
        return await self._api.call("POST", path, json=said)


def part(value: object) -> str:
    """Gives an id as a part of a path."""
    return quote(str(value), safe="")


def raise_for_key(answer: Answer, subject: str) -> None:
    """Raises for a key that is not good: the forum tells it with 403, as it does much else."""
    if answer.status == 403 and "key is invalid" in answer.says():
        raise Rejected(
            "The forum does not accept the API key, or not for this account.",
            fault=Fault.auth,
            hint="Check api_key, key_kind and username; make a new key if it was revoked.",
            subject=subject,
        )


def _headers(options: DiscourseOptions, wiring: Wiring) -> dict[str, str]:
    if not options.api_key:
        return {}
    key = wiring.secret(options.api_key).strip()
    register_secret(key)
    if options.key_kind == "user":
        return {"User-Api-Key": key}
    return {"Api-Key": key, "Api-Username": options.username}
