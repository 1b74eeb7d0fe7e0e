"""One channel by Discord's API, asked as a bot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.budgets import digest
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected
from earmark_core.redact import register_secret
from earmark_listeners.api import Api
from earmark_listeners.channels.discord.options import DiscordOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.wire import Id, Wire, Word, read_as

UNKNOWN_CHANNEL: Final = 10_003
UNKNOWN_MESSAGE: Final = 10_008
_MISSING_ACCESS: Final = 50_001
_THREADS: Final = (10, 11, 12)
_HINTS: Final = {
    UNKNOWN_CHANNEL: "Check channel_id; the channel may have been deleted.",
    _MISSING_ACCESS: "Give the bot View Channel and Read Message History there.",
}


class _User(Wire):
    id: Id


class _Channel(Wire):
    id: Id
    type: int = 0
    guild_id: Word = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Who we are, and the channel: the server it belongs to, and whether it is a thread."""

    own_id: str
    channel_id: str
    guild_id: str
    is_thread: bool

    def link(self, site: str, message_id: str) -> str:
        """Gives where a message is read."""
        return f"{site}/channels/{self.guild_id or '@me'}/{self.channel_id}/{message_id}"


class Server:
    """Asks Discord; remembers who we are and where."""

    def __init__(self, options: DiscordOptions, wiring: Wiring) -> None:
        token = wiring.secret(options.token).strip()
        register_secret(token)
        headers = {"Authorization": f"Bot {token}", "User-Agent": options.user_agent}
        self.base_url = options.base_url
        self._api = Api(wiring.fetch, options.base_url, headers=headers)
        self._memory = wiring.memory
        self._channel = options.channel_id
        name = digest(token)
        self.name = f"discord {name} {options.channel_id}"

    @property
    def pause(self) -> timedelta | None:
        """The wait that Discord asked for."""
        return self._api.pause

    async def place(self) -> Place:
        """Gives who we are and where; asked for once in this process."""
        if self.name not in self._memory:
            own = read_as(_User, await self._get("/users/@me"))
            channel = read_as(_Channel, await self._get(f"/channels/{self._channel}"))
            is_thread = channel.type in _THREADS
            self._memory[self.name] = Place(own.id, channel.id, channel.guild_id, is_thread)
        found: Place = self._memory[self.name]
        return found

    async def messages(self, **params: str) -> Sequence[Any]:
        """Gives a page of messages as it came."""
        found = await self._get(f"/channels/{self._channel}/messages", params)
        if not isinstance(found, list):
            raise Malformed("The answer is no list of messages.", subject=self.base_url)
        return found

    async def message(self, message_id: str) -> Answer:
        """Gives the answer to asking for one message, whatever it is."""
        return await self._api.call("GET", f"/channels/{self._channel}/messages/{message_id}")

    async def say(self, said: Mapping[str, Any]) -> Answer:
        """Gives the answer to a new message, whatever it is."""
        return await self._api.call("POST", f"/channels/{self._channel}/messages", json=said)

    def read(self, answer: Answer) -> Any:
        """Gives what was answered; raises a `ListenerError` for anything but a success."""
        raise_for_code(answer, self.base_url)
        return self._api.read(answer)

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self.read(await self._api.call("GET", path, params=params))


def code_of(answer: Answer) -> int | None:
    """Gives Discord's own number of what is wrong, None where it names none."""
    try:
        said = answer.json()
    except ListenerError:
        return None
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def raise_for_code(answer: Answer, subject: str) -> None:
    """Raises for a refusal by its number: its headers may look like those of a limit."""
    code = code_of(answer) if answer.status in (403, 404) else None
    if code:
        raise Rejected(
            f"Discord refuses ({code}): {answer.says().rstrip('.')}.",
            fault=Fault.not_found if answer.status == 404 else Fault.forbidden,
            hint=_HINTS.get(code, "Check what the bot may do in this channel."),
            subject=subject,
        )
