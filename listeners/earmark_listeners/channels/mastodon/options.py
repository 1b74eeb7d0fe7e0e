"""What a person sets for a Mastodon source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class MastodonOptions(ChannelOptions):
    """Options of a Mastodon source."""

    base_url: str = Field(description="address of the server, such as https://mastodon.social")
    kind: Literal["hashtag", "search", "notifications"] = Field(
        default="hashtag", description="what is listened to; notifications are mentions of us"
    )
    tag: str = Field(default="", max_length=200, description="the hashtag, without #")
    query: str = Field(default="", max_length=500, description="what the server searches for")
    token: str = Field(
        default="",
        description="the access token, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    own_acct: str = Field(default="", description="our account, name@server; asked for if empty")
    language: str = Field(default="", description="only posts in this language, such as en")
    limit: int = Field(default=40, ge=1, le=80, description="posts per page")
    max_pages: int = Field(default=20, ge=1, le=200, description="pages per poll at most")
    first_pages: int = Field(
        default=1, ge=1, le=50, description="pages of history that the first poll reads back"
    )
    skip_undiscoverable: bool = Field(
        default=True, description="pass over people who do not want to be found"
    )
    visibility: Literal["public", "unlisted", "private", "direct"] = Field(
        default="public", description="of our replies, never wider than what is answered"
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://mastodon.social", keeps_path=True)

    @field_validator("tag")
    @classmethod
    def _without_hash(cls, value: str) -> str:
        return value.strip().lstrip("#＃")

    @field_validator("own_acct")
    @classmethod
    def _without_at(cls, value: str) -> str:
        return value.strip().lstrip("@")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "hashtag" and not self.tag:
            raise ValueError("tag is missing (the hashtag to listen to)")
        if self.kind == "search" and not self.query:
            raise ValueError("query is missing (what to search for)")
        if self.kind != "hashtag" and not self.token:
            raise ValueError(f"token is missing (a server gives {self.kind} only to a person)")
        return self
