"""What a person sets for an App Store source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions


class AppStoreOptions(ChannelOptions):
    """Options of an App Store source."""

    app_id: str = Field(
        pattern=r"^[0-9]{1,20}$",
        description="number of the app, as in the address of its page in the store (…/id123456789)",
    )
    kind: Literal["feed", "connect"] = Field(
        default="feed",
        description="feed: the public reviews of any app in one country; connect: all reviews of "
        "our own app, with replies",
    )
    country: str = Field(
        default="us",
        pattern=r"^[a-z]{2}$",
        description="country of the store, two letters; for feed alone",
    )
    issuer_id: str = Field(
        default="",
        max_length=100,
        description="issuer id of App Store Connect's team keys; empty for an individual key",
    )
    key_id: str = Field(default="", max_length=100, description="id of the App Store Connect key")
    private_key: str = Field(
        default="",
        description="the key as it was downloaded (.p8), as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    replace_replies: bool = Field(
        default=False, description="put our reply in the place of one that stands there already"
    )
    max_pages: int = Field(
        default=10, ge=1, le=100, description="pages per poll at most; the feed has no more than 10"
    )
    overlap_hours: int = Field(
        default=72, ge=0, le=720, description="how far each poll looks back for late and edited"
    )
    feed_url: str = Field(
        default="https://itunes.apple.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the public feed",
    )
    connect_url: str = Field(
        default="https://api.appstoreconnect.apple.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of App Store Connect's API",
    )

    @field_validator("country", mode="before")
    @classmethod
    def _in_small_letters(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "connect" and not self.key_id:
            raise ValueError("key_id is missing (the id of the App Store Connect key)")
        if self.kind == "connect" and not self.private_key:
            raise ValueError("private_key is missing (App Store Connect asks for a signed token)")
        return self
