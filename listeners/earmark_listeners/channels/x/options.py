"""What a person sets for an X source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions

NO_REPOSTS = "-is:retweet"


class XOptions(ChannelOptions):
    """Options of an X source."""

    kind: Literal["search", "mentions"] = Field(
        default="search", description="what is listened to; mentions are posts that name us"
    )
    query: str = Field(
        default="", max_length=4_096, description="what to search for, in X's own search words"
    )
    max_query: int = Field(
        default=512, ge=1, le=4_096, description="characters of a query that the plan takes"
    )
    user_id: str = Field(
        default="", pattern=r"^[0-9]{0,25}$", description="number of our account on X"
    )
    handle: str = Field(
        default="", max_length=60, pattern=r"^@?\w*$", description="name of our account on X"
    )
    monthly_posts: int = Field(
        default=5_000,
        ge=10,
        le=10_000_000,
        description="posts that may be read in a month at most, by this source: X bills each",
    )
    month_begins: int = Field(
        default=1, ge=1, le=28, description="day of the month (UTC) on which counting begins anew"
    )
    token: str = Field(
        default="",
        description="app-only bearer token, enough to listen, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    client_id: str = Field(default="", description="id of the OAuth 2 client, to answer")
    client_secret: str = Field(
        default="",
        description="secret of that client if it has one, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    refresh_token: str = Field(
        default="",
        description="refresh token of our account, to answer; X replaces it with every use, so "
        "hold it as file:/path",
        json_schema_extra={"secret": True},
    )
    replies_to: Literal["mentions", "all"] = Field(
        default="mentions",
        description="which posts the plan lets us answer; all is for Enterprise",
    )
    reposts: bool = Field(
        default=False, description="whether plain reposts are kept as well; each is billed"
    )
    base_url: str = Field(
        default="https://api.x.com", pattern=r"^https?://[^/@\s]+$", description="address"
    )
    reach_days: int = Field(
        default=7, ge=1, le=3_650, description="days that the plan's search reaches back"
    )
    overlap_seconds: int = Field(
        default=30,
        ge=0,
        le=3_600,
        description="how long before a poll posts may come to light late; those are read again",
    )
    page_size: int = Field(default=100, ge=10, le=100, description="posts per page")
    max_pages: int = Field(default=10, ge=1, le=50, description="pages per poll at most")

    @field_validator("handle")
    @classmethod
    def _without_at(cls, value: str) -> str:
        return value.removeprefix("@")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "search" and not self.query.strip():
            raise ValueError("query is missing (what to search for)")
        if self.kind == "mentions" and not self.user_id:
            raise ValueError("user_id is missing (whose mentions to listen to)")
        if not self.token and not self.refresh_token:
            raise ValueError("token or refresh_token is missing (X shows nothing without)")
        if self.refresh_token and not self.client_id:
            raise ValueError("client_id is missing (it goes with refresh_token)")
        if len(self.search) > self.max_query:
            longest = self.max_query
            raise ValueError(f"the query is too long: {len(self.search)} of {longest} characters")
        return self

    @property
    def search(self) -> str:
        """Gives the query as it is sent; what we would pass over is not bought."""
        if self.reposts or "is:retweet" in self.query or not self.query.strip():
            return self.query.strip()
        return f"({self.query.strip()}) {NO_REPOSTS}"
