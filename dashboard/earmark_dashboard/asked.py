"""What a browser asked for, read field by field, and where it is to be done.

It is text from outside, so `Asked` knows only the shapes it expects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from earmark_core.errors import EarmarkError
from earmark_core.model import Actor
from earmark_dashboard.services import Services
from earmark_dashboard.state import InboxState

LONGEST_BODY = 20_000
_LARGEST = 2**63


class Unreadable(EarmarkError):
    """The page sent something this server does not understand."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of one event; each reader raises `Unreadable` for what is not of its shape."""

    fields: Mapping[str, Any]

    def number(self, name: str) -> int:
        """Gives a whole number that a database can hold."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _LARGEST:
            raise Unreadable(hint="Reload the page.", subject=name)
        return value

    def number_or_none(self, name: str) -> int | None:
        """Gives a whole number, None if it is left out."""
        return None if self.fields.get(name) is None else self.number(name)

    def words(self, name: str) -> str:
        """Gives a text, empty if it is left out."""
        value = self.fields.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_BODY:
            raise Unreadable(hint="Reload the page.", subject=name)
        return value

    def is_so(self, name: str) -> bool:
        """Gives a yes or a no; leaving it out is neither."""
        value = self.fields.get(name)
        if not isinstance(value, bool):
            raise Unreadable(hint="Reload the page.", subject=name)
        return value

    def moment(self, name: str) -> datetime:
        """Gives a moment in UTC; one without a zone is taken to be in UTC."""
        try:
            moment = datetime.fromisoformat(self.words(name))
        except ValueError as error:
            raise Unreadable(hint="Choose a date and a time.", subject=name) from error
        try:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError as error:
            raise Unreadable(hint="Choose a date and a time.", subject=name) from error


@dataclass(frozen=True, slots=True)
class Desk:
    """One thing asked for: by whom, from which place in the inbox, and of which services."""

    services: Services
    actor: Actor
    state: InboxState
    asked: Asked

    @property
    def case_id(self) -> int:
        """Gives the case it is about."""
        return self.asked.number("id")

    @property
    def version(self) -> int:
        """Gives the version of the case that the person saw."""
        return self.asked.number("version")
