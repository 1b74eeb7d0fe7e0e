"""What a label stands on: few lines in plain words that add up."""

from math import exp, fsum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.model import LogitPart, Receipt, Text
from earmark_dashboard import wire
from earmark_dashboard.standing import LISTED, NUMBER_NAMES, SHOWN, apportioned, standing, table
from earmark_sentiment.features import NAMES
from earmark_sentiment.scorer import HeadScorer, VaderScorer
from tests.dashboard import understood

values = st.floats(-20, 20, allow_nan=False)
parts = st.builds(
    LogitPart,
    st.sampled_from([*NAMES, "every text", "late", "never again", "support"]),
    values,
    st.sampled_from(["word", "number", "brand", "embedding", "base"]),
    st.sampled_from([-1, 3]),
)


def made(*shares: LogitPart) -> Receipt:
    return Receipt("", (), 0.0, 0.0, sum(share.value for share in shares), shares)


def told(receipt: Receipt) -> dict[str, Any]:
    found = standing(receipt)
    assert found is not None
    return found


def adds_up(found: dict[str, Any]) -> None:
    for group in found["groups"]:
        lines = [value for _name, value in (*group["lines"], *group["more"])]
        assert group["kind"] == "base" or sum(lines) + group["small"][1] == group["value"]
    assert sum(group["value"] for group in found["groups"]) == found["logit"]


@given(st.lists(values, max_size=200))
def test_hundredths_add_up_and_none_is_far_from_its_value(shares: list[float]) -> None:
    whole = apportioned(shares)
    assert sum(whole) == round(fsum(100 * share for share in shares))
    assert all(abs(one - 100 * share) <= 1 for one, share in zip(whole, shares, strict=True))


@given(st.lists(parts, max_size=80), values)
def test_all_lines_add_up_to_the_logit_shown(shares: list[LogitPart], base: float) -> None:
    receipt = made(LogitPart("every text", base, "base"), *shares)
    found = told(receipt)
    adds_up(found)
    assert abs(found["logit"] - 100 * (receipt.logit or 0)) <= 0.51
    heavy = [line for group in found["groups"] for line in group["lines"]]
    assert len(heavy) <= SHOWN
    assert sum(len(group["more"]) for group in found["groups"]) <= LISTED


@pytest.mark.parametrize("text", [understood.MIXED, understood.LONG, "Late.", "a " * 4_000])
@pytest.mark.parametrize("brand", [None, understood.BRAND])
def test_the_receipt_of_a_real_text_adds_up_to_its_probability(text: str, brand: Any) -> None:
    scorer = HeadScorer().with_brand_model(brand)
    receipt = scorer.explain(Text(text))
    found = told(receipt)
    adds_up(found)
    assert found["probability"] == pytest.approx(1 / (1 + exp(-found["logit"] / 100)), abs=0.01)
    (score,) = scorer.score_batch([Text(text)])
    assert score.p_neg is None or found["probability"] == pytest.approx(score.p_neg, abs=1e-4)
    assert len(str(wire.receipt(1, receipt)["stands"])) < 2_500


def test_every_number_has_a_name_that_a_person_understands() -> None:
    assert set(NAMES) <= set(NUMBER_NAMES)
    found = told(HeadScorer().explain(Text(understood.MIXED)))
    names = [
        name for group in found["groups"] for name, _value in (*group["lines"], *group["more"])
    ]
    assert not set(names) & set(NAMES)
    assert all(name[0].isupper() or name.startswith("“") for name in names)


def test_numbers_that_say_the_same_are_one_line() -> None:
    found = told(made(LogitPart("compound", 2.0, "number"), LogitPart("length", 0.1, "number"),
                      LogitPart("compound by length", -1.5, "number")))  # fmt: skip
    (group,) = found["groups"]
    assert [value for _name, value in group["lines"]] == [50, 10]


def test_a_word_is_a_word_even_if_a_number_has_its_name() -> None:
    found = told(made(LogitPart("length", 1.0, "brand", 4, 10), LogitPart("length", 2.0, "brand")))
    (group,) = found["groups"]
    assert group["lines"] == [(NUMBER_NAMES["length"], 200), ("“length”", 100)]


def test_a_share_of_a_kind_that_is_not_known_is_of_the_whole_text() -> None:
    found = told(made(LogitPart("meaning of the whole text", 1.0, "embedding")))
    assert [(group["kind"], group["value"]) for group in found["groups"]] == [("number", 100)]


def test_what_was_learned_for_the_brand_stands_apart() -> None:
    receipt = HeadScorer().with_brand_model(understood.BRAND).explain(Text("The battery died."))
    by_kind = {group["kind"]: group for group in told(receipt)["groups"]}
    assert [name for name, _ in by_kind["brand"]["lines"]] == ["“battery died”"]
    assert list(by_kind) == ["word", "number", "brand", "base"]


def test_a_scorer_without_a_head_has_words_alone() -> None:
    sent = wire.receipt(1, VaderScorer().explain(Text("Terrible.")))
    assert (sent["stands"], sent["hints"]) == (None, [])
    assert sent["parts"]


def test_hints_are_told() -> None:
    sent = wire.receipt(1, HeadScorer().explain(Text(understood.MIXED)))
    assert [hint.split(":")[0] for hint in sent["hints"]] == ["mixed"]


def test_as_a_table_the_lighter_shares_are_one_line_and_all_adds_up() -> None:
    shares = [LogitPart(f"word{n}", 1 + n / 10, "word", n, n + 1) for n in range(9)]
    shown = table(told(made(*shares, LogitPart("every text", -0.74, "base"))))
    rows = {row["What"]: float(row["For negative"].replace("−", "-")) for row in shown}
    assert list(rows)[-3:] == [
        "3 more words",
        "What every text about this brand starts from",
        "Sum",
    ]
    assert len(rows) == 9
    *lines, total = rows.values()
    assert round(sum(lines), 2) == total
