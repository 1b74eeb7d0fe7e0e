"""What a person sets for a Reddit source."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions

ANYWHERE = "*"
_NAMES = re.compile(r"[A-Za-z0-9_]{2,60}(?:\+[A-Za-z0-9_]{2,60})*")
_OWN_INBOX = ("inbox", "mentions")


class RedditOptions(ChannelOptions):
    """Options of a Reddit source."""

    kind: Literal["search", "new", "comments", "inbox", "mentions"] = Field(
        default="search",
        description="what is listened to: posts that hold given words, new posts or new comments "
        "of subreddits, all that is said to us, or only where our name is mentioned",
    )
    query: str = Field(default="", max_length=500, description="what Reddit searches for")
    subreddits: str = Field(
        default="", max_length=1_000, description="names of subreddits, such as acme, travel"
    )
    client_id: str = Field(min_length=1, description="id of the approved API client")
    client_secret: str = Field(
        description="secret of the API client, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    username: str = Field(
        default="", max_length=60, description="our account, for the inbox and for replies"
    )
    password: str = Field(
        default="",
        description="its password, for a script client, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    refresh_token: str = Field(
        default="",
        description="in place of the password, a refresh token, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    reply_in: str = Field(
        default="",
        max_length=1_000,
        description="subreddits whose rules permit us to answer, * for any; none if empty",
    )
    user_agent: str = Field(
        default="",
        max_length=200,
        pattern=r"^[ -~]*$",
        description="how we introduce ourselves; made of client_id and username if empty",
    )
    recheck: int = Field(
        default=100,
        ge=0,
        le=300,
        description="posts and comments, the newest ones, asked after again for edits and "
        "deletions in every poll",
    )
    overlap_seconds: int = Field(
        default=600, ge=0, le=86_400, description="how far each poll looks back again"
    )
    max_pages: int = Field(default=10, ge=1, le=10, description="pages of 100 per poll at most")
    first_pages: int = Field(
        default=1, ge=1, le=10, description="pages of history that the first poll reads back"
    )
    cut_off_at: int = Field(
        default=200,
        ge=100,
        le=1_000,
        description="a list that ends after so many without reaching what was heard before "
        "is taken to be cut off by Reddit",
    )
    base_url: str = Field(
        default="https://oauth.reddit.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the API",
    )
    site: str = Field(
        default="https://www.reddit.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the login, and of the pages that links lead to",
    )

    @field_validator("subreddits", "reply_in")
    @classmethod
    def _joined(cls, value: str) -> str:
        """Gives names joined by +, as the API takes them."""
        if value.strip() == ANYWHERE:
            return ANYWHERE
        names = [name.removeprefix("/").removeprefix("r/") for name in re.split(r"[\s,+]+", value)]
        joined = "+".join(name for name in names if name)
        if joined and not _NAMES.fullmatch(joined):
            raise ValueError("this should be names of subreddits, such as acme, travel")
        return joined

    @field_validator("username")
    @classmethod
    def _bare(cls, value: str) -> str:
        name = value.strip().removeprefix("/").removeprefix("u/")
        if name and not re.fullmatch(r"[A-Za-z0-9_-]{2,60}", name):
            raise ValueError("this should be the name of an account, such as acme_support")
        return name

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "search" and not self.query:
            raise ValueError("query is missing (what to search for)")
        if self.kind in ("new", "comments") and not self.subreddits:
            raise ValueError("subreddits is missing (where to listen)")
        if self.subreddits == ANYWHERE:
            raise ValueError("subreddits should be names; leave it empty to search everywhere")
        has_login = bool(self.password or self.refresh_token)
        if has_login and not self.username:
            raise ValueError("username is missing (whose password or refresh token it is)")
        if (self.kind in _OWN_INBOX or self.reply_in) and not has_login:
            raise ValueError("password or refresh_token is missing (only a person has an inbox "
                             "and can answer)")  # fmt: skip
        return self

    def agent(self) -> str:
        """Gives the User-Agent in the form that Reddit asks for; others are throttled hard."""
        by = f" (by /u/{self.username})" if self.username else ""
        return self.user_agent or f"python:{self.client_id}:earmark{by}"

    def may_reply_in(self, subreddit: str) -> bool:
        """Tells whether we may answer there; a private message has no subreddit."""
        names = self.reply_in.casefold().split("+")
        return self.reply_in == ANYWHERE or not subreddit or subreddit.casefold() in names
