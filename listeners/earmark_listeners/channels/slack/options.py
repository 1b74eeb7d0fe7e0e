"""What a person sets for a Slack source."""

from pydantic import Field, field_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class SlackOptions(ChannelOptions):
    """Options of a Slack source."""

    token: str = Field(
        description="the app's bot token (xoxb-…), as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    channel_id: str = Field(
        pattern=r"^[A-Z0-9]{2,40}$",
        description="id of the channel (C0123456789), as its details in Slack show it",
    )
    own: tuple[str, ...] = Field(
        default=(), max_length=200, description="members who speak for us, by id (U0123456789)"
    )
    include_bots: bool = Field(default=False, description="take what other apps and bots say, too")
    thread_days: int = Field(
        default=3,
        ge=0,
        le=30,
        description="how many days back each poll looks again, for edits and for new replies in "
        "threads that began then",
    )
    max_threads: int = Field(
        default=20, ge=1, le=200, description="threads with new replies read per poll at most"
    )
    user_lookups: int = Field(
        default=20, ge=0, le=200, description="members whose names are asked for per poll at most"
    )
    limit: int = Field(
        default=200,
        ge=1,
        le=999,
        description="messages per page; 15, with max_pages 1, for an app that is sold outside "
        "Slack's Marketplace, which may ask once a minute",
    )
    max_pages: int = Field(default=10, ge=1, le=100, description="pages per poll at most")
    first_pages: int = Field(
        default=1, ge=1, le=10, description="pages of history that the first poll reads back"
    )
    base_url: str = Field(default="https://slack.com", description="address of Slack's API")

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://slack.com")
