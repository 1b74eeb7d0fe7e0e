"""What a person sets for a Google Business Profile source."""

from pydantic import Field, field_validator

from earmark_listeners import google
from earmark_listeners.contract import ChannelOptions


class GoogleBusinessOptions(ChannelOptions):
    """Options of a Google Business Profile source."""

    account: str = Field(pattern=r"^\d{1,30}$", description="id of the account, digits")
    location: str = Field(pattern=r"^\d{1,30}$", description="id of the location, digits")
    client_id: str = Field(min_length=1, description="id of the OAuth client")
    client_secret: str = Field(
        description="secret of the OAuth client, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    refresh_token: str = Field(
        description="refresh token with business.manage, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    replace_reply: bool = Field(
        default=False, description="a reply of ours may replace one that answers the review already"
    )
    page_size: int = Field(default=50, ge=1, le=50, description="reviews per page")
    max_pages: int = Field(default=10, ge=1, le=100, description="pages per poll at most")
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="how far each poll looks back again"
    )
    base_url: str = Field(
        default="https://mybusiness.googleapis.com/v4",
        pattern=r"^https?://[^@\s]+$",
        description="address of the API",
    )
    token_url: str = Field(
        default=google.TOKEN_URL,
        pattern=r"^https?://[^@\s]+$",
        description="where tokens are given",
    )

    @field_validator("account", "location", mode="before")
    @classmethod
    def _last_part(cls, value: object) -> object:
        """Takes `accounts/1` and `accounts/1/locations/2` as well: the newer APIs write them."""
        return value.strip().rpartition("/")[2] if isinstance(value, str) else value
