"""Reddit's API as our account sees it: the login, listings, and things by their names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from earmark_core.answer import Answer
from earmark_core.errors import Fault, Rejected
from earmark_listeners.api import Api
from earmark_listeners.channels.reddit.options import RedditOptions
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import (
    Grant,
    Granted,
    RenewedToken,
    TokenEndpoint,
    client_credentials,
    password,
    refresh_token,
)

PER_CALL: Final = 100
_NO_SUBREDDIT: Final = "/subreddits/search"
_CHECK: Final = (
    "Check client_id and client_secret; for a password, that the client is of the type script, "
    "and that username and password are right and need no second factor."
)


class Server:
    """Asks Reddit; every answer is asked for without HTML escapes (`raw_json`)."""

    def __init__(self, options: RedditOptions, wiring: Wiring) -> None:
        who = {"User-Agent": options.agent()}
        self.api = Api(
            wiring.fetch, options.base_url, tokens=_login(options, wiring, who), headers=who
        )

    async def listing(self, path: str, **params: str) -> tuple[Sequence[Any], str]:
        """Gives the entries of a page and what asks for the next, "" for none.

        Raises `Rejected` for a subreddit that does not exist, which Reddit does not say: it
        leads us to a search for subreddits.
        """
        answer = await self.api.call("GET", path, params={"raw_json": "1", **params})
        if urlsplit(answer.url).path.startswith(_NO_SUBREDDIT) and path != _NO_SUBREDDIT:
            raise Rejected(
                "There is no such subreddit.",
                fault=Fault.not_found,
                hint="Check the names in subreddits.",
                subject=path,
            )
        entries, said = self.api.listed(self.api.read(answer), "data", "children")
        return entries, str(said["data"].get("after") or "")

    async def by_name(self, names: Sequence[str]) -> list[Any]:
        """Gives entries by their names (t1_…, t3_…), as they stand now; some may be missing."""
        found: list[Any] = []
        for at in range(0, len(names), PER_CALL):
            asked = ",".join(names[at : at + PER_CALL])
            found.extend((await self.listing("/api/info", id=asked))[0])
        return found

    async def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """Gives the answer to a form, whatever it is: refusals come with 200, too."""
        data = {"api_type": "json", "raw_json": "1", **form}
        return await self.api.call("POST", path, data=data)


def _login(options: RedditOptions, wiring: Wiring, headers: Mapping[str, str]) -> RenewedToken:
    endpoint = TokenEndpoint(
        wiring,
        f"{options.site}/api/v1/access_token",
        "reddit",
        basic=(options.client_id, wiring.secret(options.client_secret)),
        headers=headers,
    )
    if options.refresh_token:
        asked = refresh_token(endpoint, options.refresh_token)
    elif options.password:
        asked = password(endpoint, options.username, lambda: wiring.secret(options.password))
    else:
        asked = client_credentials(endpoint)
    key = f"reddit {options.client_id} {options.username}"
    return RenewedToken(wiring, key, _explained(asked))


def _explained(asked: Grant) -> Grant:
    """Gives the same grant, which says what to look at when Reddit refuses."""

    async def grant(held: Granted | None) -> Granted:
        try:
            return await asked(held)
        except Rejected as error:
            raise Rejected(error.message, fault=Fault.auth, hint=_CHECK, subject="reddit") from None

    return grant
