"""X's own test vectors for the length of a post."""

import json

import pytest

from earmark_listeners.lengths import weighted


@pytest.mark.parametrize("name", ["config_v3_emoji"])
def test_lengths_are_x_s_own_and_never_too_low(payloads, name):
    path = payloads / "x" / f"twitter_text_length_vectors_{name}.json"
    vectors = json.loads(path.read_text("utf-8"))
    assert len(vectors) > 20
    counted = [(weighted(each["text"]), each["expected"]["weightedLength"]) for each in vectors]
    assert all(ours >= theirs for ours, theirs in counted)
    # One differs: a host name in other letters than ours is counted in full.
    assert sum(ours != theirs for ours, theirs in counted) <= 1
