"""What a person sets for an Instagram source."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from earmark_listeners.graph import GraphOptions

_IDS = r"^[0-9]*(?:[,\s]+[0-9]+)*$"


class InstagramOptions(GraphOptions):
    """Options of an Instagram source."""

    kind: Literal["comments", "tagged", "mentioned", "hashtag"] = Field(
        default="comments",
        description="what is listened to: comments below our media, media in which we are "
        "tagged, media and comments that name us, or a hashtag",
    )
    user_id: str = Field(pattern=r"^[0-9]{1,40}$", description="number of our professional account")
    username: str = Field(
        default="", max_length=60, description="name of our account; asked for if empty"
    )
    hashtag: str = Field(
        default="",
        max_length=100,
        description="the hashtag, without #; Meta gives one day of it, and 30 tags in 7 days",
    )
    media_ids: str = Field(
        default="",
        max_length=4_000,
        pattern=_IDS,
        description="numbers of media that name us in their caption; Meta tells them only by "
        "webhook and gives no list",
    )
    comment_ids: str = Field(
        default="",
        max_length=4_000,
        pattern=_IDS,
        description="numbers of comments that name us, below others' media",
    )

    @field_validator("hashtag", "username")
    @classmethod
    def _bare(cls, value: str) -> str:
        return value.strip().lstrip("#＃@")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "hashtag" and not self.hashtag:
            raise ValueError("hashtag is missing (the hashtag to listen to)")
        has_names = self.media_ids or self.comment_ids or self.app_secret
        if self.kind == "mentioned" and not has_names:
            raise ValueError(
                "media_ids or comment_ids is missing (what names us), or app_secret (to be told)"
            )
        return self
