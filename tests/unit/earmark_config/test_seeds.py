"""Seeds: read with plain errors, applied once, the same the second time."""

from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from earmark_config.seeds import apply, plan, read_seed, read_seed_text, starter_text, suggest
from earmark_core.errors import ConfigError, EarmarkError, NotAllowed
from earmark_core.model import SYSTEM, Actor, Role
from earmark_core.tables import (
    AuditEntry,
    Brand,
    Monitor,
    Person,
    Policy,
    SavedReply,
    Source,
    Topic,
)
from earmark_listeners import monitor, registry

TEXT = """
[[brand]]
name = "Acme Air"
names = ["acmeair"]
[[brand.monitor]]
name = "all"
query = "acme"
[[brand.source]]
name = "blog"
channel = "feed"
takes_all = true
include = "acme"
interval_seconds = 30
options = { url = "{demo}/feed", depth = [{ a = "{demo}" }], other = "{unknown}" }
[brand.policy]
needs_approval = true
[[brand.saved_reply]]
name = "sorry"
body = "Sorry, {name}."
[[brand]]
name = "Other"
competitor = true
[[person]]
name = "Ada"
role = "responder"
"""


def refuse(*_: object) -> None:
    raise EarmarkError("no such thing", hint="Try another.")


def test_a_seed_is_read_with_its_placeholders_filled(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(TEXT)
    seed = read_seed(path, variables={"demo": "http://127.0.0.1:9"})
    source = seed.brands[0].sources[0]
    assert source.options == {
        "url": "http://127.0.0.1:9/feed",
        "depth": [{"a": "http://127.0.0.1:9"}],
        "other": "{unknown}",
    }
    assert seed.brands[0].saved_replies[0].body == "Sorry, {name}."
    assert [brand.competitor for brand in seed.brands] == [False, True]
    assert seed.people[0].role is Role.responder


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('query = "acme"', 'qurey = "acme"', 7, 'key "qurey" is not known; did you mean "query"?'),
        ('query = "acme"', "query = 3", 7, 'key "query" must be text in quotes, not 3'),
        ('query = "acme"', "", 5, 'key "query" is missing; for example: query = '),
        ("[brand.policy]", "[brand.polcy]", 15, 'did you mean "policy"?'),
        ("[[brand.monitor]]", "[brand.monitor]", 5, "must be a list in [ ]"),
        ('role = "responder"', 'role = "boss"', 25, "'admin', not \"boss\""),
        ("interval_seconds = 30", "interval_seconds = 0", 13, "must be at least 1, not 0"),
        ('name = "Other"', 'name = "Acme Air"', 2, 'two brands are called "Acme Air"'),
    ],
)
def test_an_error_names_line_key_and_what_is_right(old, new, line, words) -> None:
    with pytest.raises(ConfigError) as raised:
        read_seed_text(TEXT.replace(old, new, 1), name="s.toml")
    if "two brands" not in words:
        assert f"s.toml line {line}:" in str(raised.value)
    assert words in str(raised.value)


def test_what_the_floors_above_find_wrong_is_told_with_its_line() -> None:
    with pytest.raises(ConfigError) as raised:
        read_seed_text(TEXT, name="s.toml", check_source=refuse)
    assert str(raised.value) == 's.toml line 14: source "blog": no such thing Try another.'
    with pytest.raises(ConfigError, match="line 7: query: no such thing"):
        read_seed_text(TEXT, name="s.toml", check_query=refuse)
    asked: list[object] = []
    read_seed_text(TEXT, check_source=lambda *a: asked.append(a), check_query=asked.append)
    assert asked[0][0] == "feed"
    assert asked[1:] == ["acme", "acme"]


def test_a_plan_writes_nothing_and_says_what_apply_does(store, clock) -> None:
    seed = read_seed_text(TEXT)
    foreseen = plan(store, seed)
    assert {change.action for change in foreseen} == {"add"}
    with store.read() as session:
        assert session.exec(select(Brand)).all() == []
    assert apply(store, seed, clock, SYSTEM) == foreseen
    kinds = ["person", "brand", "monitor", "source", "policy", "saved reply", "brand"]
    assert [change.kind for change in foreseen] == kinds


def test_applying_twice_changes_nothing_and_leaves_no_second_audit_entry(store, clock) -> None:
    seed = read_seed_text(TEXT)
    apply(store, seed, clock, SYSTEM)
    again = apply(store, seed, clock, SYSTEM)
    assert {change.action for change in again} == {"same"}
    with store.read() as session:
        assert len(session.exec(select(AuditEntry)).all()) == 7
        for table in (Monitor, Source, Policy, SavedReply, Person):
            assert len(session.exec(select(table)).all()) == 1
        source = session.exec(select(Source)).one()
        assert source.next_poll_at == clock()
        assert source.min_interval_seconds == 30
        assert session.exec(select(Policy)).one().needs_approval is True


def test_a_change_is_shown_written_and_audited(store, clock) -> None:
    apply(store, read_seed_text(TEXT), clock, SYSTEM)
    changed = read_seed_text(TEXT.replace('query = "acme"', 'query = "acme air"'))
    (change,) = [c for c in plan(store, changed) if c.action != "same"]
    assert (change.kind, change.subject) == ("monitor", "Acme Air / all")
    assert (change.before, change.after) == ({"query": "acme"}, {"query": "acme air"})
    apply(store, changed, clock, Actor("Mia", Role.manager))
    with store.read() as session:
        assert session.exec(select(Monitor)).one().version == 2
        entry = session.exec(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.by, entry.action, entry.subject) == ("Mia", "changed", "monitor")
        assert (entry.before, entry.after) == ({"query": "acme"}, {"query": "acme air"})


def test_a_source_that_is_pointed_elsewhere_starts_from_the_beginning(store, clock) -> None:
    apply(store, read_seed_text(TEXT), clock, SYSTEM)
    with store.write() as session:
        row = session.exec(select(Source)).one()
        row.cursor, row.first_polled_at, row.needs_person = "42", clock(), True
        session.add(row)
    slower = TEXT.replace("interval_seconds = 30", "interval_seconds = 90")
    apply(store, read_seed_text(slower), clock, SYSTEM)
    with store.read() as session:
        row = session.exec(select(Source)).one()
        assert (row.cursor, row.interval_seconds, row.min_interval_seconds) == ("42", 90, 60)
    apply(store, read_seed_text(slower.replace("/feed", "/news")), clock, SYSTEM)
    with store.read() as session:
        row = session.exec(select(Source)).one()
        assert (row.cursor, row.first_polled_at, row.needs_person) == (None, None, False)


def test_what_the_seed_does_not_say_is_left_as_people_made_it(sqlite_store, clock) -> None:
    apply(sqlite_store, read_seed_text(TEXT), clock, SYSTEM)
    with sqlite_store.write() as session:
        policy = session.exec(select(Policy)).one()
        policy.first_response_minutes = 17
        session.add(policy)
    assert {c.action for c in apply(sqlite_store, read_seed_text(TEXT), clock, SYSTEM)} == {"same"}
    with sqlite_store.read() as session:
        assert session.exec(select(Policy)).one().first_response_minutes == 17


def test_only_managers_apply(sqlite_store, clock) -> None:
    with pytest.raises(NotAllowed):
        apply(sqlite_store, read_seed_text(TEXT), clock, Actor("Rob", Role.responder))


def test_demo_and_real_brands_never_take_each_other_over(sqlite_store, clock) -> None:
    apply(sqlite_store, read_seed_text(TEXT), clock, SYSTEM)
    with pytest.raises(ConfigError, match="no part of the demo"):
        apply(sqlite_store, read_seed_text(TEXT), clock, SYSTEM, is_demo=True)


def test_a_seed_that_fails_halfway_leaves_nothing(sqlite_store, clock) -> None:
    with sqlite_store.write() as session:
        session.add(Brand(name="Other", is_demo=True, created_at=clock()))
    with pytest.raises(ConfigError, match="part of the demo"):
        apply(sqlite_store, read_seed_text(TEXT), clock, SYSTEM)
    with sqlite_store.read() as session:
        assert session.exec(select(Monitor)).all() == []


def test_the_starter_is_a_valid_seed(sqlite_store, clock) -> None:
    seed = read_seed_text(starter_text())
    assert len(apply(sqlite_store, seed, clock, SYSTEM)) >= 9


def test_a_suggestion_listens_without_a_key() -> None:
    seed = suggest("Acme Air", ["AcmeAir", "acme air", "Ácme & Söhne"], ["hotel"])
    (brand,) = seed.brands
    assert brand.names == ("AcmeAir", "Ácme & Söhne")
    assert brand.monitors[0].query == '("Acme Air" OR "AcmeAir" OR "Ácme & Söhne") NOT "hotel"'
    news, hacker_news, *tags = brand.sources
    query = parse_qs(urlsplit(news.options["url"]).query)
    assert query["q"] == ['"Acme Air" OR "AcmeAir" OR "Ácme & Söhne" -"hotel"']
    assert hacker_news.channel == "hackernews"
    assert [tag.options["tag"] for tag in tags] == ["AcmeAir", "ÁcmeSöhne"]
    assert all(source.covers for source in brand.sources)


def test_a_suggestion_can_be_applied_and_shows_what_it_covers(sqlite_store, clock) -> None:
    changes = apply(sqlite_store, suggest("Acme"), clock, SYSTEM)
    assert all(change.covers for change in changes if change.kind == "source")


@pytest.mark.parametrize("name", ["", "  ", '""', "\n"])
def test_a_brand_needs_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        suggest(name)


@given(st.text(min_size=1), st.lists(st.text()), st.lists(st.text()))
def test_any_name_gives_a_seed_or_a_plain_error(name, aliases, exclude) -> None:
    try:
        seed = suggest(name, aliases, exclude)
    except ConfigError:
        return
    query = seed.brands[0].monitors[0].query
    assert query.count('"') % 2 == 0
    assert urlsplit(seed.brands[0].sources[0].options["url"]).hostname == "news.google.com"


@pytest.mark.parametrize("name", ["starter.toml", "demo.toml"])
def test_the_seeds_that_ship_pass_the_checks_of_the_floors_above(name: str) -> None:
    text = (files("earmark_config") / name).read_text(encoding="utf-8")
    read_seed_text(
        text,
        name=name,
        variables={"demo": "http://127.0.0.1:8590"},
        check_source=lambda channel, options: registry.checked_options(
            registry.channel(channel), options
        ),
        check_query=monitor.parse,
    )


@pytest.mark.parametrize("brand", ["Acme Air", "Ärger & Söhne", "C++", "AND", "7-Eleven"])
def test_what_is_suggested_passes_them_too(brand: str) -> None:
    (suggested,) = suggest(brand, ["acme"], ["hotel"]).brands
    for wanted in suggested.monitors:
        assert monitor.match(monitor.parse(wanted.query), "I flew Acme today")
        assert not monitor.match(monitor.parse(wanted.query), "the acme hotel")
    for source in suggested.sources:
        registry.checked_options(registry.channel(source.channel), source.options)


TOPICS = """
[[brand]]
name = "Acme"
[[brand.topic]]
area = "Product"
name = "Battery"
words = ["batter*", "charging time"]
[[brand.topic]]
area = "Product"
name = "Screen"
words = ["screen"]
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('["screen"]', "[]", 11, 'key "words" must hold 1 to 200 words; for example: words = ["b'),
        ('["screen"]', '"screen"', 11, 'key "words" must be a list in [ ], not "screen"'),
        ('"batter*"', '"*batter"', 7, '"*" only at its end, not "*batter"'),
        ('"batter*"', '"b*"', 7, 'of two letters or more, with "*" only at its end, not "b*"'),
        ('"batter*"', '"?!"', 7, 'must be a word or phrase of two letters or more'),
        ('"Screen"', '"Screen: big"', 10, 'key "name" must have no ":" and no ">" in it'),
        ('"Screen"', '"Battery"', 2, 'two topics of brand "Acme" are called "Product > Battery"'),
        ('words = ["screen"]', "", 8, 'key "words" is missing; for example: words = ["batter*"'),
    ],
)  # fmt: skip
def test_an_error_in_a_topic_names_line_key_and_what_is_right(old, new, line, words) -> None:
    with pytest.raises(ConfigError) as raised:
        read_seed_text(TOPICS.replace(old, new, 1), name="s.toml")
    assert f"s.toml line {line}:" in str(raised.value)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_topics_are_added_once_and_changed_in_place(store, clock) -> None:
    added = apply(store, read_seed_text(TOPICS), clock, SYSTEM)
    assert [(change.kind, change.subject, change.action) for change in added[1:]] == [
        ("topic", "Acme / Product > Battery", "add"), ("topic", "Acme / Product > Screen", "add"),
    ]  # fmt: skip
    again = apply(store, read_seed_text(TOPICS), clock, SYSTEM)
    assert {change.action for change in again} == {"same"}
    (change,) = [
        change
        for change in apply(
            store, read_seed_text(TOPICS.replace('["screen"]', '["screen*"]')), clock, SYSTEM
        )
        if change.action != "same"
    ]
    assert (change.before, change.after) == ({"words": ["screen"]}, {"words": ["screen*"]})
    with store.read() as session:
        rows = session.exec(select(Topic).order_by(Topic.id)).all()
        assert [(row.area, row.name, row.words) for row in rows] == [
            ("Product", "Battery", ["batter*", "charging time"]),
            ("Product", "Screen", ["screen*"]),
        ]  # fmt: skip


def test_who_begins_has_topics_from_the_start(sqlite_store, clock) -> None:
    apply(sqlite_store, suggest("Acme"), clock, SYSTEM)
    again = apply(sqlite_store, suggest("Acme"), clock, SYSTEM)
    assert {change.action for change in again} == {"same"}
    with sqlite_store.read() as session:
        rows = session.exec(select(Topic)).all()
        assert {"Product", "Service", "Money"} == {row.area for row in rows}
        assert all(len(row.words) == len(set(row.words)) for row in rows)
        written = [word for row in rows for word in row.words]
        assert len(written) == len(set(written))  # no word names two topics


def test_how_long_a_source_is_kept_is_shown_as_any_other_change(sqlite_store, clock) -> None:
    seed = """
[[brand]]
name = "Acme"
[[brand.source]]
name = "News"
channel = "feed"
options = { url = "https://a.example/feed" }
"""
    apply(sqlite_store, read_seed_text(seed), clock, SYSTEM)
    later = read_seed_text(seed + "retention_days = 365\nraw_days = 0\n")
    [change] = [each for each in plan(sqlite_store, later) if each.action == "change"]
    assert change.before == {"retention_days": None, "raw_days": None}
    assert change.after == {"retention_days": 365, "raw_days": 0}
    apply(sqlite_store, later, clock, SYSTEM)
    apply(sqlite_store, read_seed_text(seed), clock, SYSTEM)
    with sqlite_store.read() as session:
        source = session.exec(select(Source)).one()
    assert (source.retention_days, source.raw_days) == (365, 0)
    with pytest.raises(ConfigError, match="retention_days"):
        read_seed_text(seed + "retention_days = -1\n")
