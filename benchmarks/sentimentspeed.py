"""What each step of scoring costs, as a ratio to vaderSentiment in the same run."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.labelled import Example, table
from earmark_core.model import Text
from earmark_sentiment.complaint import cues_of
from earmark_sentiment.features import Extractor
from earmark_sentiment.head import shipped
from earmark_sentiment.language import Language, identify
from earmark_sentiment.prepare import prepare
from earmark_sentiment.scorer import HeadScorer
from earmark_sentiment.vader import Vader, installed, polarity_scores

ROUNDS = 7
_TEXTS = 1_000
_ENGLISH = Language("en", 1.0, True)


def figures(sets: dict[str, list[Example]]) -> str:
    """Gives CPU time per text of vaderSentiment, and the share of it that each step takes."""
    rows = []
    for name, texts in _kinds(sets).items():
        cost = _measured(texts)
        base = statistics.median(cost.pop("vaderSentiment"))
        length = round(statistics.mean(map(len, texts)))
        shares = [f"{statistics.median(cost[step]) / base:.2f}" for step in cost]
        rows.append((f"{name}, {length} characters", f"{base * 1e6:.0f} µs", *shares))
        steps = list(cost)
    endless = "the food was good and nice " * 630
    spam = "this is 😂😂😂 great " * 320
    long = table(
        ("text", "characters", "ms"),
        [
            (name, f"{len(text):,}", f"{min(_times(polarity_scores, [text])) * 1e3:.1f}")
            for name, text in (("repeated words", endless), ("emojis", spam))
        ],
    )
    header = ("texts", "vaderSentiment", *(f"{step} ×" for step in steps))
    return f"{table(header, rows)}\n\nIdentical VADER on long texts:\n\n{long}"


def _kinds(sets: dict[str, list[Example]]) -> dict[str, list[str]]:
    """Gives tweets, and reviews and joined snippets of about 500 and 1,100 characters."""
    kinds = {}
    if "vader_gt_tweets" in sets:
        kinds["tweets"] = [one.text for one in sets["vader_gt_tweets"][:_TEXTS]]
    if "womens_clothing_reviews" in sets:
        reviews = [one.text for one in sets["womens_clothing_reviews"]]
        kinds["reviews"] = [text for text in reviews if 460 <= len(text) <= 540][:200]
    if "vader_gt_amazon" in sets:
        kinds["joined snippets"] = _joined(sets["vader_gt_amazon"], 1_050)[:200]
    return kinds


def _joined(examples: Sequence[Example], length: int) -> list[str]:
    texts, one = [], ""
    for example in examples:
        one = f"{one} {example.text}".strip()
        if len(one) >= length:
            texts.append(one)
            one = ""
    return texts


def _measured(texts: list[str]) -> dict[str, list[float]]:
    """Gives the CPU seconds per text of each step, over interleaved rounds."""
    vader, head = installed(), shipped()
    extractor = Extractor(vader)
    prepared = [prepare(text, (), vader.knows) for text in texts]
    found = [(vader.analyse(text), cues_of(text)) for text in prepared]
    features = [extractor.of(*pair) for pair in found]
    scorer = HeadScorer(identify=lambda *_: _ENGLISH)
    whole = HeadScorer()
    asked = [Text(text) for text in texts]
    steps: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
        "vaderSentiment": (SentimentIntensityAnalyzer().polarity_scores, texts),
        "identical VADER": (polarity_scores, texts),
        "identical VADER, all words new": (_unacquainted, [texts]),
        "preparation": (lambda text: prepare(text, (), vader.knows), texts),
        "cues": (cues_of, prepared),
        "features": (lambda pair: extractor.of(*pair), found),
        "head": (head.probabilities, features),
        "all but language": (scorer.score_batch, [asked]),
        "language": (lambda text: identify(text, "", vader.lexicon.__contains__), prepared),
        "all": (whole.score_batch, [asked]),
        "receipt": (scorer.explain, asked),
    }
    cost: dict[str, list[float]] = {step: [] for step in steps}
    gc.collect()
    gc.freeze()
    for function, given in steps.values():
        _times(function, given[:50], 1)
    for _ in range(ROUNDS):
        for step, (function, given) in steps.items():
            cost[step] += [
                cost_of * len(given) / len(texts) for cost_of in _times(function, given, 1)
            ]
    return cost


def _unacquainted(texts: list[str]) -> None:
    """Scores the texts by a scorer that remembers no word yet."""
    known = installed()
    score = Vader(known.lexicon, known.emojis).polarity_scores
    for text in texts:
        score(text)


def _times(
    function: Callable[[Any], object], given: Sequence[Any], rounds: int = ROUNDS
) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for one in given:
            function(one)
        times.append((time.process_time() - start) / len(given))
    return times
