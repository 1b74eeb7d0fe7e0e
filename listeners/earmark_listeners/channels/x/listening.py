"""What X is to the rest of the house: a listener with a cap on what it reads, and replies."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import ClassVar

from earmark_core.model import Cursor
from earmark_listeners.api import Api
from earmark_listeners.channels.x.options import XOptions
from earmark_listeners.channels.x.place import Spending
from earmark_listeners.channels.x.replying import MAX_LENGTH, Replying
from earmark_listeners.channels.x.walking import Walking
from earmark_listeners.contract import (
    Batch,
    ChannelRules,
    Listener,
    Wiring,
)
from earmark_listeners.lengths import URL_LENGTH, weighted
from earmark_listeners.oauth import (
    FixedToken,
    RenewedToken,
    TokenEndpoint,
    TokenSource,
    refresh_token,
)
from earmark_listeners.replying import RepliesApart


class X(RepliesApart, Listener[XOptions]):
    """Watches a search or our mentions on X, and answers posts that name us."""

    channel: ClassVar[str] = "x"
    summary: ClassVar[str] = "Recent search and mentions on X, with replies to those who name us"
    options_type: ClassVar[type[XOptions]] = XOptions
    needs: ClassVar[str] = (
        "a paid X project: an app-only bearer token to listen; an OAuth 2 client with tweet.read "
        "users.read tweet.write offline.access and its refresh token to answer"
    )
    collects: ClassVar[tuple[str, ...]] = ("posts", "mentions")
    cannot: ClassVar[str] = (
        "what is older than a week; protected accounts; what was taken away; posts beyond "
        "monthly_posts; replies to posts that do not name us"
    )
    has_thread: ClassVar[bool] = True
    can_backfill: ClassVar[bool] = True
    off_by_default: ClassVar[bool] = True
    rules: ClassVar[ChannelRules] = ChannelRules(
        can_reply=True,
        max_length=MAX_LENGTH,
        length_of=weighted,
        url_length=URL_LENGTH,
        counted_in="characters as X weighs them; a link counts 23, an emoji 2",
        can_delete=True,
        quota="100 posts in 15 minutes, each billed by X",
        default_interval_seconds=900,
        min_interval_seconds=60,
        note="X takes replies from programs only to posts that name or quote us, and never the "
        "same words twice.",
    )

    def __init__(self, options: XOptions, wiring: Wiring) -> None:
        super().__init__(options, wiring)
        api = Api(wiring.fetch, options.base_url, tokens=_tokens(options, wiring))
        key = "|".join((options.kind, options.user_id, options.search, options.token))
        spending = Spending(wiring, key, options.monthly_posts, options.month_begins)
        self._walking = Walking(api, options, spending, wiring.clock)
        self._replying = Replying(api, options, spending)
        self.can_answer = bool(options.refresh_token and options.user_id)

    def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        """Yields pages, the newest first; what the last poll did not reach comes before them."""
        return self._walking.poll(since)

    def backfill(
        self, start: datetime, end: datetime, since: Cursor | None
    ) -> AsyncIterator[Batch]:
        """Yields what X still gives of a stretch; every post counts against monthly_posts."""
        return self._walking.backfill(start, end, since)


def _tokens(options: XOptions, wiring: Wiring) -> TokenSource:
    """Gives our account's token, which is renewed, or else the app's own."""
    if not options.refresh_token:
        return FixedToken(wiring.secret(options.token))
    secret = wiring.secret(options.client_secret) if options.client_secret else ""
    endpoint = TokenEndpoint(
        wiring,
        f"{options.base_url}/2/oauth2/token",
        "x",
        basic=(options.client_id, secret) if secret else None,
        form={"client_id": options.client_id},
    )
    key = f"x {options.client_id} {options.refresh_token}"
    return RenewedToken(wiring, key, refresh_token(endpoint, options.refresh_token))
