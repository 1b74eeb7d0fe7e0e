"""What a seed holds: brands with all that belongs to them, and people. Values, no I/O."""

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from earmark_core.model import Role

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Query = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]

LONGEST_DAYS = 36_500
"""What a time to keep things may be at most; beyond it the first days there were would not do."""

_DAY = 86_400
_MOST_WORDS = 200
_TOPIC_WORD = re.compile(r"[^*]*[^\W_][^*]*\*?")


def _plain_label(text: str) -> str:
    """Refuses the signs with which a correction is written: "Product > Battery: negative"."""
    if ":" in text or ">" in text:
        raise ValueError('must have no ":" and no ">" in it')
    return text


def _topic_word(text: str) -> str:
    if len(text.rstrip("*")) < 2 or not _TOPIC_WORD.fullmatch(text):
        raise ValueError(
            'must be a word or phrase of two letters or more, with "*" only at its end'
        )
    return text


def _some(words: tuple[str, ...]) -> tuple[str, ...]:
    if not 0 < len(words) <= _MOST_WORDS:
        raise ValueError(f"must hold 1 to {_MOST_WORDS} words")
    return words


Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
TopicName = Annotated[Short, AfterValidator(_plain_label)]
TopicWord = Annotated[Short, AfterValidator(_topic_word)]
TopicWords = Annotated[tuple[TopicWord, ...], AfterValidator(_some)]


class _Entry(BaseModel):
    """One table of a seed: an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MonitorSeed(_Entry):
    """A saved query."""

    name: Name = Field(examples=["all mentions"])
    query: Query = Field(examples=["acme NOT hotel"])


class SourceSeed(_Entry):
    """One place to poll; *options* are the channel's own and are checked by the channel.

    `retention_days` and `raw_days` are how long mentions and raw payloads are kept, 0 for ever;
    without them the installation's hold. `covers` says in a sentence what the source hears and
    what it cannot; it is shown in previews and not stored.
    """

    name: Name = Field(examples=["News search"])
    channel: Name = Field(examples=["feed"])
    takes_all: bool = False
    include: str = ""
    exclude: str = ""
    interval_seconds: int = Field(default=300, ge=1, le=30 * _DAY, examples=[300])
    retention_days: int | None = Field(default=None, ge=0, le=LONGEST_DAYS, examples=[365])
    raw_days: int | None = Field(default=None, ge=0, le=LONGEST_DAYS, examples=[30])
    options: dict[str, Any] = Field(default_factory=dict)
    covers: str = ""


class TopicSeed(_Entry):
    """Something of the brand that mentions speak of, in two levels, and the words that name it.

    They are words or phrases, found as whole words in any case; one that ends in * stands for
    any ending.
    """

    area: TopicName = Field(examples=["Product"])
    name: TopicName = Field(examples=["Battery"])
    words: TopicWords = Field(examples=[["batter*", "charging", "power bank"]])


class PolicySeed(_Entry):
    """When a mention of the brand becomes a case, and how soon it is answered."""

    queue_negative_from: float = Field(default=0.0, ge=0, le=1, examples=[0.5])
    queue_rating_to: float = Field(default=2.0, ge=0, le=5, examples=[2.0])
    first_response_minutes: int = Field(default=240, ge=1, le=100_000, examples=[240])
    urgent_response_minutes: int = Field(default=60, ge=1, le=100_000, examples=[60])
    reopen_days: int = Field(default=14, ge=0, le=3_650, examples=[14])
    many_followers: int = Field(default=10_000, ge=1, le=10**9, examples=[10_000])
    needs_approval: bool = False


class SavedReplySeed(_Entry):
    """A text with {placeholders} that a responder starts from."""

    name: Name = Field(examples=["Sorry, late"])
    body: str = Field(min_length=1, max_length=10_000, examples=["Sorry, {name}. Which flight?"])


class BrandSeed(_Entry):
    """A brand and all that belongs to it; its `names` are what it is called besides `name`."""

    name: Name = Field(examples=["Acme Air"])
    names: tuple[Name, ...] = Field(default=(), examples=[["acmeair", "AcmeAir app"]])
    competitor: bool = False
    monitors: tuple[MonitorSeed, ...] = Field(default=(), alias="monitor")
    sources: tuple[SourceSeed, ...] = Field(default=(), alias="source")
    topics: tuple[TopicSeed, ...] = Field(default=(), alias="topic")
    policy: PolicySeed | None = None
    saved_replies: tuple[SavedReplySeed, ...] = Field(default=(), alias="saved_reply")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for kind, entries in (
            ("monitors", self.monitors),
            ("sources", self.sources),
            ("saved replies", self.saved_replies),
        ):
            _refuse_twins(f'{kind} of brand "{self.name}"', [entry.name for entry in entries])
        topics = [f"{topic.area} > {topic.name}" for topic in self.topics]
        _refuse_twins(f'topics of brand "{self.name}"', topics)
        return self


class PersonSeed(_Entry):
    """Somebody who works with earmark."""

    name: Name = Field(examples=["Ada Lovelace"])
    role: Role = Field(examples=["responder"])


class Seed(_Entry):
    """All that one seed file asks for."""

    brands: tuple[BrandSeed, ...] = Field(default=(), alias="brand")
    people: tuple[PersonSeed, ...] = Field(default=(), alias="person")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _refuse_twins("brands", [brand.name for brand in self.brands])
        _refuse_twins("people", [person.name for person in self.people])
        return self


def _refuse_twins(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'two {kind} are called "{name}"; give each a name of its own')
