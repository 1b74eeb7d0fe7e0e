"""A large database made by the database itself: mentions, cases, contacts, history.

Deterministic: everything follows from a row's number. One case for four mentions, of which
12 in 100 are still alive; a thread has four mentions, a case two of them; 200,000 people.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks import databases
from earmark_core.clock import FixedClock
from earmark_core.store import Store
from earmark_core.tables import (
    AuditEntry,
    Case,
    CaseMention,
    Contact,
    Identity,
    Match,
    Mention,
    Note,
    Reply,
    RollupHour,
    SlaClock,
)
from earmark_core.tables.columns import table_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SPAN = timedelta(days=365)
CHANNELS = ("feed", "mastodon", "hackernews", "import")
LABELS = ("negative", "neutral", "positive")
SOURCES = 20
PEOPLE = 200_000
_LOT = "(n * 7919 % 10007)"  # what is drawn for a case, so that its qualities do not follow rank
_FILLED = (Contact, Identity, Mention, Match, Case, CaseMention, SlaClock, AuditEntry, Note, Reply,
           RollupHour)  # fmt: skip
_WORDS = (
    "the kettle leaks again and nobody answers my mail", "love this machine every morning",
    "ordered last week and still no parcel", "refund me please it broke after two days",
    "works fine for us so far", "is the filter the same as in the old one",
    "worst coffee I ever had from them", "support was quick and kind today",
)  # fmt: skip


def fill(store: Store, mentions: int) -> None:
    """Fills an empty store; indexes are built at the end, statistics only where a server would."""
    databases.people_and_brands(store, FixedClock(NOW))
    with store.write() as session:
        for number in range(SOURCES):
            databases.add_source(session, FixedClock(NOW), f"source {number}",
                                 channel=CHANNELS[number % len(CHANNELS)],
                                 brand_id=1 + number % 3)  # fmt: skip
    indexes = [index for model in _FILLED for index in _table(model).indexes]
    with store.engine.connect() as connection:
        _relaxed(connection)
        for index in indexes:
            index.drop(connection)
        for statement in _statements(store.dialect, mentions):
            # Not as text(): there is a colon in every moment.
            is_server = store.dialect == "postgresql"
            connection.exec_driver_sql(statement.replace("%", "%%") if is_server else statement)
        for index in indexes:
            index.create(connection)
        connection.commit()
    if store.dialect == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _table(model: Any) -> sa.Table:
    table: sa.Table = table_of(model)
    return table


def _relaxed(connection: sa.Connection) -> None:
    """Checks no references while filling: they hold by construction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql("SET maintenance_work_mem = '256MB'")


def _statements(dialect: str, mentions: int) -> list[str]:
    cases = mentions // 4
    people = min(PEOPLE, max(cases, 1))
    out = [
        _insert(dialect, people, "contact", {"id": "n", "name": "'Person ' || n",
                "is_vip": "n % 500 = 0", "created_at": _at(dialect, "0")}),
        _insert(dialect, people, "identity", {"id": "n", "contact_id": "n",
                "key": f"{_channel('n')} || ':p' || n", "channel": _channel("n"),
                "handle": "'@p' || n", "url": "'https://social.example/@p' || n",
                "followers": "n % 9000"}),
        _insert(dialect, mentions, "mention", _mention(dialect, mentions, people)),
        _insert(dialect, mentions, "match", {"id": "n", "mention_id": "n",
                "brand_id": _brand("n"), "monitor_id": "NULL",
                "clause": "'this source takes all'", "is_counted": "1 = 1"}),
        _insert(dialect, cases, '"case"', _case(dialect, mentions, cases, people)),
    ]  # fmt: skip
    for second in (0, 1):
        pair = {"case_id": "n", "mention_id": f"n * 4 - {second}", "revision": "1"}
        out.append(_insert(dialect, cases, "case_mention", pair))
    out += [
        _from_case("sla_clock", {"case_id": "id", "target": "'first_response'", "state":
                   "CASE WHEN due_at IS NULL THEN 'met' ELSE 'running' END", "started_at":
                   "opened_at", "due_at": "coalesce(due_at, opened_at)", "ended_at":
                   "resolved_at"}),
        _from_case("audit_entry", _audit("opened_at", "'rule:queue'", "'open'")),
        _from_case("audit_entry", _audit("updated_at", "'Ana'", "'claim'"),
                   "owner_id IS NOT NULL"),
        _from_case("note", {"case_id": "id", "by": "'Ana'", "body": "'called back'",
                   "at": "updated_at"}, "id % 10 = 0"),
        _from_case("reply", _reply(cases), "id % 3 = 0"),
        'INSERT INTO rollup_hour (brand_id, channel, "hour", n, negative, neutral, positive,'
        f" unscored) SELECT brand_id, channel, {_hour(dialect)}, count(*),"
        " sum(CASE WHEN label = 'negative' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN label = 'neutral' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN label = 'positive' THEN 1 ELSE 0 END),"
        " sum(CASE WHEN label IS NULL THEN 1 ELSE 0 END)"
        " FROM mention JOIN match ON match.mention_id = mention.id GROUP BY 1, 2, 3",
    ]  # fmt: skip
    if dialect == "postgresql":
        out += [
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"
            for name in ("contact", "identity", "mention", "match", '"case"')
        ]
    return out


def _mention(dialect: str, mentions: int, people: int) -> dict[str, str]:
    person = f"(((n + 3) / 4 * 7 + CASE WHEN n % 4 IN (0, 3) THEN 0 ELSE n % 4 END) % {people} + 1)"
    happened = _at(dialect, f"n * {SPAN.total_seconds():.0f}.0 / {mentions}")
    label = "CASE WHEN n % 20 < 6 THEN 'negative' WHEN n % 20 < 14 THEN 'neutral' " \
            "WHEN n % 20 < 19 THEN 'positive' END"  # fmt: skip
    words = _picked("n / 3", _WORDS) + " || ' ' || " + _picked("n / 7", _WORDS)
    return {
        "id": "n", "source_id": f"1 + ((n + 3) / 4) % {SOURCES}", "external_id": "'x' || n",
        "channel": _channel("((n + 3) / 4)"), "kind": "'post'", "title": "''", "body": words,
        "uri": "'https://social.example/posts/' || n",
        "url": "'https://social.example/posts/' || n",
        "identity": f"{_channel('((n + 3) / 4)')} || ':p' || {person}",
        "author_name": f"'Person ' || {person}", "author_handle": f"'@p' || {person}",
        "author_url": f"'https://social.example/@p' || {person}", "lang_hint": "'en'",
        "metrics": "'{}'", "reply_ref": "'{}'", "thread_key": "'t' || ((n + 3) / 4)",
        "parent_id": "''", "published_at": happened, "seen_at": happened, "happened_at": happened,
        "content_hash": "'h' || n", "revision": "1", "is_history": "1 = 0",
        "is_own": "n % 97 = 0", "score_status":
        "CASE WHEN n % 20 = 19 THEN 'unscored_language' ELSE 'scored' END", "label": label,
        "p_neg": "(n % 20) / 20.0", "compound": "(n % 20) / 10.0 - 1", "lang": "'en'",
        "model_id": "'vader'", "cues": "'[]'", "scored_at": happened, "decided_at": happened,
    }  # fmt: skip


def _case(dialect: str, mentions: int, cases: int, people: int) -> dict[str, str]:
    # 12 in 100 are alive: half of the newest 24 in 100.
    alive = f"(n > {cases * 76 // 100} AND {_LOT} % 2 = 0)"
    seconds = f"n * 4 * {SPAN.total_seconds():.0f}.0 / {mentions}"
    opened = _at(dialect, seconds)
    status = (
        f"CASE WHEN NOT {alive} THEN CASE WHEN n % 7 = 0 THEN 'dismissed' ELSE 'resolved' END "
        f"WHEN {_LOT} / 2 % 10 < 4 THEN 'new' WHEN {_LOT} / 2 % 10 < 7 THEN 'open' "
        f"WHEN {_LOT} / 2 % 10 < 9 THEN 'waiting' ELSE 'snoozed' END"
    )
    rank = f"CASE WHEN {_LOT} / 2 % 41 < 2 THEN 3 WHEN {_LOT} / 2 % 41 < 12 THEN 2 " \
           f"WHEN {_LOT} / 2 % 41 < 37 THEN 1 ELSE 0 END"  # fmt: skip
    priority = rank
    for level, name in enumerate(("low", "normal", "high", "urgent")):
        priority = priority.replace(f"THEN {level}", f"THEN '{name}'")
    priority = priority.replace("ELSE 0", "ELSE 'low'")
    return {
        "id": "n", "brand_id": _brand("(n * 4)"), "contact_id": f"1 + n * 7 % {people}",
        "channel": _channel("n"), "thread_key": "'t' || n", "status": status,
        "priority": priority, "priority_rank": rank,
        "priority_reasons": """'["asks for a refund"]'""", "priority_by_person":
        "1 = 0", "reasons": """'[{"text": "negative"}]'""",
        "headline": _picked("n / 3", _WORDS), "label": _picked(_LOT, LABELS),
        "owner_id": f"CASE WHEN {alive} AND ({_LOT} / 2 % 10 < 4 OR n % 3 = 0) THEN NULL "
                    f"ELSE 1 + {_LOT} / 2 % 8 END",
        "version": "1", "opened_at": opened, "updated_at": opened, "last_inbound_at": opened,
        "last_mention_id": "n * 4", "resolved_at": f"CASE WHEN NOT {alive} THEN {opened} END",
        "wake_at": f"CASE WHEN {alive} AND {_LOT} / 2 % 10 = 9 THEN "
                   f"{_at(dialect, f'{SPAN.total_seconds():.0f} + n % 90000')} END",
        "due_at": f"CASE WHEN {alive} AND {_LOT} / 2 % 10 < 7 THEN "
                  f"{_at(dialect, f'{seconds} + 14400')} END",
        "is_breached": "n % 11 = 0", "resolution": "''",
    }  # fmt: skip


def _audit(at: str, by: str, action: str) -> dict[str, str]:
    return {"at": at, "by": by, "action": action, "subject": "'case'", "subject_id": "id",
            "before": "'{}'", "after": "'{}'", "reason": "'negative'"}  # fmt: skip


def _reply(cases: int) -> dict[str, str]:
    late = f"id > {cases * 97 // 100}"
    return {
        "case_id": "id", "source_id": "1", "channel": "channel", "mention_id": "last_mention_id",
        "seen_mention_id": "last_mention_id", "seen_revision": "1", "target_ref": "'{}'",
        "body": "'We are sorry and look into it.'", "state":
        f"CASE WHEN {late} AND id % 15 = 0 THEN 'awaiting_approval' "
        f"WHEN {late} AND id % 15 = 3 THEN 'failed' ELSE 'confirmed' END",
        "is_by_hand": "1 = 0", "idempotency_key": "'k' || id", "approved_hash": "''",
        "fence": "1", "attempts": "1", "looks": "0", "error": "''", "error_hint": "''",
        "remote_id": "'r' || id", "remote_url": "''", "by": "'Ana'", "approved_by": "''",
        "created_at": "updated_at", "updated_at": "updated_at",
    }  # fmt: skip


def _insert(dialect: str, count: int, table: str, values: dict[str, str]) -> str:
    into = f"INSERT INTO {table} ({', '.join(values)})"
    chosen = f"SELECT {', '.join(values.values())} FROM"
    if dialect == "postgresql":
        return f"{into} {chosen} generate_series(1::bigint, {count}) AS s(n)"
    return (
        f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) "
        f"{into} {chosen} s"
    )


def _from_case(table: str, values: dict[str, str], where: str = "1 = 1") -> str:
    chosen = ", ".join(values.values())
    return f'INSERT INTO {table} ({", ".join(values)}) SELECT {chosen} FROM "case" WHERE {where}'


def _at(dialect: str, seconds: str) -> str:
    """Gives the moment so many seconds after the span began."""
    start = (NOW - SPAN).timestamp()
    if dialect == "postgresql":
        return f"to_timestamp({start:.0f} + {seconds})"
    return f"strftime('%Y-%m-%d %H:%M:%S', {start:.0f} + {seconds}, 'unixepoch') || '.000000'"


def _hour(dialect: str) -> str:
    if dialect == "postgresql":
        return "date_trunc('hour', happened_at)"
    return "substr(happened_at, 1, 13) || ':00:00.000000'"


def _channel(number: str) -> str:
    return _picked(number, CHANNELS)


def _brand(number: str) -> str:
    return f"(1 + ({number} + 3) / 4 % 3)"


def _picked(number: str, words: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
    return f"(CASE ({number}) % {len(words)} {cases} END)"
