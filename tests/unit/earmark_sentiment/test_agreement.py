"""Agreement and figures against cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.model import Label
from earmark_sentiment.agreement import agreement
from earmark_sentiment.figures import (
    average_precision,
    calibration_error,
    figures_of,
    threshold_for,
)

NEG, NEU, POS = Label


def test_kappa_of_the_textbook_case() -> None:
    """20 and 15 of 50 agree: 0.7 observed, 0.5 by chance, so 0.4."""
    found = agreement([(NEG, NEG)] * 20 + [(NEG, NEU)] * 5 + [(NEU, NEG)] * 10 + [(NEU, NEU)] * 15)
    assert found.n == 50
    assert found.accuracy == pytest.approx(0.7, abs=5e-4)
    assert found.kappa == pytest.approx(0.4, abs=5e-4)


def test_three_labels_by_hand() -> None:
    """Rows are people (neg 10, neu 8, pos 6), columns the machine (12, 5, 7).

    Equal 7 + 4 + 5 = 16 of 24. Chance (10·12 + 8·5 + 6·7) / 576 = 202/576.
    kappa = (384 - 202) / (576 - 202) = 182/374 = 0.487.
    """
    cells = {
        (NEG, NEG): 7, (NEG, NEU): 1, (NEG, POS): 2,
        (NEU, NEG): 4, (NEU, NEU): 4,
        (POS, NEG): 1, (POS, POS): 5,
    }  # fmt: skip
    found = agreement([pair for pair, count in cells.items() for _ in range(count)])
    assert (found.n, found.count(NEU, NEG), found.count(NEU, POS)) == (24, 4, 0)
    assert round(found.accuracy or 0, 3) == 0.667
    assert round(found.kappa or 0, 3) == 0.487
    assert round(found.precision(NEG) or 0, 3) == 0.583  # 7 of 12
    assert round(found.recall(NEG) or 0, 3) == 0.7
    assert round(found.f1(NEG) or 0, 3) == 0.636  # 14 of 22
    assert round(found.f1(NEU) or 0, 3) == 0.615  # 8 of 13
    assert round(found.f1(POS) or 0, 3) == 0.769  # 10 of 13


def test_what_has_no_basis_is_none_and_never_nought() -> None:
    empty = agreement([])
    assert (empty.n, empty.accuracy, empty.kappa, empty.f1(NEG)) == (0, None, None, None)
    one = agreement([(POS, POS)] * 3)
    assert (one.accuracy, one.kappa, one.f1(POS), one.f1(NEG)) == (1.0, None, 1.0, None)


@given(st.lists(st.tuples(st.sampled_from(Label), st.sampled_from(Label)), min_size=1))
def test_kappa_is_one_only_if_all_agree_and_never_more(pairs: list[tuple[Label, Label]]) -> None:
    kappa = agreement(pairs).kappa
    if kappa is not None:
        assert kappa <= 1
        assert (kappa == 1) == all(one is other for one, other in pairs)


def test_average_precision_by_hand() -> None:
    """Negatives at ranks 1 and 3: (1/1 + 2/3) / 2. What is equal shares its precision."""
    assert average_precision([True, False, True], [0.9, 0.8, 0.7]) == pytest.approx(5 / 6)
    assert average_precision([True, False], [0.5, 0.5]) == pytest.approx(0.5)


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    is_negative = [True, True, False, True, False, False]
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    found = threshold_for(is_negative, scores, 0.75)
    assert found is not None
    assert (found.p_neg, found.precision, found.recall, found.queued) == (0.6, 0.75, 1.0, 4)
    strict = threshold_for(is_negative, scores, 0.8)
    assert strict is not None
    assert (strict.p_neg, strict.queued) == (0.8, 2)
    assert threshold_for([False, False], [0.9, 0.1], 0.8) is None
    assert threshold_for([False, True], [0.9, 0.1], 0.8) is None


def test_calibration_error_by_hand() -> None:
    """Two at 0.95, one of them negative, two at 0.05, none: (0.9 + 0.1) / 4."""
    assert calibration_error([True, False, False, False], [0.95, 0.95, 0.05, 0.05]) == (
        pytest.approx(0.25)
    )


def test_figures_of_a_small_set_by_hand() -> None:
    import numpy as np

    found = figures_of(
        [NEG, NEG, NEU, POS],
        np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]),
        [0, 0, 0, 0],
    )
    assert (found.n, found.negatives, found.accuracy) == (4, 2, 0.5)
    assert found.negative_f1 == 0.5  # one hit, one missed, one false
    assert round(found.average_precision, 3) == 0.833  # ranks 1 and 3


def test_the_interval_of_a_share_by_hand() -> None:
    """Wilson, 8 of 10 at 95 %: 0.490 to 0.943."""
    low, high = agreement([(NEG, NEG)] * 8 + [(NEG, POS)] * 2).interval or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert agreement([]).interval is None
    assert agreement([(NEG, NEG)] * 5).interval == pytest.approx((0.566, 1.0), abs=1e-3)


def test_a_figure_of_few_is_not_firm() -> None:
    assert not agreement([(NEG, NEG)] * 29).is_firm
    assert agreement([(NEG, NEG)] * 30).is_firm


def test_weighing_a_text_is_counting_it_as_often() -> None:
    import numpy as np

    labels = [NEG, NEU, POS, NEG, NEU]
    found = np.array(
        [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1]]
    )
    times = [1, 3, 1, 2, 1]
    weighed = figures_of(labels, found, [0] * 5, 0.8, times)
    counted = figures_of(
        [label for label, n in zip(labels, times, strict=True) for _ in range(n)],
        np.repeat(found, times, axis=0),
        [0] * sum(times),
    )
    for name in ("average_precision", "negative_f1", "accuracy", "log_loss", "calibration_error"):
        assert getattr(weighed, name) == pytest.approx(getattr(counted, name), abs=2e-6), name
    assert (weighed.n, counted.n) == (5, 8)
    assert (weighed.weighed, weighed.effective_n) == (2, 4)  # 8² / (1 + 9 + 1 + 4 + 1)
    assert (counted.weighed, counted.effective_n) == (0, 8)


def test_the_threshold_moves_when_what_was_not_queued_counts() -> None:
    """One blind neutral at 0.6 stands for fifty: what is that high is mostly not negative."""
    is_negative, scores = [True, True, True, True, False], [0.9, 0.8, 0.7, 0.6, 0.6]
    plain = threshold_for(is_negative, scores, 0.8)
    weighed = threshold_for(is_negative, scores, 0.8, [1, 1, 1, 1, 50])
    assert plain is not None
    assert weighed is not None
    assert (plain.p_neg, plain.precision) == (0.6, 0.8)
    assert (weighed.p_neg, weighed.precision, weighed.queued) == (0.7, 1.0, 3)
