"""What is heard on Mastodon: all of it, once, in threads."""

import json

import httpx
import pytest

from earmark_core.errors import ConfigError, Malformed, Rejected, Unavailable
from earmark_core.model import Cursor, WindowState

BASE = "https://social.example"
TAG = {"base_url": BASE, "kind": "hashtag", "tag": "acme", "limit": 5}
SEARCH = {"base_url": BASE, "kind": "search", "query": "acme", "token": "env:T", "max_pages": 3}
INBOX = {"base_url": BASE, "kind": "notifications", "token": "env:T"}


def heard(batches):
    return [item.reply_ref["status_id"] for batch in batches for item in batch.items]


def cursor_of(batches):
    return [batch.cursor for batch in batches if batch.cursor][-1]


def test_first_poll_gives_the_newest_page_only(mastodon, polled):
    for _ in range(12):
        mastodon.post()
    batches = polled("mastodon", TAG, mastodon)
    assert heard(batches) == ["103", "104", "105", "106", "107"]
    assert len(mastodon.requests) == 1


def test_first_poll_reads_history_back_as_far_as_asked_oldest_page_first(mastodon, polled):
    for _ in range(12):
        mastodon.post()
    batches = polled("mastodon", {**TAG, "first_pages": 9}, mastodon)
    assert heard(batches) == [str(number) for number in range(96, 108)]
    assert [batch.cursor is not None for batch in batches][-1:] == [True]
    assert sum(batch.cursor is not None for batch in batches) == 1
    mastodon.post()
    assert heard(polled("mastodon", TAG, mastodon, since=cursor_of(batches))) == ["108"]


def test_burst_between_polls_and_between_pages_is_heard_whole(mastodon, polled):
    """Ids grow from two digits to four on the way, so that neither text order nor luck helps."""
    mastodon.post()
    cursor = cursor_of(polled("mastodon", TAG, mastodon))
    wanted = [mastodon.post()["id"] for _ in range(40)]

    def more(server, request):
        if len(server.requests) < 12:
            wanted.append(server.post()["id"])
        if len(server.requests) == 6:
            server.next_id = 9_998

    mastodon.before = more
    batches = polled("mastodon", TAG, mastodon, cursor)
    assert heard(batches) == wanted
    assert all(batch.state is WindowState.complete for batch in batches)
    assert json.loads(cursor_of(batches))["after"] == wanted[-1]


def test_nothing_on_the_first_poll_then_everything(mastodon, polled):
    cursor = cursor_of(polled("mastodon", TAG, mastodon))
    wanted = [mastodon.post()["id"] for _ in range(7)]
    assert heard(polled("mastodon", TAG, mastodon, cursor)) == wanted


def test_page_cap_says_so_and_the_next_poll_goes_on(mastodon, polled):
    options = TAG | {"max_pages": 2}
    cursor = cursor_of(polled("mastodon", options, mastodon))
    wanted = [mastodon.post()["id"] for _ in range(13)]
    first = polled("mastodon", options, mastodon, cursor)
    second = polled("mastodon", options, mastodon, cursor_of(first))
    assert first[-1].state is WindowState.truncated
    assert first[-1].note
    assert second[-1].state is WindowState.complete
    assert heard(first) + heard(second) == wanted


def test_server_that_knows_no_min_id_is_left_and_said(mastodon, polled):
    mastodon.post()
    cursor = cursor_of(polled("mastodon", TAG, mastodon))
    same = [mastodon.post(), mastodon.post()]
    mastodon.overrides[("GET", "/api/v1/timelines/tag/acme")] = lambda _: httpx.Response(
        200, json=same
    )
    batches = polled("mastodon", TAG, mastodon, cursor)
    assert heard(batches) == [each["id"] for each in same]
    assert batches[-1].state is WindowState.truncated


def test_ids_that_are_no_numbers_are_walked_as_well(mastodon, polled):
    page = [mastodon.post() | {"id": "9zzB"}, mastodon.post() | {"id": "9zzA"}]
    answers = iter([page, []])
    mastodon.overrides[("GET", "/api/v1/timelines/tag/acme")] = lambda _: httpx.Response(
        200, json=next(answers)
    )
    batches = polled("mastodon", TAG, mastodon, Cursor('{"after": "9zz0"}'))
    assert heard(batches) == ["9zzA", "9zzB"]


def test_entry_without_id_is_quarantined_and_the_rest_goes_on(mastodon, polled):
    good = mastodon.post()
    answers = iter([[good, {"content": "?"}, 7], []])
    mastodon.overrides[("GET", "/api/v1/timelines/tag/acme")] = lambda _: httpx.Response(
        200, json=next(answers)
    )
    batches = polled("mastodon", TAG, mastodon, Cursor('{"after": "1"}'))
    assert heard(batches) == [good["id"]]
    assert len([bad for batch in batches for bad in batch.bad_items]) == 2


def test_page_of_which_nothing_can_be_read_fails_the_window(mastodon, polled):
    odd = [{"id": str(n), "text": "another shape"} for n in range(5)]
    mastodon.overrides[("GET", "/api/v1/timelines/tag/acme")] = lambda _: httpx.Response(
        200, json=odd
    )
    with pytest.raises(Malformed):
        polled("mastodon", TAG, mastodon)


def test_all_posts_of_a_thread_have_one_key(mastodon, polled):
    first = mastodon.post("mara", "my bag is gone")
    cursor = cursor_of(polled("mastodon", TAG, mastodon))
    ours = mastodon.post("brand", "which flight?", in_reply_to_id=first["id"])
    again = mastodon.post("mara", "AC12", in_reply_to_id=ours["id"])
    note = {"id": "7", "type": "mention", "status": again}
    mastodon.overrides[("GET", "/api/v1/notifications")] = lambda request: httpx.Response(
        200, json=[] if request.url.params.get("min_id") == "7" else [note]
    )
    by_tag = polled("mastodon", TAG, mastodon, cursor)
    by_inbox = polled("mastodon", INBOX, mastodon)
    keys = {item.thread_id for batch in (*by_tag, *by_inbox) for item in batch.items}
    assert keys == {first["uri"]}
    inbox_item = by_inbox[0].items[0]
    assert inbox_item.external_id == by_tag[0].items[-1].external_id == again["uri"]
    assert json.loads(cursor_of(by_inbox))["after"] == "7"


@pytest.mark.parametrize("status", [404, 500])
def test_thread_that_cannot_be_read_falls_back_to_the_post_above(mastodon, polled, status):
    mastodon.next_id = 49
    post = mastodon.post(in_reply_to_id="12")
    mastodon.overrides[("GET", f"/api/v1/statuses/{post['id']}/context")] = lambda _: (
        httpx.Response(status, json={})
    )
    assert polled("mastodon", TAG, mastodon)[0].items[0].thread_id == "12"


def test_rate_limit_while_a_thread_is_read_ends_the_poll(mastodon, polled):
    post = mastodon.post(in_reply_to_id="12")
    mastodon.overrides[("GET", f"/api/v1/statuses/{post['id']}/context")] = lambda _: (
        httpx.Response(429, json={}, headers={"Retry-After": "60"})
    )
    with pytest.raises(Unavailable) as caught:
        polled("mastodon", TAG, mastodon)
    assert caught.value.rate_limited


def test_look_ups_of_threads_are_bounded(mastodon, polled):
    for _ in range(40):
        mastodon.post(in_reply_to_id="12")
    polled("mastodon", TAG | {"limit": 40}, mastodon)
    assert len([r for r in mastodon.requests if r.url.path.endswith("/context")]) <= 20


def test_passes_over_boosts_other_languages_and_those_who_hide(mastodon, polled):
    kept = mastodon.post(language="en")
    unsaid = mastodon.post(language=None)
    mastodon.post(language="fr")
    mastodon.post(reblog=kept)
    hidden = mastodon.post(account={"id": "9", "acct": "shy", "discoverable": False})
    options = TAG | {"language": "en", "limit": 40}
    assert heard(polled("mastodon", options, mastodon)) == [kept["id"], unsaid["id"]]
    options |= {"skip_undiscoverable": False}
    assert hidden["id"] in heard(polled("mastodon", options, mastodon))


def test_our_own_posts_are_marked(mastodon, polled):
    mastodon.post("brand")
    mastodon.post("mara")

    def own(options):
        return [item.is_own for item in polled("mastodon", options, mastodon)[0].items]

    assert own(TAG) == [False, False]
    assert own(TAG | {"own_acct": "@Brand@social.example"}) == [True, False]
    assert own(TAG | {"token": "env:T"}) == [True, False]


class FakeSearch:
    """Status search: newest first, by offset, in pages of 2."""

    def __init__(self, server, size=2):
        self.server, self.size = server, size
        server.overrides[("GET", "/api/v2/search")] = self

    def __call__(self, request):
        at = int(request.url.params.get("offset", "0"))
        found = self.server.posts[::-1][at : at + self.size]
        return httpx.Response(200, json={"accounts": [], "hashtags": [], "statuses": found})


def test_search_goes_back_to_what_was_seen(mastodon, polled):
    FakeSearch(mastodon)
    for _ in range(4):
        mastodon.post()
    first = polled("mastodon", SEARCH, mastodon)
    assert len(heard(first)) == 2
    new = [mastodon.post()["id"] for _ in range(3)]
    second = polled("mastodon", SEARCH, mastodon, cursor_of(first))
    assert set(new) <= set(heard(second))
    assert heard(second) == sorted(heard(second), key=int)
    assert [batch.cursor is None for batch in second] == [True] * (len(second) - 1) + [False]
    assert second[-1].state is WindowState.complete


def test_search_that_is_cut_off_says_from_when_it_heard(mastodon, polled):
    FakeSearch(mastodon)
    mastodon.post()
    cursor = cursor_of(polled("mastodon", SEARCH, mastodon))
    for _ in range(9):
        mastodon.post()
    batches = polled("mastodon", SEARCH, mastodon, cursor)
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert len(heard(batches)) == 6
    oldest = min(item.published_at for batch in batches for item in batch.items)
    assert {batch.covers_from for batch in batches} == {oldest}


def test_search_without_an_envelope_is_not_an_empty_page(mastodon, polled):
    for body in ({}, [], {"accounts": []}, {"statuses": None}):
        mastodon.overrides[("GET", "/api/v2/search")] = lambda _, body=body: httpx.Response(
            200, json=body
        )
        with pytest.raises(Malformed):
            polled("mastodon", SEARCH, mastodon)


@pytest.mark.parametrize("cursor", ["", "{}", "[1]", '{"after": 5}', "rubbish"])
def test_cursor_that_cannot_be_read_waits_for_a_person(mastodon, polled, cursor):
    with pytest.raises(Rejected):
        polled("mastodon", TAG, mastodon, Cursor(cursor))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base_url": BASE}, "tag is missing"),
        ({"base_url": BASE, "kind": "search", "token": "env:T"}, "query is missing"),
        ({"base_url": BASE, "kind": "search", "query": "a"}, "token is missing"),
        ({"base_url": BASE, "kind": "notifications"}, "token is missing"),
        ({"base_url": "social.example", "tag": "a"}, "base_url: this should be an address"),
        ({"base_url": "https://a:b@social.example", "tag": "a"}, "base_url"),
        ({"base_url": "https://[::1", "tag": "a"}, "base_url"),
        ({"base_url": BASE, "kind": "mentions"}, "kind"),
        ({"tag": "a"}, "base_url is missing"),
        ({"base_url": BASE, "tags": "a"}, "did you mean tag"),
    ],
)
def test_options_that_cannot_work_are_named(mastodon, polled, options, says):
    with pytest.raises(ConfigError, match=says):
        polled("mastodon", options, mastodon)
