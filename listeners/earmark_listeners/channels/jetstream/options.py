"""What a person sets for a Jetstream source."""

from typing import Literal

from pydantic import Field, field_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.whole_words import prepared
from earmark_listeners.wire import server_address

_EXAMPLE = "https://jetstream.us-east.bsky.network"
_PLAIN = {"wss://": "https://", "ws://": "http://"}


class JetstreamOptions(ChannelOptions):
    """Options of a Jetstream source."""

    terms: tuple[str, ...] = Field(
        min_length=1, max_length=200,
        description="what is kept: words and phrases as they stand in a post, and accounts by "
        "their id (did:plc:...): what they post, and what names, answers or quotes them",
    )  # fmt: skip
    own_did: str = Field(
        default="", pattern=r"^(did:[a-z]+:[A-Za-z0-9._:%-]{1,250})?$",
        description="the id of our own account (did:plc:...): what it posts is ours",
    )  # fmt: skip
    wire: Literal["v2", "v1"] = Field(
        default="v2", description="which of its two ways of speaking the server knows"
    )
    base_url: str = Field(default=_EXAMPLE, description="address of the server")
    seconds: int = Field(
        default=120, ge=5, le=200, description="seconds that a poll listens at most"
    )
    max_messages: int = Field(
        default=500_000, ge=100, le=5_000_000, description="messages that a poll takes at most"
    )
    max_megabytes: int = Field(
        default=400, ge=1, le=4_000, description="megabytes that a poll takes at most"
    )
    max_message_kilobytes: int = Field(
        default=2_048, ge=16, le=16_384, description="kilobytes that one message may have"
    )
    silence_seconds: int = Field(
        default=20, ge=1, le=60, description="seconds without a message after which a poll ends"
    )
    overlap_seconds: int = Field(
        default=5, ge=0, le=600,
        description="how far behind the last poll to begin again (v1; v2 goes by number)",
    )  # fmt: skip

    @field_validator("base_url", mode="after")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        for written, plain in _PLAIN.items():
            if value.strip().lower().startswith(written):
                value = plain + value.strip()[len(written) :]
        return server_address(value, _EXAMPLE)

    @field_validator("terms")
    @classmethod
    def _are_terms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for term in value:
            if len(prepared(term)) < 2 or not any(char.isalnum() for char in term):
                raise ValueError(f"{term!r} is too short to look for")
        return tuple(dict.fromkeys(" ".join(term.split()) for term in value))
