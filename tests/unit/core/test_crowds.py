"""Documents of very many parts are refused before anything is built from them."""

import json

import pytest

from earmark_core.answer import Answer
from earmark_core.crowds import MOST_TAGS, refuse_crowded_json, refuse_crowded_xml
from earmark_core.errors import Malformed

CROWD = b"[" + b"[]," * 260_000 + b"0]"


@pytest.mark.parametrize("body", [CROWD, CROWD.decode()], ids=["bytes", "text"])
def test_json_of_too_many_values_is_refused(body: bytes | str) -> None:
    with pytest.raises(Malformed, match="more than 500,000 values"):
        refuse_crowded_json(body)


def test_an_answer_says_where_the_crowd_came_from() -> None:
    with pytest.raises(Malformed, match="500,000 values") as refused:
        Answer(200, {}, CROWD, "https://a.example/posts?key=secret").json()
    assert refused.value.subject == "https://a.example/posts"


def test_a_large_page_of_posts_is_none() -> None:
    post = {"id": 1, "text": "Nice and warm, they say. " * 12, "tags": ["a", "b"]}
    page = json.dumps([post] * 20_000).encode()
    assert len(page) > 6_000_000
    refuse_crowded_json(page)


def test_xml_of_too_many_tags_is_refused() -> None:
    refuse_crowded_xml("<a/>" * MOST_TAGS)
    with pytest.raises(Malformed, match="more than 400,000 tags"):
        refuse_crowded_xml("<a/>" * (MOST_TAGS + 1))
