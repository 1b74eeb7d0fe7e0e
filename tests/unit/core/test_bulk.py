"""Many rows at once: stored as SQLAlchemy itself would store them, on both databases."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark_core.bulk import among, insert_new
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_core.tables import Brand, Mention, Source
from earmark_core.tables.columns import table_of

_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_ROW = st.fixed_dictionaries(
    {
        "title": _WORDS,
        "rating": st.none() | st.floats(0, 5),
        "metrics": st.dictionaries(_WORDS, st.integers(0, 9), max_size=2),
        "published_at": st.none() | st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)),
        "is_own": st.booleans(),
        "author_followers": st.none() | st.integers(0, 2**31 - 1),
    }
)


@pytest.fixture
def source_id(store: Store, clock: FixedClock) -> int:
    with store.write() as session:
        brand = Brand(name="Brightcup", created_at=clock())
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id or 0, channel="feed", name="s", next_poll_at=clock(),
            created_at=clock(),
        )  # fmt: skip
        session.add(source)
        session.flush()
        return source.id or 0


def row(source_id: int, name: str, clock: FixedClock, **more: Any) -> dict[str, Any]:
    needed = {"channel": "feed", "seen_at": clock(), "happened_at": clock(), "content_hash": "h"}
    return {"source_id": source_id, "external_id": name, **needed, **more}


def stored(store: Store) -> list[dict[str, Any]]:
    table = table_of(Mention)
    with store.read() as session:
        rows = session.execute(sa.select(table).order_by(table.c.id)).mappings()
        return [dict(found) for found in rows]


@given(rows=st.lists(_ROW, min_size=1, max_size=5))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_are_stored_as_sqlalchemy_stores_them(
    store: Store, clock: FixedClock, source_id: int, rows: list[dict[str, Any]]
) -> None:
    ours = [row(source_id, f"a{n}", clock, **values) for n, values in enumerate(rows)]
    theirs = [each | {"external_id": f"b{n}"} for n, each in enumerate(ours)]
    with store.write() as session:
        session.execute(sa.delete(Mention))
        insert_new(session, Mention, ours)
        session.execute(sa.insert(Mention), theirs)
    found = [{key: value for key, value in each.items() if key not in {"id", "external_id"}}
             for each in stored(store)]  # fmt: skip
    assert found[: len(rows)] == found[len(rows) :]


def test_what_is_known_is_left_as_it_is(store: Store, clock: FixedClock, source_id: int) -> None:
    with store.write() as session:
        insert_new(session, Mention, [row(source_id, "1", clock, title="first")])
        both = [row(source_id, name, clock, title="second") for name in ("1", "2")]
        insert_new(session, Mention, both)
        insert_new(session, Mention, [])
    assert [(each["external_id"], each["title"]) for each in stored(store)] == [
        ("1", "first"),
        ("2", "second"),
    ]


def test_a_key_may_be_left_out(store: Store, clock: FixedClock, source_id: int) -> None:
    with store.write() as session:
        insert_new(session, Mention, [row(source_id, "1", clock, raw="{}")], without=("raw",))
    [mention] = stored(store)
    assert (mention["revision"], mention["cues"], mention["label"]) == (1, [], None)


@pytest.mark.parametrize("name", ["1", 'say "it"', "{a,b}", "\\N", "é☕", ""])
def test_among_finds_a_text_whatever_is_in_it(
    store: Store, clock: FixedClock, source_id: int, name: str
) -> None:
    column = table_of(Mention).c.external_id
    query = sa.select(column).where(among(column, "names", store.dialect))
    with store.write() as session:
        insert_new(session, Mention, [row(source_id, each, clock) for each in (name, "other")])
        found = session.execute(query, {"names": [name, "unknown"]}).scalars().all()
        assert found == [name]
        assert session.execute(query, {"names": []}).scalars().all() == []
