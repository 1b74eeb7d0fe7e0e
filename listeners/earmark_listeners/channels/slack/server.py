"""One Slack workspace. Slack says no with `ok: false` and the status of a success."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from earmark_core.answer import Answer
from earmark_core.budgets import digest
from earmark_core.errors import (
    Fault,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.text import clean
from earmark_listeners.api import Api
from earmark_listeners.channels.slack.options import SlackOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import FixedToken

_LOGINS: Final = frozenset((
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
    "no_permission", "org_login_required", "ekm_access_denied",
))  # fmt: skip
_LIMITS: Final = frozenset(("ratelimited", "rate_limited"))
_TROUBLES: Final = frozenset(
    ("fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org")
)
_MISSING: Final = frozenset(("channel_not_found", "thread_not_found", "message_not_found"))
_HINTS: Final = {
    "not_in_channel": "Invite the app into the channel: /invite @its-name.",
    "channel_not_found": "Check channel_id; invite the app into a private channel.",
    "missing_scope": "Give the app channels:history (groups:history for a private channel) and "
    "users:read, chat:write to answer; then install it anew.",
    "is_archived": "The channel is archived.",
}


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are there, and the workspace's address."""

    user_id: str
    bot_id: str
    url: str


class Workspace:
    """Asks one workspace; remembers who we are there, and who is called what."""

    def __init__(self, options: SlackOptions, wiring: Wiring) -> None:
        token = wiring.secret(options.token).strip()
        self.base_url = options.base_url
        self._lookups = options.user_lookups
        self._api = Api(wiring.fetch, options.base_url, tokens=FixedToken(token))
        self._memory = wiring.memory
        self._key = digest(token)
        self.names: dict[str, str] = self._memory.setdefault(f"slack names {self._key}", {})

    @property
    def pause(self) -> timedelta | None:
        """The wait that Slack asked for."""
        return self._api.pause

    async def get(self, method: str, **params: str) -> Mapping[str, Any]:
        """Gives the answer of a method that only reads; raises a `ListenerError` for any no."""
        answer = await self._api.call("GET", f"/api/{method}", params=params)
        said = self._api.read(answer)
        if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
            raise Malformed("This is no answer of Slack's API.", subject=self.base_url)
        if not said["ok"]:
            raise refusal(answer, said, self.base_url)
        return said

    async def messages(
        self, method: str, **params: str
    ) -> tuple[Sequence[Any], str, Mapping[str, Any]]:
        """Gives a page of messages, what asks for the next one ("": none), and the whole answer."""
        said = await self.get(method, **params)
        found, _ = self._api.listed(said, "messages")
        more = said.get("response_metadata")
        following = more.get("next_cursor") if isinstance(more, dict) else ""
        return found, following if isinstance(following, str) else "", said

    async def write(self, method: str, said: Mapping[str, Any]) -> Answer:
        """Gives the answer to a method that changes something, whatever it is."""
        return await self._api.call("POST", f"/api/{method}", json=said)

    async def me(self) -> Me:
        """Gives who we are; asked for once in this process."""
        key = f"slack me {self._key}"
        if key not in self._memory:
            said = await self.get("auth.test")
            url = str(said.get("url") or "")
            user_id = str(said.get("user_id") or "")
            if not user_id:
                raise Malformed("Slack does not say who we are.", subject=self.base_url)
            self._memory[key] = Me(user_id, str(said.get("bot_id") or ""), url.rstrip("/"))
        found: Me = self._memory[key]
        return found

    async def learn(self, members: Collection[str]) -> None:
        """Asks for the names of members not known yet; who cannot be asked for keeps the id."""
        unknown = [each for each in sorted(members) if each not in self.names]
        for member in unknown[: max(0, self._lookups)]:
            self._lookups -= 1
            try:
                said = await self.get("users.info", user=member)
            except Unavailable:
                return
            except ListenerError:
                self.names[member] = member
                continue
            self.names[member] = _name(said.get("user")) or member


def refusal(answer: Answer, said: Mapping[str, Any], subject: str) -> ListenerError:
    """Gives the error that an `ok: false` means for what was asked."""
    name = name_of(said)
    if name in _LIMITS:
        return Unavailable(
            "Slack wants fewer requests.",
            retry_after=answer.retry_after(),
            rate_limited=True,
            subject=subject,
        )
    if name in _TROUBLES:
        return Unavailable(f"Slack cannot answer now: {name}.", subject=subject)
    if name in _LOGINS:
        return Rejected(
            f"Slack does not accept the token: {name}.",
            fault=Fault.auth,
            hint="Install the app again and give its new bot token.",
            subject=subject,
        )
    return Rejected(
        f"Slack refuses: {name}.",
        fault=Fault.not_found if name in _MISSING else Fault.forbidden,
        hint=_HINTS.get(name, "Check the app's scopes and channel_id."),
        subject=subject,
    )


def raise_for_reply(answer: Answer, subject: str) -> None:
    """Raises for a no to a reply that came with the status of a success."""
    try:
        said = answer.json() if answer.fault() is None else None
    except ListenerError:
        return
    if not isinstance(said, dict) or said.get("ok") is not False:
        return
    name = name_of(said)
    if name in _TROUBLES:
        raise ReplyUnknown(
            f"Slack failed while it took the reply: {name}.",
            hint="It is looked for at the platform before anything is sent again.",
            subject=subject,
        )
    if name in _LIMITS or name in _LOGINS:
        raise refusal(answer, said, subject)
    raise ReplyRefused(
        f"Slack refused the reply: {name}.",
        hint=_HINTS.get(name, "Change it, or answer by hand."),
        subject=subject,
    )


def name_of(said: Mapping[str, Any]) -> str:
    """Gives the name of what is wrong."""
    return clean(str(said.get("error") or ""), limit=100) or "it does not say why"


def _name(user: object) -> str:
    """Gives what a member is called, as the others see it."""
    if not isinstance(user, dict):
        return ""
    profile = user.get("profile")
    named = (
        [profile.get("display_name"), profile.get("real_name")] if isinstance(profile, dict) else []
    )
    found = [*named, user.get("real_name"), user.get("name")]
    return next((clean(each, limit=200) for each in found if isinstance(each, str) and each), "")
