"""Lists recorded from the App Store, and Apple's own document; they are no part of the project.

Of App Store Connect there is no recording: the recording of ours is held against the document.
"""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import jsonschema
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build

OURS = Path(__file__).parents[1] / "fixtures" / "listeners" / "appstore"


def replay(answer):
    async def go():
        transport = httpx.MockTransport(answer)
        fetch = make_fetcher(user_agent="tests", transport=transport)
        clock = FixedClock(datetime(2026, 8, 1, tzinfo=UTC))
        options = {"app_id": "1404176564", "country": "jp"}
        listener = build("appstore", options, Wiring(fetch, clock, lambda ref: ""))
        try:
            async with aclosing(listener.poll(None)) as pages:
                return [batch async for batch in pages]
        finally:
            await fetch.aclose()

    return asyncio.run(go())


@pytest.fixture
def bodies(payloads):
    folder = payloads / "appstore"
    return {
        kind: (folder / f"rss_customerreviews_jp_2020.{kind}").read_bytes()
        for kind in ("json", "xml")
    }


def test_json_without_dates(bodies):
    """The two recordings are of different days: no review of one has its date in the other."""
    raw = {each["id"]["label"]: each for each in json.loads(bodies["json"])["feed"]["entry"]}
    (batch,) = replay(lambda request: httpx.Response(
        200, content=bodies[request.url.path.rpartition("/")[2]]))  # fmt: skip
    assert {item.external_id for item in batch.items} == set(raw)
    assert batch.bad_items == ()
    for item in batch.items:
        said = raw[item.external_id]
        assert item.title == said["title"]["label"]
        assert item.text == said["content"]["label"]
        assert item.rating == int(said["im:rating"]["label"])
        assert item.author.name == said["author"]["name"]["label"]
        assert said["author"]["uri"]["label"].endswith(f"/id{item.author.id}")
        assert item.metrics == {"votes": 0, "vote_sum": 0}
        assert item.published_at is None


def test_xml_where_the_json_is_silent(bodies):
    def answer(request):
        if request.url.path.endswith("/xml"):
            return httpx.Response(200, content=bodies["xml"])
        return httpx.Response(200, json={"feed": {"id": {"label": "…"}}})

    (batch,) = replay(answer)
    assert [item.external_id for item in batch.items] == [
        "6305757611", "6306171932", "6308225841", "6309441083", "6309777489", "6310006838",
    ]  # fmt: skip
    newest = batch.items[-1]
    assert newest.published_at == datetime(2020, 8, 12, 11, 6, 20, tzinfo=UTC)
    assert (newest.rating, newest.title) == (5, "髪型追加してもらいたい")
    assert newest.text.startswith("いろんな髪型追加して欲しい\n")
    assert "<" not in newest.text
    assert (newest.author.id, newest.author.name) == ("945418104", "単刀直入にさきいか")


@pytest.fixture
def schema(payloads):
    """Gives a check of a value against a part of Apple's document."""
    path = payloads / "appstore" / "connect_api_openapi_subset.json"
    known = json.loads(path.read_text("utf-8"))["schemas"]
    # What the subset only names is a code of three letters, a link, or a resource not used here.
    named = {"TerritoryCode": {"type": "string", "pattern": "^[A-Z]{3}$"}}
    known |= {name: named.get(name, {}) for name in _references(known) if name not in known}

    def check(name, value):
        document = {"components": {"schemas": known}, "$ref": f"#/components/schemas/{name}"}
        jsonschema.Draft7Validator(document).validate(value)

    return check


def _references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_our_recording_is_of_apple_s_shape(schema):
    for name in ("page-first.json", "page-later-1.json", "page-later-2.json"):
        page = json.loads((OURS / name).read_text("utf-8"))
        for each in page["data"]:
            schema("CustomerReview", each)
        for each in page["included"]:
            schema("CustomerReviewResponseV1", each)
        schema("PagedDocumentLinks", page["links"])
        schema("PagingInformation", page["meta"])


def test_our_refusals_and_our_reply_are_of_apple_s_shape(schema):
    script = json.loads((OURS / "script.json").read_text("utf-8"))["reply"]
    for refusal in script["refusals"].values():
        schema("ErrorResponse", refusal["json"])
    (created,) = [each for each in script["send"]["answers"] if each.get("method") == "POST"]
    schema("CustomerReviewResponseV1", created["json"]["data"])
    link = {"data": {"type": "customerReviews", "id": "r1"}}
    schema("CustomerReviewResponseV1CreateRequest", {"data": {
        "type": "customerReviewResponses", "attributes": {"responseBody": "x"},
        "relationships": {"review": link}}})  # fmt: skip
