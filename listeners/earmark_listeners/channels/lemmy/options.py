"""What a person sets for a Lemmy source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class LemmyOptions(ChannelOptions):
    """Options of a Lemmy source."""

    base_url: str = Field(description="address of the server, such as https://lemmy.world")
    kind: Literal["community", "search", "inbox"] = Field(
        default="community",
        description="what is listened to; the inbox is mentions of us and replies to us",
    )
    community: str = Field(
        default="", max_length=300,
        description="the community, name or name@server; for a search: only in this one",
    )  # fmt: skip
    query: str = Field(default="", max_length=500, description="what the server searches for")
    content: Literal["all", "posts", "comments"] = Field(
        default="all", description="posts, comments, or both"
    )
    username: str = Field(
        default="", max_length=300, description="our account; to answer, and for the inbox"
    )
    password: str = Field(
        default="",
        description="its password, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    token: str = Field(
        default="",
        description="an access token in place of username and password (two factors), "
        "as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    limit: int = Field(default=50, ge=1, le=50, description="posts and comments per page")
    max_pages: int = Field(default=10, ge=1, le=100, description="pages per poll at most")
    first_pages: int = Field(
        default=1, ge=1, le=50, description="pages of history that the first poll reads back"
    )
    overlap_minutes: int = Field(
        default=30, ge=0, le=1440,
        description="how far behind the last poll to look again: what comes from other servers "
        "comes late",
    )  # fmt: skip

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://lemmy.world")

    @field_validator("community")
    @classmethod
    def _without_mark(cls, value: str) -> str:
        return value.strip().lstrip("!").removeprefix("/c/")

    @field_validator("username")
    @classmethod
    def _without_at(cls, value: str) -> str:
        return value.strip().lstrip("@")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "community" and not self.community:
            raise ValueError("community is missing (name, or name@server)")
        if self.kind == "search" and not self.query.strip():
            raise ValueError("query is missing (what to search for)")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.kind == "inbox" and not (self.username or self.token):
            raise ValueError("username and password are missing (an inbox is somebody's)")
        return self
