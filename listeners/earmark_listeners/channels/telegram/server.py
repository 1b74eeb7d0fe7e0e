"""Telegram's Bot API for one bot. The token is a part of every path, so no path is ever shown."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn
from urllib.parse import quote

from earmark_core.answer import Answer
from earmark_core.budgets import digest
from earmark_core.errors import Fault, ListenerError, Malformed, Rejected, Unavailable
from earmark_core.redact import redact, register_secret
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.telegram.options import TelegramOptions
from earmark_listeners.contract import Wiring

_CONFLICT: Final = 409
_NO_BOT: Final = frozenset((401, 404))


class Bot:
    """Asks as one bot."""

    def __init__(self, options: TelegramOptions, wiring: Wiring) -> None:
        token = wiring.secret(options.token).strip()
        register_secret(token)
        # The part before the colon is the bot's own id, which is no secret.
        self.own_id = token.partition(":")[0] if ":" in token else ""
        self.name = digest(token)
        self.base_url = options.base_url
        self._memory = wiring.memory
        self._path = f"/bot{quote(token, safe=':')}"
        self._api = Api(wiring.fetch, options.base_url)

    @property
    def pause(self) -> timedelta | None:
        """The wait that Telegram asked for."""
        return self._api.pause

    @property
    def struck_out(self) -> int:
        """The number before which Telegram gives nothing more; 0 while this process asked none."""
        found: int = self._memory.get(f"telegram struck out {self.name}", 0)
        return found

    def strikes_out_before(self, offset: int | None) -> None:
        """Remembers that it is asked for what is numbered from *offset* on."""
        self._memory[f"telegram struck out {self.name}"] = offset or 0

    async def get(self, method: str, params: Mapping[str, str]) -> Any:
        """Gives the result of a method that only reads; raises a `ListenerError` for any no."""
        answer = await self.ask(method, params)
        raise_for_bot(answer, self.base_url)
        return result_of(self._api.read(answer), self.base_url)

    async def ask(self, method: str, params: Mapping[str, str]) -> Answer:
        """Gives the answer to a method that only reads, whatever it is."""
        return await self._api.call("GET", f"{self._path}/{method}", params=params)

    async def write(self, method: str, said: Mapping[str, Any]) -> Answer:
        """Gives the answer to a method that changes something, whatever it is."""
        return await self._api.call("POST", f"{self._path}/{method}", json=said)


def result_of(said: Any, subject: str) -> Any:
    """Gives what is under `result`; raises where the body says no all the same."""
    if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
        raise Malformed("This is no answer of the Bot API.", subject=subject)
    if not said["ok"]:
        _refuse(said, subject)
    if "result" not in said:
        raise Malformed("The answer holds no result.", subject=subject)
    return said["result"]


def _refuse(said: Mapping[str, Any], subject: str) -> NoReturn:
    """Raises for a no that came with the status of a success."""
    code, words = said.get("error_code"), described(said)
    if code == 429 or (isinstance(code, int) and code >= 500):
        more = said.get("parameters")
        seconds = more.get("retry_after") if isinstance(more, dict) else None
        is_known = isinstance(seconds, int) and 0 < seconds < 86_400
        raise Unavailable(
            f"Telegram cannot answer now ({code}): {words}.",
            retry_after=timedelta(seconds=seconds) if is_known and seconds else None,
            rate_limited=code == 429,
            subject=subject,
        )
    if code in _NO_BOT:
        raise _not_a_bot(subject)
    raise Rejected(f"Telegram refuses the request ({code}): {words}.",
                   fault=Fault.forbidden if code == 403 else Fault.invalid,
                   subject=subject)  # fmt: skip


def raise_for_bot(answer: Answer, subject: str) -> None:
    """Raises for what concerns the bot itself: its token, and who else reads what it is told."""
    if answer.status in _NO_BOT and answer.fault() in (Fault.auth, Fault.not_found):
        raise _not_a_bot(subject)
    if answer.status != _CONFLICT:
        return
    words = described(decoded(answer)).casefold()
    if "webhook" in words:
        raise Rejected(
            "A webhook is set for this bot: Telegram gives each message to one reader only.",
            fault=Fault.forbidden,
            hint="Take it away with deleteWebhook, or make another bot for earmark.",
            subject=subject,
        )
    raise Unavailable(
        "Another program is reading this bot's messages; what it reads we do not get.",
        hint="Stop the other program, or make another bot for earmark.",
        subject=subject,
    )


def decoded(answer: Answer) -> Mapping[str, Any]:
    """Gives the object that was answered, an empty one for anything else."""
    try:
        said = answer.json()
    except ListenerError:
        return {}
    return said if isinstance(said, dict) else {}


def described(said: Mapping[str, Any]) -> str:
    """Gives Telegram's own words, without a full stop and without secrets."""
    words = clean(redact(str(said.get("description") or "")), limit=200).rstrip(".")
    return words or "it does not say why"


def _not_a_bot(subject: str) -> Rejected:
    return Rejected(
        "Telegram knows no bot by this token.",
        fault=Fault.auth,
        hint="Take the token from @BotFather again; it is of the form 123456:ABC.",
        subject=subject,
    )
