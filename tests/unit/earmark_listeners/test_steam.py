"""Reviews on Steam: its cursor, its empty answers, its markup and its names for languages."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.errors import ConfigError, Malformed, Unavailable
from earmark_core.model import WindowState
from earmark_listeners.channels.steam.bbcode import plain_text
from earmark_listeners.channels.steam.reviews import LANGUAGES
from earmark_listeners.newest_first import write_mark
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {"app_id": "4711", "per_page": 2}
DAY_AGO = write_mark(NOW - timedelta(hours=24))


def seconds(hours):
    return int((NOW - timedelta(hours=hours)).timestamp())


def review(name, hours, **more):
    return {
        "recommendationid": name, "author": {"steamid": f"7656{name}"}, "language": "english",
        "review": f"says {name}", "timestamp_created": seconds(hours),
        "timestamp_updated": seconds(hours), "voted_up": True, "votes_funny": 0, **more,
    }  # fmt: skip


class FakeSteam:
    """Gives pages of two, last updated first; its cursors hold what must be encoded."""

    def __init__(self, *reviews, total=None):
        self.reviews = sorted(reviews, key=lambda each: -each["timestamp_updated"])
        self.total = len(reviews) if total is None else total
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        cursor = dict(request.url.params)["cursor"]
        at = 0 if cursor == "*" else int(cursor.removeprefix("A+/").removesuffix("=="))
        shown = self.reviews[at : at + 2]
        summary = {"num_reviews": len(shown)}
        if at == 0:
            summary["total_reviews"] = self.total
        return httpx.Response(200, json={
            "success": 1, "query_summary": summary, "reviews": shown,
            "cursor": f"A+/{at + len(shown)}==",
        })  # fmt: skip


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def one(polled, **more):
    (batch,) = polled("steam", OPTIONS, FakeSteam(review("1", 1, **more)))
    return batch.items[0]


def test_the_cursor_goes_encoded_and_nothing_is_left_out_by_default(polled):
    steam = FakeSteam(*(review(str(n), n) for n in range(1, 6)))
    batches = polled("steam", OPTIONS, steam, DAY_AGO)
    assert sorted(ids(batches)) == ["1", "2", "3", "4", "5"]
    assert {batch.state for batch in batches} == {WindowState.complete}
    asked = [request.url.query.decode() for request in steam.requests]
    assert "cursor=%2A" in asked[0] or "cursor=*" in asked[0]
    assert "cursor=A%2B%2F2%3D%3D" in asked[1]
    for query in asked:
        assert "purchase_type=all" in query
        assert "filter_offtopic_activity=0" in query
        assert "language=all" in query
        assert "filter=updated" in query


def test_an_old_review_that_was_edited_is_heard(polled):
    old = review("7", 9_000, timestamp_updated=seconds(1))
    others = (review(str(n), 20 + n) for n in range(4))
    batches = polled("steam", OPTIONS, FakeSteam(old, *others), DAY_AGO)
    (found,) = [i for batch in batches for i in batch.items if i.external_id == "7"]
    assert found.edited_at == NOW - timedelta(hours=1)
    assert found.published_at == NOW - timedelta(hours=9_000)


def test_the_list_ends_where_the_cursor_repeats(polled):
    def repeating(request):
        number = "1" if dict(request.url.params)["cursor"] == "*" else "2"
        return httpx.Response(200, json={
            "success": 1, "cursor": "A+/last==", "reviews": [review(number, 1)],
        })  # fmt: skip

    batches = polled("steam", OPTIONS, repeating, DAY_AGO)
    assert sorted(ids(batches)) == ["1", "2"]
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_the_page_cap_is_told_as_a_gap(polled):
    steam = FakeSteam(*(review(str(n), n / 10) for n in range(1, 9)))
    batches = polled("steam", OPTIONS | {"max_pages": 2}, steam, DAY_AGO)
    assert len(ids(batches)) == 4
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert batches[0].covers_from == NOW - timedelta(minutes=24)


def test_null_is_how_it_asks_for_patience(polled):
    with pytest.raises(Unavailable) as caught:
        polled("steam", OPTIONS, lambda _: httpx.Response(200, text="null"))
    assert caught.value.rate_limited
    assert caught.value.retry_after == timedelta(minutes=5)


@pytest.mark.parametrize("body", [{"success": 2}, {"success": 0, "reviews": []}, {"success": 1}])
def test_a_failure_inside_a_200_is_no_empty_page(polled, body):
    with pytest.raises(Malformed, match="no list of reviews"):
        polled("steam", OPTIONS, lambda _: httpx.Response(200, json=body))


def test_an_empty_list_of_a_game_that_has_reviews_is_a_fault(polled):
    with pytest.raises(Unavailable, match="although it counts 12 reviews"):
        polled("steam", OPTIONS, FakeSteam(total=12))


def test_a_game_without_reviews_is_well(polled):
    (batch,) = polled("steam", OPTIONS, FakeSteam(total=0))
    assert (batch.items, batch.state) == ((), WindowState.complete)


def test_a_list_that_breaks_off_behind_a_full_page_is_told(polled):
    batches = polled("steam", OPTIONS, FakeSteam(review("1", 1), review("2", 2), total=50), DAY_AGO)
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert "after 2 of 50" in batches[-1].note
    assert batches[-1].covers_from == NOW - timedelta(hours=2)


def test_a_short_page_is_the_end_whatever_the_total_says(polled):
    batches = polled("steam", OPTIONS, FakeSteam(review("1", 1), total=3), DAY_AGO)
    assert {batch.state for batch in batches} == {WindowState.complete}


@pytest.mark.parametrize("count", [4_294_967_295, 4_294_967_294, -1, None, True, "7"])
def test_a_count_that_ran_over_is_absent_and_not_four_billion(polled, count):
    found = one(polled, votes_funny=count, votes_up=3)
    assert "funny" not in found.metrics
    assert found.metrics["helpful"] == 3


@pytest.mark.parametrize("score", ["0.523", 0, 0.5, None])
def test_the_weight_of_a_vote_may_have_any_type(polled, score):
    assert one(polled, weighted_vote_score=score).external_id == "1"


def test_thumbs_are_no_stars(polled):
    up, down = one(polled), one(polled, voted_up=False)
    assert (up.rating, down.rating) == (None, None)
    assert (up.title, down.title) == ("Recommended", "Not recommended")
    assert (up.metrics["recommended"], down.metrics["recommended"]) == (1, 0)


@pytest.mark.parametrize(
    ("steam", "iso"),
    [("english", "en"), ("koreana", "ko"), ("schinese", "zh-CN"), ("tchinese", "zh-TW"),
     ("brazilian", "pt-BR"), ("latam", "es-419"), ("klingon", "")],
)  # fmt: skip
def test_languages_are_told_in_iso(polled, steam, iso):
    assert one(polled, language=steam).lang == iso


def test_no_language_keeps_the_name_that_steam_has_for_it():
    assert all(2 <= len(code.partition("-")[0]) <= 3 for code in LANGUAGES.values())


@pytest.mark.parametrize("moment", [None, "soon", 10**18, -(10**18)])
def test_a_review_without_a_moment_is_quarantined(polled, moment):
    steam = FakeSteam(review("1", 1), review("2", 2))
    steam.reviews[1]["timestamp_created"] = moment
    (batch,) = polled("steam", OPTIONS, steam)
    assert (ids([batch]), len(batch.bad_items)) == (["1"], 1)


def test_the_developer_s_answer_is_ours_and_stands_behind_its_review(polled):
    told = {"developer_response": "[b]Thanks[/b]", "timestamp_dev_responded": seconds(0.5)}
    steam = FakeSteam(review("1", 1, **told), review("2", 2))
    (batch,) = polled("steam", OPTIONS, steam)
    assert ids([batch]) == ["2", "1", "1:response"]
    answer = batch.items[-1]
    assert (answer.is_own, answer.text, answer.parent_id) == (True, "Thanks", "1")
    assert answer.published_at == NOW - timedelta(minutes=30)
    assert answer.uri
    # What our answer's moment is does not move the mark.
    assert batch.cursor == write_mark(NOW - timedelta(hours=1))


def test_another_s_game_has_no_answers_of_ours(polled):
    steam = FakeSteam(review("1", 1, developer_response="Thanks"))
    assert ids(polled("steam", OPTIONS | {"is_ours": False}, steam)) == ["1"]


def test_what_is_new_only_is_ordered_by_when_it_was_written(polled):
    steam = FakeSteam(review("1", 5, timestamp_updated=seconds(1)))
    (batch,) = polled("steam", OPTIONS | {"order": "recent"}, steam)
    assert batch.cursor == write_mark(NOW - timedelta(hours=5))


def test_it_is_answered_by_hand(listen):
    async def use(listener):
        return responder(listener), listener.rules.note

    found, note = listen("steam", OPTIONS, FakeSteam(), use)
    assert found is None
    assert "answer on the review's page" in note


@pytest.mark.parametrize("options", [{}, {"app_id": "x"}, {"app_id": "1", "order": "all"}])
def test_options_that_cannot_work_are_refused(polled, options):
    with pytest.raises(ConfigError):
        polled("steam", options, FakeSteam())


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain, a<b & [10/10] stays [sic]", "plain, a<b & [10/10] stays [sic]"),
        ("[i think it is fine] [p", "[i think it is fine] [p"),
        ("[table noborder=1 equalcells=1][tr][td]a[/td][/tr][/table]", "a"),
        ("[b]bold[/b] and [I]slanted[/I] [u][strike]x[/strike][/u]", "bold and slanted x"),
        ("[h1]Good[/h1]fast", "Good\nfast"),
        ("[list]\n[*]one\n[*]two[/*]\n[/list]", "- one\n\n- two"),
        ("[url=https://acme.example/a?b=c]here[/url]!", "here (https://acme.example/a?b=c)!"),
        ('[url="https://acme.example" style=button]b[/url]', "b (https://acme.example)"),
        ("[url]https://acme.example[/url]", "https://acme.example"),
        ("[url=https://acme.example]https://acme.example[/url]", "https://acme.example"),
        ("[quote=Mara;12]quiet[/quote]no", "Mara: quiet\nno"),
        ("[noparse][b]as it stands[/b][/noparse][b]x[/b]", "[b]as it stands[/b]x"),
        ("[noparse][b]never closed", "[b]never closed"),
        ("[spoiler]he dies[/spoiler]", "he dies"),
        ("[table][tr][th]a[/th][td]b[/td][/tr][/table]", "a b"),
        ("[b]never closed", "never closed"),
        ("[hr][/hr]", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_markup_is_read_as_its_reader_sees_it(markup, text):
    assert plain_text(markup) == text


@given(st.text(alphabet="[]/*=b url;noparse\n\"'x", max_size=300))
def test_markup_never_breaks_and_never_grows_without_bounds(markup):
    assert len(plain_text(markup)) <= 2 * len(markup) + 3


def test_hostile_markup_ends_soon():
    for piece in ("[", "[url=", "[noparse]", "[b", "[quote=" + "x" * 50):
        assert plain_text(piece * 20_000) is not None
