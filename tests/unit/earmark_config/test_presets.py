"""Where else a brand is heard: what is read from ids and links, and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_config.places_by_id import source_by_id
from earmark_config.presets import BY_ID, BY_NAME, Elsewhere, elsewhere_sources
from earmark_config.seeds import apply, suggest
from earmark_core.errors import ConfigError
from earmark_core.model import SYSTEM
from earmark_listeners import registry

ALL = Elsewhere(
    app_store=("284882215", "284882215/de"),
    steam=("620",),
    youtube=("UC" + "a1_-" * 5 + "bc",),
    github=("acme/widget",),
    tag=("acme-widget",),
    lemmy=("widgets@lemmy.example",),
    also=tuple(place.key for place in BY_NAME),
)


def one(**given):
    (source,) = elsewhere_sources(
        ["Acme Air", "AcmeAir"], ["hotel", "air show"], Elsewhere(**given)
    )
    return source


def test_nothing_is_added_unless_it_is_asked_for():
    channels = [source.channel for source in suggest("Acme").brands[0].sources]
    assert channels == ["feed", "hackernews", "mastodon"]


def test_every_place_says_what_it_hears_and_what_it_cannot():
    places = [*BY_ID, *BY_NAME]
    assert len({place.name for place in places}) == len(places)
    assert all(" not " in place.covers or " no " in place.covers for place in places)
    assert {place.key for place in BY_ID} | {"also"} == set(Elsewhere.__dataclass_fields__)


@pytest.mark.parametrize("brand", ["Acme Air", "Ärger & Söhne", "C++ Conf", "AND", "7-Eleven"])
def test_what_is_proposed_is_taken_by_the_channels_and_needs_no_key(brand):
    sources = suggest(brand, ["acme"], ["hotel"], elsewhere=ALL).brands[0].sources
    assert len({source.name for source in sources}) == len(sources)
    for source in sources:
        listener = registry.channel(source.channel)
        options = registry.checked_options(listener, source.options)
        assert source.interval_seconds >= listener.rules.min_interval_seconds
        secrets = [
            getattr(options, key)
            for key, field in listener.options_type.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
        ]
        assert not any(secrets)


def test_a_proposal_with_everything_can_be_applied_twice(sqlite_store, clock):
    seed = suggest("Acme Air", elsewhere=ALL)
    apply(sqlite_store, seed, clock, SYSTEM)
    again = apply(sqlite_store, seed, clock, SYSTEM)
    assert {change.action for change in again} <= {"same"}


@pytest.mark.parametrize(
    ("given", "app", "country"),
    [
        ("284882215", "284882215", "us"),
        ("284882215/de", "284882215", "de"),
        ("https://apps.apple.com/gb/app/acme-air/id284882215?l=en", "284882215", "gb"),
        ("https://apps.apple.com/app/id284882215", "284882215", "us"),
    ],
)
def test_an_app_is_known_by_number_or_link_and_its_reviews_are_all_ours(given, app, country):
    source = one(app_store=(given,))
    assert source.options == {"app_id": app, "country": country}
    assert source.takes_all


@pytest.mark.parametrize("given", ["620", "https://store.steampowered.com/app/620/Acme_2/"])
def test_a_game_is_known_by_number_or_link(given):
    assert one(steam=(given,)).options == {"app_id": "620"}


@pytest.mark.parametrize("given", ["acme/widget", "https://github.com/acme/widget.git"])
def test_a_repository_is_known_by_name_or_link(given):
    assert one(github=(given,)).options == {"repository": "acme/widget"}


@pytest.mark.parametrize(
    ("given", "tags"),
    [("C++", "c%2B%2B"), ("https://stackoverflow.com/questions/tagged/c%2b%2b", "c%2B%2B")],
)
def test_a_tag_is_written_as_an_address_takes_it(given, tags):
    expected = f"https://stackoverflow.com/feeds/tag?tagnames={tags}&sort=newest"
    assert one(tag=(given,)).options["url"] == expected


@pytest.mark.parametrize(
    "given",
    [
        "widgets@Lemmy.example",
        "!widgets@lemmy.example",
        "https://lemmy.example/c/widgets",
        "https://other.example/c/widgets@lemmy.example",
    ],
)
def test_a_community_is_read_at_its_own_server(given):
    options = one(lemmy=(given,)).options
    assert options == {"base_url": "https://lemmy.example", "community": "widgets"}


@pytest.mark.parametrize(
    ("given", "takes_all"),
    [
        ({"tag": ("acme-air",)}, True),
        ({"tag": ("airlines",)}, False),
        ({"lemmy": ("AcmeAir@lemmy.example",)}, True),
        ({"lemmy": ("travel@lemmy.example",)}, False),
        ({"youtube": ("UC" + "x" * 22,)}, False),
    ],
)
def test_a_place_that_is_called_as_the_brand_is_heard_whole(given, takes_all):
    source = one(**given)
    assert source.takes_all is takes_all
    assert ("name the brand" in source.covers) is not takes_all


def test_gdelt_is_asked_in_its_own_language():
    assert one(also=("gdelt",)).options["query"] == '("Acme Air" OR AcmeAir) -hotel -"air show"'
    (short,) = elsewhere_sources(["Acme Air", "AA"], [], Elsewhere(also=("GDELT",)))
    assert short.options["query"] == '"Acme Air"'
    (word,) = elsewhere_sources(["NOT"], [], Elsewhere(also=("gdelt",)))
    assert word.options["query"] == '"NOT"'
    with pytest.raises(ConfigError, match="less than 3 letters"):
        elsewhere_sources(["X"], [], Elsewhere(also=("gdelt",)))


def test_a_name_becomes_a_tag_as_each_place_writes_them():
    assert one(also=("devto",)).options["url"] == "https://dev.to/feed/tag/acmeair"
    assert one(also=("medium",)).options["url"] == "https://medium.com/feed/tag/acme-air"


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("app_store", "Acme"),
        ("app_store", "https://apps.apple.com.evil.example/us/app/id284882215"),
        ("steam", "Portal"),
        ("steam", "620/x"),
        ("youtube", "@acme"),
        ("github", "acme"),
        ("github", "https://github.example/acme/widget"),
        ("tag", "two words"),
        ("lemmy", "widgets"),
        ("lemmy", "widgets@localhost"),
        ("also", "tiktok"),
    ],
)
def test_what_is_no_id_is_refused_with_what_is_needed(key, given):
    with pytest.raises(ConfigError) as caught:
        elsewhere_sources(["Acme"], [], Elsewhere(**{key: (given,)}))
    assert caught.value.hint


@given(st.sampled_from(BY_ID), st.text())
def test_any_text_gives_a_source_or_a_plain_error(place, given):
    try:
        source = source_by_id(place, given)
    except ConfigError:
        return
    assert source.covers == place.covers


def test_the_same_place_twice_is_one_source_and_too_many_are_refused():
    assert len(elsewhere_sources(["A"], [], Elsewhere(steam=("620", "620")))) == 1
    with pytest.raises(ConfigError, match="20 sources at most"):
        elsewhere_sources(["A"], [], Elsewhere(steam=tuple(str(n) for n in range(21))))
