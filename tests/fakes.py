"""Fakes of our own making, typed and shared: a listener that does as it is told."""

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from earmark_core.errors import EarmarkError
from earmark_core.model import Cursor, Item
from earmark_listeners.contract import Batch, ChannelOptions, ChannelRules, Listener


class NoOptions(ChannelOptions):
    """Nothing to set."""


class FakeListener(Listener[NoOptions]):
    """Gives the pages it was told, one after the other; an error in their place is raised."""

    channel: ClassVar[str] = "fake"
    summary: ClassVar[str] = "Gives what a test says."
    options_type: ClassVar[type[ChannelOptions]] = NoOptions
    rules: ClassVar[ChannelRules] = ChannelRules()

    def __init__(self, pages: Sequence[Batch | BaseException]) -> None:
        self.pages = list(pages)
        self.asked: list[Cursor | None] = []

    async def poll(self, since: Cursor | None) -> AsyncIterator[Batch]:
        self.asked.append(since)
        while self.pages:
            page = self.pages.pop(0)
            if isinstance(page, BaseException):
                raise page
            yield page


def items(*texts: str, start: int = 1) -> tuple[Item, ...]:
    """Items with ids counted from *start*."""
    return tuple(Item(external_id=str(start + i), text=text) for i, text in enumerate(texts))


__all__ = ["EarmarkError", "FakeListener", "items"]
