"""What a person sets for a Trustpilot source."""

from typing import Self

from pydantic import Field, model_validator

from earmark_listeners.contract import ChannelOptions


class TrustpilotOptions(ChannelOptions):
    """Options of a Trustpilot source."""

    business_unit: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{1,200}$",
        description="the company: its id (24 hexadecimal digits), or the domain it is found by",
    )
    api_key: str = Field(
        min_length=1,
        description="the API key, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    api_secret: str = Field(
        default="",
        description="the API secret, to answer, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    refresh_token: str = Field(
        default="",
        description="a refresh token, where the login is a person's, best as file:/path",
        json_schema_extra={"secret": True},
    )
    business_user_id: str = Field(
        default="", max_length=100, description="id of the business user who answers"
    )
    is_ours: bool = Field(default=True, description="the company is ours, and its replies are")
    replace_replies: bool = Field(
        default=False, description="put our reply in the place of one that stands there already"
    )
    include_reported: bool = Field(
        default=True, description="also reviews that the company reported; hidden ones are dropped"
    )
    language: str = Field(
        default="",
        pattern=r"^([a-z]{2})?$",
        description="only reviews in this language, such as en",
    )
    max_pages: int = Field(default=10, ge=1, le=1_000, description="pages of 100 per poll at most")
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="how far each poll looks back again"
    )
    base_url: str = Field(
        default="https://api.trustpilot.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the API",
    )
    site: str = Field(
        default="https://www.trustpilot.com",
        pattern=r"^https?://[^@\s]+$",
        description="address under which a review's page is found",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.api_secret and not self.business_user_id:
            raise ValueError("business_user_id is missing (Trustpilot asks who answers)")
        return self
