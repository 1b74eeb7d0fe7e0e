"""The head: features of a text to the logits of "negative" and of "positive if not negative".

Both logits are sums, so each word and each number has its readable share. The shipped weights
stand in `head.json.gz` beside this module, with their card in `head-card.json`; they are
calibrated on kinds of text that they were not trained on.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from math import exp, sqrt
from operator import mul
from typing import Any

from earmark_core.model import LogitPart
from earmark_sentiment.features import FEATURES_VERSION, NAMES, Features, grams_of

_SCALE = 1.0 / 64.0
"""A gram's weight is kept as a whole number of these."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A straight line on a logit: `slope * logit + shift` (Platt 1999)."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, logit: float) -> float:
        """Gives the calibrated logit."""
        return self.slope * logit + self.shift


@dataclass(frozen=True, slots=True)
class BrandModel:
    """What was learned for one brand on top of the shipped head; all of it can be read.

    The logit of "negative" becomes `negative(base) + numbers · x + Σ words[gram] / √n`, where x
    are the features' numbers in the order of `features.NAMES` and n is how many grams the text
    has; the other logit becomes `positive(base)`. `lexicon` replaces values of VADER's lexicon
    (lower case) before anything else is computed. `name` goes into the model id.
    """

    name: str
    negative: Calibration = Calibration()
    positive: Calibration = Calibration()
    numbers: tuple[float, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    lexicon: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of the two logits; `grams` hold those of "negative" and of "positive"."""

    version: str
    negative_bias: float
    positive_bias: float
    negative: tuple[float, ...]
    positive: tuple[float, ...]
    grams: Mapping[str, tuple[int, int]]
    brand: BrandModel | None = None

    @property
    def model_id(self) -> str:
        """Gives the name of these weights, with that of the brand's model if there is one."""
        return f"head-{self.version}" + (f"+{self.brand.name}" if self.brand else "")

    def with_brand_model(self, brand: BrandModel | None) -> "Head":
        """Gives this head with what was learned for a brand; None takes it off again."""
        return replace(self, brand=brand)

    def base_logits(self, features: Features) -> tuple[float, float]:
        """Gives the logits of the shipped weights, without any brand's model.

        First that of "negative", then that of "positive", given that it is not negative.
        """
        words = features.words
        known = self.grams
        hits = [known[gram] for gram in grams_of(words) if gram in known]
        each = _SCALE / sqrt(max(1, 2 * len(words) - 1))
        negative = sum(map(mul, self.negative, features.numbers))
        positive = sum(map(mul, self.positive, features.numbers))
        return (
            self.negative_bias + negative + each * sum([hit[0] for hit in hits]),
            self.positive_bias + positive + each * sum([hit[1] for hit in hits]),
        )

    def logits(self, features: Features) -> tuple[float, float]:
        """Gives the two logits with the brand's model, if there is one."""
        negative, positive = self.base_logits(features)
        brand = self.brand
        if brand is None:
            return negative, positive
        negative = brand.negative(negative) + sum(map(mul, brand.numbers, features.numbers))
        if brand.words:
            each = 1.0 / sqrt(max(1, 2 * len(features.words) - 1))
            get = brand.words.get
            negative += each * sum([get(gram, 0.0) for gram in grams_of(features.words)])
        return negative, brand.positive(positive)

    def probabilities(self, features: Features) -> tuple[float, float, float]:
        """Gives the probabilities of negative, neutral and positive; they add up to 1."""
        return spread(*self.logits(features))

    def parts(
        self, features: Features, spans: list[tuple[int, int]] | None = None
    ) -> list[LogitPart]:
        """Gives what the logit of "negative" is made of; the values add up to it.

        `spans` are the places of `features.words` in the prepared text. First what every text
        starts from, then the numbers, then the words in order; shares of nothing are left out.
        """
        brand = self.brand or BrandModel("")
        slope = brand.negative.slope
        bias = slope * self.negative_bias
        parts = [LogitPart("every text", bias, "base"), *self._numbers(features, slope)]
        parts += _words(features, lambda gram: self._weight(gram, slope), spans)
        if self.brand:
            parts.append(LogitPart("every text", brand.negative.shift, "brand"))
            parts += [
                LogitPart(name, weight * value, "brand")
                for name, weight, value in zip(NAMES, brand.numbers, features.numbers, strict=False)
            ]
            parts += [
                replace(part, kind="brand") for part in _words(features, brand.words.get, spans)
            ]
        return [part for part in parts if part.value]

    def _weight(self, gram: str, slope: float) -> float | None:
        known = self.grams.get(gram)
        return slope * _SCALE * known[0] if known else None

    def _numbers(self, features: Features, slope: float) -> list[LogitPart]:
        return [
            LogitPart(name, slope * weight * value, "number")
            for name, weight, value in zip(NAMES, self.negative, features.numbers, strict=True)
        ]


def _words(
    features: Features,
    weight_of: Callable[[str], float | None],
    spans: list[tuple[int, int]] | None,
) -> list[LogitPart]:
    words = features.words
    each = 1.0 / sqrt(max(1, 2 * len(words) - 1))
    shares: dict[str, LogitPart] = {}
    for i, gram in enumerate(grams_of(words)):
        weight = weight_of(gram)
        if weight is None:
            continue
        if gram in shares:
            shares[gram] = replace(shares[gram], value=shares[gram].value + each * weight)
            continue
        first = i if i < len(words) else i - len(words)
        last = first if i < len(words) else first + 1
        start, end = (spans[first][0], spans[last][1]) if spans else (-1, -1)
        shares[gram] = LogitPart(gram, each * weight, "word", start, end)
    return list(shares.values())


def spread(negative: float, positive: float) -> tuple[float, float, float]:
    """Gives the three probabilities of two logits: negative, and positive if not negative."""
    p_negative = sigmoid(negative)
    p_positive = (1.0 - p_negative) * sigmoid(positive)
    return p_negative, max(0.0, 1.0 - p_negative - p_positive), p_positive


def sigmoid(logit: float) -> float:
    """Gives the probability of a logit."""
    if logit < -700:
        return 0.0
    return 1.0 / (1.0 + exp(-logit))


def read(packed: bytes) -> Head:
    """Gives the head of a weights file.

    Raises ValueError for a file that was made for other features.
    """
    data: dict[str, Any] = json.loads(gzip.decompress(packed))
    if data["features"] != FEATURES_VERSION or tuple(data["names"]) != NAMES:
        msg = f"weights {data['version']} are for features {data['features']}; train them again"
        raise ValueError(msg)
    grams = zip(data["grams"], zip(data["negative"], data["positive"], strict=True), strict=True)
    return Head(
        data["version"],
        data["bias"][0],
        data["bias"][1],
        tuple(data["numbers"][0]),
        tuple(data["numbers"][1]),
        dict(grams),
    )


def packed(head: Head) -> bytes:
    """Gives the weights file of a head; the same head gives the same bytes."""
    grams = sorted(head.grams.items())
    data = {
        "version": head.version,
        "features": FEATURES_VERSION,
        "names": NAMES,
        "bias": (head.negative_bias, head.positive_bias),
        "numbers": (head.negative, head.positive),
        "grams": [gram for gram, _ in grams],
        "negative": [weights[0] for _, weights in grams],
        "positive": [weights[1] for _, weights in grams],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def whole(weight: float) -> int:
    """Gives a gram's weight as it is kept."""
    return round(weight / _SCALE)


@cache
def shipped() -> Head:
    """Gives the head that comes with the package; one for the process."""
    return read(files("earmark_sentiment").joinpath("head.json.gz").read_bytes())
