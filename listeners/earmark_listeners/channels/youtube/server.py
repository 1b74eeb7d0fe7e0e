"""YouTube's API: with an account or a key, what its refusals mean, and the searches left today.

An error says by its reason what is wrong; a used-up quota is 403 and ends at midnight in
California. Searches have a bucket of their own, which is counted here for each project.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from earmark_core.answer import Answer
from earmark_core.budgets import Quota, digest
from earmark_core.clock import as_utc
from earmark_core.errors import Fault, Rejected
from earmark_core.redact import register_secret
from earmark_listeners import google
from earmark_listeners.api import Api
from earmark_listeners.channels.youtube.options import YouTubeOptions
from earmark_listeners.contract import Wiring

_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
_REASONS: Final = {
    "commentsDisabled": (Fault.forbidden, "Comments are switched off for this video."),
    "videoNotFound": (Fault.not_found, "The video is gone, or was never there."),
    "channelNotFound": (Fault.not_found, "The channel is gone, or was never there."),
    "commentNotFound": (Fault.not_found, "The comment is gone."),
    "commentThreadNotFound": (Fault.not_found, "The comment is gone."),
    "parentCommentNotFound": (Fault.not_found, "The comment is gone."),
}
_ACCOUNT: Final = {
    "ineligibleAccount": "This account may not comment: link it to a YouTube channel.",
    "youtubeSignupRequired": "This account has no YouTube channel.",
    "authenticatedUserAccountSuspended": "YouTube has suspended this account.",
    "authenticatedUserAccountClosed": "This account is closed.",
}


class Server:
    """Asks YouTube; remembers who we are there."""

    def __init__(self, options: YouTubeOptions, wiring: Wiring) -> None:
        self.options = options
        self._wiring = wiring
        self._key = ""
        if options.has_account:
            tokens = google.account_tokens(
                wiring, "youtube", options.client_id, wiring.secret(options.client_secret),
                options.refresh_token, options.token_url,
            )  # fmt: skip
            self.api = Api(wiring.fetch, options.base_url, tokens=tokens)
        else:
            self._key = wiring.secret(options.api_key).strip()
            register_secret(self._key)
            self.api = Api(wiring.fetch, options.base_url)

    async def call(self, method: str, path: str, params: Mapping[str, str], **more: Any) -> Answer:
        """Gives the answer whatever its status."""
        key = {"key": self._key} if self._key else {}
        return await self.api.call(method, path, params={**params, **key}, **more)

    async def listed(self, path: str, **params: str) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Gives the items of a listing, and all of what they stand in."""
        answer = await self.call("GET", path, params)
        judge(answer, path.strip("/"))
        for reason in google.reasons(answer) & _REASONS.keys():
            fault, message = _REASONS[reason]
            raise Rejected(
                message, fault=fault, hint="Remove the source, or change what it listens to.",
                subject=path.strip("/"),
            )  # fmt: skip
        return self.api.listed(self.api.read(answer), "items")

    async def own_id(self) -> str:
        """Gives our channel: as set, else the account's, else the one listened to; "" for none."""
        options = self.options
        if options.own_channel_id or not options.has_account:
            return options.own_channel_id or options.channel_id
        key = f"youtube channel {options.client_id} {options.refresh_token}"
        known = self._wiring.memory.get(key)
        if not isinstance(known, str):
            found, _ = await self.listed("/channels", part="id", mine="true")
            ids = [each.get("id") for each in found if isinstance(each, dict)]
            known = next((each for each in ids if isinstance(each, str)), "")
            self._wiring.memory[key] = known
        return known

    async def count_search(self) -> None:
        """Counts a search; raises `Unavailable` until midnight there when none is left."""
        options = self.options
        quota = Quota(
            "youtube",
            digest(options.client_id or self._key),
            options.searches_per_day,
            "searches",
            _next_midnight,
            hint="Search less often, or ask Google for more.",
        )
        await self._wiring.budgets.spend(quota, now=self._wiring.clock())


def judge(answer: Answer, subject: str) -> None:
    """Raises `Rejected` for what is wrong with the project, the key or the account."""
    google.judge(answer, subject)
    for reason in google.reasons(answer) & _ACCOUNT.keys():
        raise Rejected(
            _ACCOUNT[reason], fault=Fault.forbidden, hint="Connect another one.", subject=subject
        )


def _next_midnight(now: datetime) -> datetime:
    tomorrow = (now.astimezone(_PACIFIC) + timedelta(days=1)).date()
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_PACIFIC)
    return as_utc(midnight)
