"""Feeds, the Hacker News search, pages for people, and faults on order."""

import asyncio
import json
import re
from datetime import timedelta
from importlib.resources import files
from xml.etree import ElementTree

import httpx
import pytest

from earmark.demo.faults import Fault, Faults
from earmark.demo.script import load_script
from earmark.demo.server import Story, create_app
from earmark.demo.testing import DemoServer, demo_server
from earmark_config.seeds import read_seed_text
from earmark_core.clock import FixedClock, system_clock
from earmark_listeners import monitor, registry

TAG = "/api/v1/timelines/tag/brightcup"
FEEDS = {
    "/feeds/news.rss": "news",
    "/feeds/blog.atom": "blog",
    "/feeds/reviews.json": "reviews",
}
HN = "/hn/api/v1/search_by_date"


@pytest.mark.parametrize(("path", "place"), FEEDS.items())
def test_feed_knows_what_the_client_has(
    quiet_demo: DemoServer, demo_clock: FixedClock, path: str, place: str
) -> None:
    quiet_demo.post("good & <b>fresh</b>", place=place, title="Brightcup & co", author="A <b>")
    client = quiet_demo.client
    first = client.get(path)
    assert first.status_code == 200
    assert b"Brightcup" in first.content
    known = {"if-none-match": first.headers["etag"]}
    since = {"if-modified-since": first.headers["last-modified"]}
    assert client.get(path, headers=known).status_code == 304
    assert client.get(path, headers=since).status_code == 304
    assert client.get(path, headers={"if-modified-since": "nonsense"}).status_code == 200
    demo_clock.forward(timedelta(seconds=5))
    quiet_demo.post("more", place=place, title="Second")
    assert client.get(path, headers=known).status_code == 200
    assert client.get(path, headers=since).status_code == 200


def test_rss_and_atom_are_well_formed_and_newest_first(quiet_demo: DemoServer) -> None:
    for place in ("news", "blog"):
        for title in ("old", "new"):
            quiet_demo.post(f"{title} <i>text</i> & more", place=place, title=title)
    rss = ElementTree.fromstring(quiet_demo.client.get("/feeds/news.rss").content)
    assert [item.findtext("title") for item in rss.iter("item")] == ["new", "old"]
    assert rss.findtext("channel/item/description") == "new <i>text</i> & more"
    atom = ElementTree.fromstring(quiet_demo.client.get("/feeds/blog.atom").content)
    name = "{http://www.w3.org/2005/Atom}"
    assert [e.findtext(f"{name}title") for e in atom.iter(f"{name}entry")] == ["new", "old"]
    for href in [link.text for link in rss.iter("link")]:
        assert quiet_demo.client.get(str(href)).status_code == 200


def test_reviews_carry_stars(quiet_demo: DemoServer) -> None:
    quiet_demo.post("cold", place="reviews", title="Stopped", rating=2)
    (item,) = json.loads(quiet_demo.client.get("/feeds/reviews.json").content)["items"]
    assert item["title"] == "★★☆☆☆ Stopped"
    assert item["_earmark"] == {"rating": 2}


def test_hacker_news_pages_and_filters(quiet_demo: DemoServer, demo_clock: FixedClock) -> None:
    story = quiet_demo.post("", place="hn", title="Brightcup teardown")
    demo_clock.forward(timedelta(seconds=10))
    quiet_demo.posts("brightcup comment {i}", 4, place="hn", reply_to=story)
    found = quiet_demo.get(HN, query="brightcup", tags="(story,comment)", hitsPerPage=3)
    assert (found["nbHits"], found["nbPages"], len(found["hits"])) == (5, 2, 3)
    assert found["hits"][0]["comment_text"] == "brightcup comment 3"
    assert found["hits"][0]["story_id"] == int(story)
    second = quiet_demo.get(HN, query="brightcup", hitsPerPage=3, page=1)
    assert second["hits"][-1]["title"] == "Brightcup teardown"
    at = second["hits"][-1]["created_at_i"]
    later = quiet_demo.get(HN, query="brightcup", numericFilters=f"created_at_i>{at}")
    assert later["nbHits"] == 4
    assert quiet_demo.get(HN, query='"teardown brightcup"')["nbHits"] == 0
    assert quiet_demo.get(HN, query="brightcup", tags="story")["nbHits"] == 1


def test_front_page_says_what_it_is_and_its_links_open() -> None:
    with demo_server(story=Story(seed=2)) as demo:
        page = demo.client.get("/").text
        assert "earmark demo platform - invented people, invented brand" in page
        links = set(re.findall(r'href="([^"]+)"', page))
        ours = [link for link in links if link.startswith(demo.url)]
        assert len(ours) > 60
        assert {demo.client.get(link).status_code for link in ours} == {200}
        assert demo.client.get("/@nobody").status_code == 404


def test_status_fault_hits_as_often_as_ordered(quiet_demo: DemoServer) -> None:
    quiet_demo.fault("/api/v1/timelines", "status", 2, status=503)
    codes = [quiet_demo.client.get(TAG).status_code for _ in range(3)]
    assert codes == [503, 503, 200]
    assert quiet_demo.state()["requests"][TAG] == 3


def test_rate_limit_in_each_form(quiet_demo: DemoServer, demo_clock: FixedClock) -> None:
    wanted = {
        "iso": ("x-ratelimit-reset", "2026-03-02T09:00:30.000Z"),
        "seconds": ("retry-after", "30"),
        "http-date": ("retry-after", "Mon, 02 Mar 2026 09:00:30 GMT"),
        "epoch": ("x-ratelimit-reset", str(int(demo_clock().timestamp()) + 30)),
    }
    for form, (header, value) in wanted.items():
        quiet_demo.fault("/api", "ratelimit", form=form, retry_after=30)
        response = quiet_demo.client.get(TAG)
        assert response.status_code == 429
        assert response.headers[header] == value
    quiet_demo.fault("/api", "ratelimit", form="none")
    assert "retry-after" not in quiet_demo.client.get(TAG).headers


def test_real_limit_and_its_end(demo_clock: FixedClock) -> None:
    story = Story(history=False, live=False, limit=4)
    with demo_server(clock=demo_clock, story=story) as demo:
        answers = [demo.client.get(TAG) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["x-ratelimit-remaining"] == "0"
        assert answers[-1].headers["x-ratelimit-reset"] == "2026-03-02T09:05:00.000Z"
        demo_clock.forward(timedelta(minutes=5))
        assert demo.client.get(TAG).status_code == 200


def test_broken_answers(quiet_demo: DemoServer) -> None:
    quiet_demo.fault(TAG, "malformed")
    with pytest.raises(json.JSONDecodeError):
        quiet_demo.client.get(TAG).json()
    quiet_demo.fault(TAG, "html")
    assert quiet_demo.client.get(TAG).headers["content-type"].startswith("text/html")
    quiet_demo.fault(TAG, "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        quiet_demo.client.get(TAG)
    quiet_demo.fault(TAG, "slow", seconds=0.5)
    with pytest.raises(httpx.ReadTimeout):
        quiet_demo.client.get(TAG, timeout=0.05)
    quiet_demo.fault(TAG, "status", 9)
    quiet_demo.forget_faults()
    assert quiet_demo.client.get(TAG).status_code == 200


def test_answer_lost_after_the_reply_was_taken(quiet_demo: DemoServer) -> None:
    post = quiet_demo.post("@brightcup help")
    quiet_demo.fault("/api/v1/statuses", "drop", method="POST", after=True)
    body = {"status": "@mila_vorn on it", "in_reply_to_id": post}
    headers = {"authorization": f"Bearer {quiet_demo.token}", "idempotency-key": "k"}
    with pytest.raises(httpx.RemoteProtocolError):
        quiet_demo.client.post("/api/v1/statuses", json=body, headers=headers)
    (taken,) = quiet_demo.state()["answers"]
    again = quiet_demo.client.post("/api/v1/statuses", json=body, headers=headers)
    assert again.json()["id"] == taken["id"]


@pytest.mark.parametrize(
    ("lever", "fields", "status"),
    [
        ("faults", {"path": "/", "kind": "fire"}, 422),
        ("faults", {"path": "/", "kind": "ratelimit", "form": "smoke"}, 422),
        ("posts", {"text": "x", "rating": 9}, 422),
        ("posts", {"text": "x", "colour": "blue"}, 422),
        ("edit", {"id": "1", "text": "x"}, 404),
        ("delete", {}, 404),
    ],
)
def test_levers_say_what_is_wrong(
    quiet_demo: DemoServer, lever: str, fields: dict[str, object], status: int
) -> None:
    response = quiet_demo.client.post(f"/_demo/{lever}", json=fields)
    assert response.status_code == status
    assert response.json()["error"]


def test_levers_are_for_this_machine_only() -> None:
    app = create_app(load_script(), system_clock, story=Story(history=False))
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 4711))

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            posted = await client.post("/_demo/posts", json={"text": "x"})
            return [posted.status_code, (await client.get("/_demo/state")).status_code]

    assert asyncio.run(ask()) == [403, 403]


def test_a_page_cannot_pull_levers_by_a_form(quiet_demo: DemoServer) -> None:
    assert quiet_demo.client.post("/_demo/posts", data={"text": "x"}).status_code == 415


def test_faults_are_used_up_in_order() -> None:
    faults = Faults([Fault("/a", "html", times=2), Fault("/", "drop")])
    scope = {"path": "/a/b", "method": "GET"}
    assert [f.kind if (f := faults.take(scope)) else None for _ in range(4)] == [
        "html",
        "html",
        "drop",
        None,
    ]


def test_the_shipped_seed_is_valid_and_its_monitors_hear_the_demo() -> None:
    text = (files("earmark_config") / "demo.toml").read_text(encoding="utf-8")

    def check(channel: str, options: dict[str, object]) -> object:
        return registry.channel(channel).options_type.model_validate(options)

    variables = {"demo": "http://127.0.0.1:8511"}
    seed = read_seed_text(text, variables=variables, check_source=check, check_query=monitor.parse)
    brand, other = seed.brands
    assert other.competitor
    assert 5 <= len(brand.saved_replies) <= 6
    assert "{demo}" not in str([source.options for source in brand.sources])
    query = monitor.parse(brand.monitors[0].query)
    assert monitor.match(query, "@brightcup the lid leaks")
    assert monitor.match(query, "no coffee #Brightcup")
    assert not monitor.match(query, "#koffa is fine")
