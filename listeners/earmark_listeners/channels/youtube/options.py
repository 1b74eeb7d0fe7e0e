"""What a person sets for a YouTube source."""

from typing import Literal, Self

from pydantic import Field, model_validator

from earmark_listeners import google
from earmark_listeners.contract import ChannelOptions


class YouTubeOptions(ChannelOptions):
    """Options of a YouTube source."""

    kind: Literal["channel", "video", "search"] = Field(
        default="channel",
        description="what is listened to: comments on all videos of a channel or on one video, or "
        "videos that a search finds",
    )
    channel_id: str = Field(
        default="", pattern=r"^[\w-]{0,100}$", description="the channel listened to, UC and more"
    )
    video_id: str = Field(default="", pattern=r"^[\w-]{0,50}$", description="the video listened to")
    query: str = Field(default="", max_length=500, description="what to search for")
    language: str = Field(default="", max_length=20, description="search in this language, as en")
    api_key: str = Field(
        default="",
        description="API key, enough to read without an account, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    client_id: str = Field(default="", description="id of the OAuth client, to answer as well")
    client_secret: str = Field(
        default="",
        description="secret of the OAuth client, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    refresh_token: str = Field(
        default="",
        description="refresh token with youtube.force-ssl, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    own_channel_id: str = Field(
        default="",
        pattern=r"^[\w-]{0,100}$",
        description="our own channel; left out: the one of the OAuth account, else the one "
        "listened to",
    )
    recheck_pages: int = Field(
        default=1,
        ge=1,
        le=5,
        description="pages of 100 newest threads in which each poll looks for new replies",
    )
    max_pages: int = Field(default=5, ge=1, le=50, description="pages per poll at most")
    max_reply_pages: int = Field(
        default=20, ge=0, le=100, description="pages of 100 replies per poll at most"
    )
    overlap_minutes: int = Field(
        default=60, ge=0, le=10_080, description="how far each poll of comments looks back again"
    )
    search_minutes: int = Field(
        default=30, ge=1, le=1_440, description="minutes between two searches at least"
    )
    searches_per_day: int = Field(
        default=100, ge=1, le=100_000, description="searches a day that Google grants the project"
    )
    search_overlap_hours: int = Field(
        default=6, ge=0, le=720, description="how far each search looks back again"
    )
    base_url: str = Field(
        default="https://www.googleapis.com/youtube/v3",
        pattern=r"^https?://[^@\s]+$",
        description="address of the API",
    )
    token_url: str = Field(
        default=google.TOKEN_URL,
        pattern=r"^https?://[^@\s]+$",
        description="where tokens are given",
    )

    @property
    def has_account(self) -> bool:
        """Whether an account is connected, which may answer."""
        return bool(self.refresh_token)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted = {"channel": "channel_id", "video": "video_id", "search": "query"}[self.kind]
        if not getattr(self, wanted):
            raise ValueError(f"{wanted} is missing (what to listen to)")
        given = [bool(each) for each in (self.client_id, self.client_secret, self.refresh_token)]
        if any(given) and not all(given):
            raise ValueError("client_id, client_secret and refresh_token belong together")
        if not self.api_key and not self.has_account:
            raise ValueError("api_key is missing (or an OAuth client with refresh_token)")
        return self
