"""What a person sets for a Bluesky source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class BlueskyOptions(ChannelOptions):
    """Options of a Bluesky source."""

    kind: Literal["search", "notifications"] = Field(
        default="search",
        description="what is listened to; notifications are mentions of us, replies and quotes",
    )
    query: str = Field(
        default="", max_length=500,
        description='what is searched for: words, "phrase", #tag, from:, mentions:, domain:, -word',
    )  # fmt: skip
    identifier: str = Field(
        min_length=3, max_length=300, description="our account: its handle, such as acme.example"
    )
    password: str = Field(
        min_length=1,
        description="an app password of the account, as env:NAME or file:/path; never the main one",
        json_schema_extra={"secret": True},
    )
    base_url: str = Field(
        default="https://bsky.social",
        description="where the account logs in; requests then go to the account's own server",
    )
    language: str = Field(
        default="", max_length=20, description="only posts in this language, such as en (search)"
    )
    reply_language: str = Field(
        default="", max_length=20, description="the language our replies are marked with"
    )
    appview: str = Field(
        default="", pattern=r"^(did:[^\s#]+#[^\s#]+)?$",
        description="the service that is asked, such as did:web:api.bsky.app#bsky_appview; "
        "empty: the server's own choice",
    )  # fmt: skip
    limit: int = Field(default=100, ge=1, le=100, description="posts per page")
    max_pages: int = Field(default=10, ge=1, le=100, description="pages per poll at most")
    first_pages: int = Field(
        default=1, ge=1, le=50, description="pages of history that the first poll reads back"
    )
    overlap_minutes: int = Field(
        default=30, ge=0, le=1440,
        description="how far behind the last poll to look again, for posts that are indexed late",
    )  # fmt: skip

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://bsky.social")

    @field_validator("identifier")
    @classmethod
    def _without_at(cls, value: str) -> str:
        return value.strip().lstrip("@")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "search" and not self.query.strip():
            raise ValueError("query is missing (what to search for)")
        return self
