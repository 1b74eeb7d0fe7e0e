"""Google's own description of its reviews, and the answers it shows; no part of the project."""

import json

import pytest
from pydantic import BaseModel

from earmark_listeners.channels.googleplay.reviews import (
    Comment,
    DeveloperComment,
    Moment,
    Review,
    UserComment,
)


@pytest.fixture
def described(payloads):
    path = payloads / "googleplay" / "discovery_reviews_subset.json"
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("shape", "name"),
    [(Review, "Review"), (Comment, "Comment"), (UserComment, "UserComment"),
     (DeveloperComment, "DeveloperComment"), (Moment, "Timestamp")],
)  # fmt: skip
def test_all_that_we_read_is_described(described, shape: type[BaseModel], name):
    assert shape.model_fields.keys() <= described["schemas"][name]["properties"].keys()


def test_seconds_are_text_and_nanoseconds_a_number(described):
    said = described["schemas"]["Timestamp"]["properties"]
    assert (said["seconds"]["type"], said["nanos"]["type"]) == ("string", "integer")


def test_the_list_the_review_and_the_reply_are_where_we_ask(described):
    methods = described["resources"]["reviews"]["methods"]
    base = "androidpublisher/v3/applications/{packageName}/reviews"
    assert methods["list"]["path"] == base
    assert methods["get"]["path"] == f"{base}/{{reviewId}}"
    assert methods["reply"]["path"] == f"{base}/{{reviewId}}:reply"
    assert {"maxResults", "token"} <= methods["list"]["parameters"].keys()
    assert methods["reply"]["scopes"] == ["https://www.googleapis.com/auth/androidpublisher"]
    reply = described["schemas"]
    assert "replyText" in reply["ReviewsReplyRequest"]["properties"]
    assert "replyText" in reply["ReviewReplyResult"]["properties"]
    assert {"reviews", "tokenPagination", "pageInfo"} == reply["ReviewsListResponse"][
        "properties"
    ].keys()
