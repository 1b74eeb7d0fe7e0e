"""Packed bodies are unpacked in pieces: none is lost where a piece ends, and none is held twice."""

import gzip
import random
import tracemalloc

import pytest

from earmark_core.errors import Malformed
from earmark_core.inflate import Bounded

PIECE = 1 << 18


@pytest.mark.parametrize("more", [-259, -258, -1, 0, 1, 258, 32_768, PIECE])
@pytest.mark.parametrize("step", [1_000, 1 << 20])
def test_a_body_that_ends_near_a_piece_is_whole(more: int, step: int) -> None:
    plain = random.Random(1).randbytes(1_000) + b" " * (2 * PIECE + more)
    packed = gzip.compress(plain)
    body = Bounded("gzip", 4 * PIECE)
    for start in range(0, len(packed), step):
        body.feed(packed[start : start + step])
    assert body.finish() == plain


def test_a_bomb_is_refused_before_it_is_held_twice() -> None:
    packed = gzip.compress(b" " * 40_000_000)
    body = Bounded("gzip", 4_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="larger than 4,000,000 bytes"):
            body.feed(packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000


@pytest.mark.parametrize("said", ["", "12", "4000000", "-1", "much", "9" * 40])
def test_a_length_within_the_limit_or_beyond_reason_is_not_believed(said: str) -> None:
    Bounded("", 4_000_000, said).feed(b"x")


def test_a_length_past_the_limit_is_refused_unread() -> None:
    with pytest.raises(Malformed, match="larger than 4,000,000 bytes"):
        Bounded("gzip", 4_000_000, "4000001")
