"""The ledger: which share of the time was really heard."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from earmark_core.coverage import Heard, gaps, share

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(state: str, begin: float | None, end: float) -> Heard:
    return Heard(state, None if begin is None else START + begin * HOUR, START + end * HOUR)


def whole(*hours: float) -> list[Heard]:
    """Good polls at these hours, each reaching back to the one before."""
    return [window("complete", before, at) for before, at in zip((0, *hours), hours, strict=False)]


def test_polls_that_reach_back_to_each_other_cover_all() -> None:
    assert share(whole(1, 2, 3, 4), START, START + 4 * HOUR, grace=timedelta(0)) == 1
    assert gaps(whole(1, 2, 3, 4), START, START + 4 * HOUR) == ()


def test_an_outage_is_a_gap_from_and_to() -> None:
    ledger = [*whole(1, 2), window("failed", None, 3), window("complete", 8, 9)]
    assert gaps(ledger, START, START + 9 * HOUR) == ((START + 2 * HOUR, START + 8 * HOUR),)
    assert share(ledger, START, START + 9 * HOUR, grace=timedelta(0)) == 1 - 6 / 9


def test_a_later_poll_that_reaches_back_heals_the_gap() -> None:
    ledger = [*whole(1, 2), window("failed", None, 3), window("down", None, 4)]
    assert share([*ledger, window("complete", 2, 9)], START, START + 9 * HOUR, grace=HOUR * 0) == 1


def test_what_came_after_the_last_poll_is_not_missed_yet() -> None:
    assert share(whole(1, 2), START, START + 3 * HOUR, grace=HOUR) == 1
    assert share(whole(1, 2), START, START + 4 * HOUR, grace=HOUR) == 1 - 1 / 3


def test_a_cut_off_poll_vouches_only_for_what_it_reached() -> None:
    ledger = [*whole(1), window("truncated", 3, 4)]
    assert gaps(ledger, START, START + 4 * HOUR) == ((START + HOUR, START + 3 * HOUR),)


def test_no_time_has_no_share() -> None:
    assert share([], START, START, grace=timedelta(0)) is None
    assert share([], START, START + HOUR, grace=timedelta(0)) == 0


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
    less = share(some, START, end, grace=timedelta(0)) or 0
    assert -1e-9 <= less <= (share(some + more, START, end, grace=timedelta(0)) or 0) + 1e-9
