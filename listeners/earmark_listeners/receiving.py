"""The contract of channels that are delivered to: what comes in, and what they offer for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from earmark_listeners.contract import Batch


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a platform sent us on its own: header names in small letters, the body untouched."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@runtime_checkable
class Receiver(Protocol):
    """What a channel with `is_push` offers; the Listener class implements it."""

    def receive(self, incoming: Incoming) -> Batch:
        """Gives the items of a delivery, which may come twice and in any order.

        Raises:
            Rejected: the signature is missing, wrong or too old; nothing of it may be kept.
            Malformed: it is signed but cannot be read.
        """
        ...


@runtime_checkable
class Handshaker(Protocol):
    """What a Receiver offers whose platform first asks whether the address is ours."""

    def handshake(self, query: Mapping[str, str]) -> str:
        """Gives what is answered, as plain text; raises `Rejected` where the asker is not known."""
        ...


@runtime_checkable
class Reader(Protocol):
    """What a Receiver offers whose deliveries may only name what was said (`Batch.named`)."""

    async def read(self, names: Sequence[str]) -> Batch:
        """Gives what is behind these names now; raises as `poll` does."""
        ...
