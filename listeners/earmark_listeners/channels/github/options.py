"""What a person sets for a GitHub source."""

from typing import Self

from pydantic import Field, model_validator

from earmark_listeners.contract import ChannelOptions


class GitHubOptions(ChannelOptions):
    """Options of a GitHub source."""

    repository: str = Field(
        default="",
        pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$",
        max_length=140,
        description="a repository to hear whole, as owner/name",
    )
    query: str = Field(
        default="",
        max_length=200,
        description='words to search all of GitHub for, such as "acme air" -org:acme',
    )
    token: str = Field(
        default="",
        description="an access token, as env:NAME or file:/path; needed to answer, for "
        "discussions and for what is private",
        json_schema_extra={"secret": True},
    )
    discussions: bool = Field(default=False, description="hear discussions as well")
    pull_requests: bool = Field(default=False, description="hear pull requests as well")
    bots: bool = Field(default=False, description="hear what bots write as well")
    accounts: tuple[str, ...] = Field(
        default=(), description="logins whose words are our own, besides the token's"
    )
    base_url: str = Field(
        default="https://api.github.com",
        pattern=r"^https?://[^@\s?#]+$",
        description="address of the API; of an own server https://HOST/api/v3",
    )
    overlap_minutes: int = Field(
        default=30, ge=0, le=10_080, description="how far each poll looks back again"
    )
    max_pages: int = Field(
        default=5, ge=1, le=10, description="pages of 100 that a poll reads of each kind at most"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.repository) == bool(self.query.strip()):
            raise ValueError("set either repository or query")
        if self.discussions and not self.token:
            raise ValueError("token is missing (GitHub gives discussions only to an account)")
        return self
