"""Who may send to a webhook, and where in the body an item's parts are."""

from typing import Literal

from pydantic import Field, field_validator

from earmark_listeners.contract import ChannelOptions


class WebhookOptions(ChannelOptions):
    """Who may send, and where in the body an item's parts are."""

    secret: str = Field(
        description="the secret that deliveries are signed with, as env:NAME or file:/path",
        min_length=1,
        json_schema_extra={"secret": True},
    )
    old_secret: str = Field(
        default="",
        description="the one before it, still taken while the sender changes over",
        json_schema_extra={"secret": True},
    )
    signature: Literal["standard", "timestamp", "github", "slack"] = Field(
        default="standard", description="how the sender signs; see docs/webhook.md"
    )
    slug: str = Field(
        default="",
        max_length=80,
        pattern=r"^([a-z][a-z0-9-]*)?$",
        description="deliveries go to /hooks/SLUG; left out: /hooks/NUMBER of the source",
    )
    max_age_seconds: int = Field(
        default=300, ge=30, le=3_600, description="how old a signed delivery may be"
    )
    items: str = Field(default="/items", description="where the list is; without one: the body")
    id: str = Field(default="/external_id", description="its own id, the same for ever")
    text: str = Field(default="/text", description="what was said")
    text_is_html: bool = Field(default=False, description="the text is HTML")
    title: str = Field(default="/title", description="its title")
    url: str = Field(default="/url", description="its address")
    author: str = Field(default="/author/id", description="the author's own id")
    author_name: str = Field(default="/author/name", description="the author's name")
    published_at: str = Field(
        default="/published_at", description="when it was said: ISO 8601, or seconds since 1970"
    )
    rating: str = Field(default="/rating", description="its stars")
    rating_scale: float = Field(default=5, gt=0, le=100, description="the most stars there are")
    thread: str = Field(default="/thread_id", description="the thread it belongs to")
    language: str = Field(default="/language", description="its language, such as en")

    @field_validator(
        "items", "id", "text", "title", "url", "author", "author_name", "published_at", "rating",
        "thread", "language",
    )  # fmt: skip
    @classmethod
    def _is_pointer(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("this should be a JSON pointer such as /review/text")
        return value
