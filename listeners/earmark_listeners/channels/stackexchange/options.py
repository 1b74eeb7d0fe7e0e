"""What a person sets for a Stack Exchange source."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions

_OWN_DOMAINS = {
    "stackoverflow": "stackoverflow.com",
    "serverfault": "serverfault.com",
    "superuser": "superuser.com",
    "askubuntu": "askubuntu.com",
    "stackapps": "stackapps.com",
    "mathoverflow.net": "mathoverflow.net",
}


class StackExchangeOptions(ChannelOptions):
    """Options of a Stack Exchange source."""

    site: str = Field(
        default="stackoverflow",
        pattern=r"^[a-z0-9.-]{2,60}$",
        description="the site by its API name, such as stackoverflow, superuser or photo",
    )
    tagged: str = Field(
        default="", max_length=200, description="tags, such as acme-api; questions with all of them"
    )
    query: str = Field(default="", max_length=300, description="what questions are searched for")
    with_answers: bool = Field(default=True, description="hear answers to these questions, too")
    with_comments: bool = Field(
        default=True, description="hear comments, too, below the posts that moved last"
    )
    watch: int = Field(
        default=100,
        ge=0,
        le=300,
        description="posts whose comments are asked for, those that moved last; 100 a request",
    )
    key: str = Field(
        default="",
        max_length=100,
        pattern=r"^\S*$",
        description="key of a registered application, which is no secret: 10,000 requests a day "
        "in place of 300",
    )
    access_token: str = Field(
        default="",
        description="to answer: a token with write_access, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    own_user_id: str = Field(
        default="",
        pattern=r"^[0-9]{0,12}$",
        description="number of our user on the site; asked for if empty and there is a token",
    )
    reply_as: Literal["comment", "answer"] = Field(
        default="comment", description="how a question is answered; all else is commented on"
    )
    longest_comment: int = Field(
        default=600, ge=15, le=30_000, description="characters that a comment may have"
    )
    overlap_seconds: int = Field(
        default=600, ge=0, le=86_400, description="how far each poll looks back again"
    )
    page_size: int = Field(default=100, ge=1, le=100, description="questions per page")
    max_pages: int = Field(default=10, ge=1, le=25, description="pages per poll at most")
    base_url: str = Field(
        default="https://api.stackexchange.com/2.3",
        pattern=r"^https?://[^@\s]+$",
        description="address of the API",
    )

    @field_validator("tagged")
    @classmethod
    def _joined(cls, value: str) -> str:
        """Gives tags joined by semicolons, as the API takes them."""
        return ";".join(tag for tag in re.split(r"[\s,;]+", value.casefold()) if tag)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.tagged and not self.query:
            raise ValueError("tagged or query is missing (which questions to listen to)")
        if self.access_token and not self.key:
            raise ValueError("key is missing (a token is taken only with the key it was made for)")
        return self

    @property
    def origin(self) -> str:
        """Gives where the site's pages are."""
        own = _OWN_DOMAINS.get(self.site)
        if own is None and self.site.endswith(".stackoverflow"):
            own = f"{self.site}.com"
        return f"https://{own or f'{self.site}.stackexchange.com'}"
