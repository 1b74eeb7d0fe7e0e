"""What a person sets for a Google Play source."""

from pydantic import Field

from earmark_listeners.contract import ChannelOptions


class GooglePlayOptions(ChannelOptions):
    """Options of a Google Play source."""

    package: str = Field(
        max_length=200,
        pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)+$",
        description="package name of the app, such as com.acme.bags",
    )
    key_file: str = Field(
        description="key file of the service account (JSON), as file:/path or env:NAME",
        json_schema_extra={"secret": True},
    )
    replace_reply: bool = Field(
        default=False, description="a reply of ours may replace one that answers the review already"
    )
    window_days: int = Field(
        default=7, ge=1, le=60, description="how many days back Google gives reviews"
    )
    overlap_hours: int = Field(
        default=24, ge=0, le=168, description="how far each poll looks back again, for edits"
    )
    max_pages: int = Field(default=10, ge=1, le=50, description="pages of 100 per poll at most")
    base_url: str = Field(
        default="https://androidpublisher.googleapis.com",
        pattern=r"^https?://[^/@\s]+$",
        description="address of the API",
    )
