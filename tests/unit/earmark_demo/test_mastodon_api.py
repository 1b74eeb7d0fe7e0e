"""The fake platform answers as a Mastodon server does."""

from datetime import datetime, timedelta

import httpx
import pytest

from earmark.demo.testing import DemoServer
from earmark_core.clock import FixedClock

TAG = "/api/v1/timelines/tag/brightcup"
STATUSES = "/api/v1/statuses"


def bearer(demo: DemoServer, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {demo.token}", **more}


def answer(demo: DemoServer, text: str, to: str, key: str = "") -> httpx.Response:
    headers = bearer(demo, **({"idempotency-key": key} if key else {}))
    return demo.client.post(STATUSES, headers=headers, data={"status": text, "in_reply_to_id": to})


def next_of(response: httpx.Response) -> str:
    return response.links["next"]["url"]


def test_min_id_walk_loses_nothing_while_posts_arrive(quiet_demo: DemoServer) -> None:
    first = quiet_demo.post("start #brightcup")
    expected = quiet_demo.posts("post {i} #brightcup", 95)
    heard: list[str] = []
    cursor = first
    while page := quiet_demo.get(TAG, min_id=cursor, limit=40):
        heard += [status["id"] for status in reversed(page)]
        cursor = page[0]["id"]
        if len(expected) < 125:
            expected += quiet_demo.posts("late {i} #brightcup", 10)
    assert heard == expected


def test_since_id_leaves_the_hole_that_mastodon_leaves(quiet_demo: DemoServer) -> None:
    first = quiet_demo.post("start #brightcup")
    after = quiet_demo.posts("post {i} #brightcup", 60)
    page = quiet_demo.get(TAG, since_id=first, limit=40)
    assert [status["id"] for status in page] == after[:19:-1]


def test_link_header_leads_back_to_the_oldest(quiet_demo: DemoServer) -> None:
    posted = quiet_demo.posts("post {i} #BrightCup", 45)
    response = quiet_demo.client.get(TAG, params={"limit": 20})
    heard = [status["id"] for status in response.json()]
    while "next" in response.links:
        response = quiet_demo.client.get(next_of(response))
        heard += [status["id"] for status in response.json()]
    assert heard == posted[::-1]


def test_limit_is_capped_at_forty_and_ids_ascend(quiet_demo: DemoServer) -> None:
    posted = quiet_demo.posts("post {i} #brightcup", 50)
    assert len(quiet_demo.get(TAG, limit=500)) == 40
    assert posted == sorted(posted)
    assert {len(id_) for id_ in posted} == {18}


def test_late_post_has_an_old_date_and_a_new_id(
    quiet_demo: DemoServer, demo_clock: FixedClock
) -> None:
    first = quiet_demo.post("now #brightcup")
    old = demo_clock() - timedelta(days=2)
    late = quiet_demo.post("from yesterday #brightcup", at=old.isoformat())
    (status,) = quiet_demo.get(TAG, min_id=first)
    assert status["id"] == late
    assert datetime.fromisoformat(status["created_at"]) == old


def test_same_key_posts_once(quiet_demo: DemoServer, demo_clock: FixedClock) -> None:
    post = quiet_demo.post("@brightcup help")
    first = answer(quiet_demo, "@mila_vorn on it", post, "key-1").json()
    again = answer(quiet_demo, "@mila_vorn on it", post, "key-1").json()
    assert again["id"] == first["id"]
    assert len(quiet_demo.state()["answers"]) == 1
    demo_clock.forward(timedelta(minutes=61))
    assert answer(quiet_demo, "@mila_vorn on it", post, "key-1").json()["id"] != first["id"]


def test_reply_is_threaded_and_mentions_are_notified(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("@brightcup where is it?")
    made = answer(quiet_demo, "@mila_vorn\n\nlook: https://example.com/a#b", post).json()
    assert made["in_reply_to_id"] == post
    assert made["mentions"][0]["acct"] == "mila_vorn"
    assert 'class="invisible">https://</span>' in made["content"]
    context = quiet_demo.get(f"{STATUSES}/{post}/context")
    assert [status["id"] for status in context["descendants"]] == [made["id"]]
    above = quiet_demo.get(f"{STATUSES}/{made['id']}/context")["ancestors"]
    assert [status["id"] for status in above] == [post]
    (notice,) = quiet_demo.get("/api/v1/notifications", **{"types[]": "mention"})
    assert notice["status"]["id"] == post
    assert notice["id"] != post
    assert quiet_demo.get("/api/v1/notifications", min_id=notice["id"]) == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 422),
        ("   ", 422),
        ("x" * 500, 200),
        ("x" * 501, 422),
        ("👨‍👩‍👧‍👦" * 500, 200),
        ("👨‍👩‍👧‍👦" * 501, 422),
        ("🇪🇪" * 500, 200),
        ("漢" * 501, 422),
        (f"https://example.com/{'a' * 400} " + "x" * 476, 200),
        (f"https://example.com/{'a' * 400} " + "x" * 477, 422),
        (f"@someone@{'a' * 200}.example " + "x" * 491, 200),
    ],
)
def test_length_is_counted_as_mastodon_counts(
    quiet_demo: DemoServer, text: str, status: int
) -> None:
    response = answer(quiet_demo, text, quiet_demo.post("@brightcup ?"))
    assert response.status_code == status
    if status == 422:
        assert set(response.json()) == {"error"}
        assert quiet_demo.state()["answers"] == []


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", STATUSES),
        ("GET", "/api/v1/notifications"),
        ("GET", "/api/v2/search?q=brightcup&type=statuses"),
        ("GET", "/api/v1/accounts/verify_credentials"),
    ],
)
def test_no_or_wrong_token_is_refused(
    quiet_demo: DemoServer, method: str, path: str, headers: dict[str, str]
) -> None:
    response = quiet_demo.client.request(method, path, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"error": "The access token is invalid"}


def test_hashtag_needs_no_token(quiet_demo: DemoServer) -> None:
    response = quiet_demo.client.get(TAG)
    assert response.status_code == 200
    assert response.json() == []
    assert "link" not in response.headers


def test_answer_to_what_is_gone_is_404(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("@brightcup help")
    quiet_demo.delete(post)
    assert answer(quiet_demo, "@mila_vorn hello", post).status_code == 404
    assert quiet_demo.client.get(f"{STATUSES}/{post}").status_code == 404
    assert quiet_demo.get("/api/v1/notifications") == []


def test_own_post_is_edited_and_deleted_with_its_text(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("@brightcup help")
    made = answer(quiet_demo, "@mila_vorn first", post).json()
    path = f"{STATUSES}/{made['id']}"
    edited = quiet_demo.client.put(path, headers=bearer(quiet_demo), json={"status": "second"})
    assert edited.json()["edited_at"] is not None
    assert [each["content"] for each in quiet_demo.get(f"{path}/history")][1] == "<p>second</p>"
    gone = quiet_demo.client.delete(path, headers=bearer(quiet_demo)).json()
    assert gone["text"] == "second"
    assert "content" not in gone
    others = quiet_demo.client.delete(f"{STATUSES}/{post}", headers=bearer(quiet_demo))
    assert others.status_code == 404


def test_edit_by_its_author_is_seen(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("not happy #brightcup")
    quiet_demo.edit(post, "happy #brightcup")
    status = quiet_demo.get(f"{STATUSES}/{post}")
    assert status["content"].startswith("<p>happy")
    assert status["edited_at"] is not None


def test_direct_posts_are_shown_to_the_brand_only(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("@brightcup secret #brightcup", visibility="direct")
    assert quiet_demo.get(TAG) == []
    assert quiet_demo.client.get(f"{STATUSES}/{post}").status_code == 404
    assert quiet_demo.get(f"{STATUSES}/{post}")["visibility"] == "direct"


def test_search_needs_all_words_and_takes_offset_and_uri(quiet_demo: DemoServer) -> None:
    ids = quiet_demo.posts("Brightcup number {i} leaks", 5)
    quiet_demo.post("brightcup is fine")
    found = quiet_demo.get("/api/v2/search", q="LEAKS brightcup", type="statuses", limit=2)
    assert [status["id"] for status in found["statuses"]] == [ids[4], ids[3]]
    rest = quiet_demo.get("/api/v2/search", q="leaks", type="statuses", offset=4)
    assert [status["id"] for status in rest["statuses"]] == [ids[0]]
    uri = rest["statuses"][0]["uri"]
    same = quiet_demo.get("/api/v2/search", q=uri, resolve="true", type="statuses")
    assert [status["id"] for status in same["statuses"]] == [ids[0]]


def test_hostile_text_is_escaped(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post('<script>alert("x")</script> & #brightcup <script>')
    status = quiet_demo.get(f"{STATUSES}/{post}")
    assert "<script" not in status["content"]
    page = quiet_demo.client.get(f"/@mila_vorn/{post}")
    assert page.status_code == 200
    assert "<script" not in page.text


def test_what_a_client_asks_first(quiet_demo: DemoServer) -> None:
    limits = quiet_demo.get("/api/v2/instance")["configuration"]["statuses"]
    assert limits["max_characters"] == 500
    assert quiet_demo.get("/api/v1/instance")["uri"] == quiet_demo.address
    me = quiet_demo.get("/api/v1/accounts/verify_credentials")
    assert me["acct"] == "brightcup"
    made = answer(quiet_demo, "@mila_vorn hi", quiet_demo.post("@brightcup")).json()
    own = quiet_demo.get(f"/api/v1/accounts/{me['id']}/statuses")
    assert [status["id"] for status in own] == [made["id"]]


def test_a_body_that_cannot_be_read_is_refused(quiet_demo: DemoServer) -> None:
    headers = bearer(quiet_demo, **{"content-type": "application/json"})
    for body in (b"[1]", b"{", b"\xff"):
        response = quiet_demo.client.post(STATUSES, headers=headers, content=body)
        assert response.status_code == 400
