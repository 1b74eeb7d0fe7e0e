"""What a person sets for a Discourse source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class DiscourseOptions(ChannelOptions):
    """Options of a Discourse source."""

    base_url: str = Field(description="address of the forum, such as https://meta.discourse.org")
    kind: Literal["latest", "search", "notifications"] = Field(
        default="latest",
        description="what is listened to: all new posts, a search, or what is said to us",
    )
    query: str = Field(
        default="", max_length=300, description="what is searched for, with the forum's operators"
    )
    api_key: str = Field(
        default="",
        description="API key, as env:NAME or file:/path; reading a public forum needs none",
        json_schema_extra={"secret": True},
    )
    key_kind: Literal["admin", "user"] = Field(
        default="admin",
        description="who made the key: an administrator of the forum, or a person for themself",
    )
    username: str = Field(
        default="", max_length=60, description="our account there, which the key acts as"
    )
    overlap_seconds: int = Field(
        default=3_600,
        ge=0,
        le=604_800,
        description="how far each poll of the latest posts looks back again, for edits",
    )
    max_pages: int = Field(
        default=10, ge=1, le=40, description="pages per poll at most (10 in a search)"
    )
    first_pages: int = Field(
        default=1, ge=1, le=10, description="pages of history that the first poll reads back"
    )
    look_ups: int = Field(
        default=15,
        ge=1,
        le=60,
        description="posts read in full per poll at most, where a list shows only a part; a "
        "person's key has 20 requests a minute",
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_forum(cls, value: str) -> str:
        return server_address(value, "https://meta.discourse.org", keeps_path=True)

    @field_validator("username")
    @classmethod
    def _without_at(cls, value: str) -> str:
        return value.strip().lstrip("@")

    @field_validator("query")
    @classmethod
    def _unordered(cls, value: str) -> str:
        if "order:" in value:
            raise ValueError("leave order: out, the newest are asked for")
        return value.strip()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "search" and not self.query:
            raise ValueError("query is missing (what to search for)")
        if self.kind == "notifications" and not self.api_key:
            raise ValueError("api_key is missing (only an account has notifications)")
        if self.api_key and not self.username:
            raise ValueError("username is missing (the account that the key acts as)")
        return self
