from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from earmark.demo.testing import DemoServer, demo_server
from earmark_core.clock import FixedClock


@pytest.fixture
def demo_clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
def quiet_demo(demo_clock: FixedClock) -> Iterator[DemoServer]:
    with demo_server(seed=5, clock=demo_clock) as server:
        yield server
