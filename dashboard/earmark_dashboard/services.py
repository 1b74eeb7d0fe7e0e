"""What the pages are handed before they run, and how they reach it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from earmark_core.clock import Clock
from earmark_core.model import Actor, Receipt
from earmark_dashboard.contracts import (
    BrandRow,
    BrandsService,
    CasesService,
    Proposal,
    SourcesService,
    TrendsService,
    ViewsService,
)
from earmark_dashboard.entering import EnteringService
from earmark_dashboard.hearing import (
    BackfillsService,
    KeepingService,
    MonitorsService,
    SetupService,
)
from earmark_dashboard.learned import JudgingService, LearningService, RescoresService
from earmark_dashboard.reply_contract import RepliesService
from earmark_listeners.contract import ChannelRules

__all__ = ["BrandRow", "Proposal", "Services", "Taken", "current", "provide"]


def _no_receipt(_actor: Actor, _mention_id: int) -> Receipt | None:
    return None


def _never() -> timedelta | None:
    return None


def _never_approved(_actor: Actor, _case_id: int) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Taken:
    """What the sender of a delivery is told: 2xx only once all that is to be kept is stored.

    `text`, where there is any, is answered as it is, in place of `body` as JSON.
    """

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    retry_after: int = 0


Deliver = Callable[[str, Mapping[str, str], bytes], Awaitable[Taken]]
"""Given the source's key in the address, the headers in small letters and the body as it came."""
Handshake = Callable[[str, Mapping[str, str]], Awaitable[Taken]]
"""Given the source's key in the address and what stands behind the question mark."""


@dataclass(frozen=True, slots=True)
class Services:
    """All that the dashboard can do, built by whoever starts it.

    `actor_for` is given the cookies of the visitor and says who that is, or None for nobody.
    `explain` gives the receipt of one mention, None where it has no score. `worker_heartbeat`
    gives how long ago the worker was last heard, None for never. `needs_approval` tells
    whether a reply of this actor to this case waits for an approver. `learning` is None where
    the scorer in use was brought by somebody else and cannot learn; `setup`, `backfills`,
    `monitors`, `keeping` and `entering` where what is listened to is not changed from here.
    `deliver` takes what other programs send, `handshake` answers a platform that first asks whose
    address it is; None where nothing is taken.
    """

    cases: CasesService
    replies: RepliesService
    views: ViewsService
    trends: TrendsService
    sources: SourcesService
    brands: BrandsService
    judging: JudgingService
    rescores: RescoresService
    clock: Clock
    rules_of: Callable[[str], ChannelRules]
    actor_for: Callable[[Mapping[str, str]], Actor | None]
    explain: Callable[[Actor, int], Receipt | None] = _no_receipt
    worker_heartbeat: Callable[[], timedelta | None] = _never
    needs_approval: Callable[[Actor, int], bool] = _never_approved
    learning: LearningService | None = None
    setup: SetupService | None = None
    backfills: BackfillsService | None = None
    monitors: MonitorsService | None = None
    keeping: KeepingService | None = None
    entering: EnteringService | None = None
    deliver: Deliver | None = None
    handshake: Handshake | None = None


_provided: list[Services] = []


def provide(services: Services) -> None:
    """Hands the pages their services; the last call counts."""
    _provided[:] = [services]


def current() -> Services:
    """Gives what was provided.

    Raises:
        LookupError: nothing was provided before the page ran.
    """
    if not _provided:
        raise LookupError("The dashboard was started without services; call provide() first.")
    return _provided[0]
