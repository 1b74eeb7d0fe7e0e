"""The ledger: which stretches of time were really heard."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from earmark_core.coverage import Heard, gaps

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(state: str, begin: float | None, end: float) -> Heard:
    return Heard(state, None if begin is None else START + begin * HOUR, START + end * HOUR)


def whole(*hours: float) -> list[Heard]:
    """Good polls at these hours, each reaching back to the one before."""
    return [window("complete", before, at) for before, at in zip((0, *hours), hours, strict=False)]


def test_polls_that_reach_back_to_each_other_cover_all() -> None:
    assert gaps(whole(1, 2, 3, 4), START, START + 4 * HOUR) == ()


def test_an_outage_is_a_gap_from_and_to() -> None:
    ledger = [*whole(1, 2), window("failed", None, 3), window("complete", 8, 9)]
    assert gaps(ledger, START, START + 9 * HOUR) == ((START + 2 * HOUR, START + 8 * HOUR),)


def test_a_later_poll_that_reaches_back_heals_the_gap() -> None:
    ledger = [*whole(1, 2), window("failed", None, 3), window("down", None, 4)]
    assert gaps([*ledger, window("complete", 2, 9)], START, START + 9 * HOUR) == ()


def test_a_cut_off_poll_vouches_only_for_what_it_reached() -> None:
    ledger = [*whole(1), window("truncated", 3, 4)]
    assert gaps(ledger, START, START + 4 * HOUR) == ((START + HOUR, START + 3 * HOUR),)


hours = st.floats(-5, 30)
ledgers = st.lists(
    st.builds(
        window,
        st.sampled_from(["complete", "failed", "down", "truncated", "rate_limited"]),
        st.none() | hours,
        hours,
    ),
    max_size=12,
)


@given(ledgers, ledgers)
@example([window("complete", 0, 1)], [window("complete", 2, 1)])
def test_more_windows_never_uncover_time(some: list[Heard], more: list[Heard]) -> None:
    end = START + 24 * HOUR
    fewer, more_of_it = (gaps(each, START, end) for each in (some + more, some))
    assert missed(fewer) <= missed(more_of_it) <= end - START


def missed(found: tuple[tuple[datetime, datetime], ...]) -> timedelta:
    return sum((until - since for since, until in found), timedelta())
