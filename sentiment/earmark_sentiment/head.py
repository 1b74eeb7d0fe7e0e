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
from itertools import pairwise, repeat
from math import exp, sqrt
from operator import mul
from typing import Any

from earmark_core.model import LogitPart
from earmark_sentiment.features import FEATURES_VERSION, NAMES, Features, grams_of

_NOTHING = repeat(0)
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


Gram = str | tuple[str, str]
"""One word, or two neighbours."""
_HALF = 1 << 40


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of the two logits.

    `grams` hold both weights of each gram as one number, see `pair`: so the two sums are one.
    """

    version: str
    negative_bias: float
    positive_bias: float
    negative: tuple[float, ...]
    positive: tuple[float, ...]
    grams: Mapping[Gram, int]
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
        words, numbers = features.words, features.numbers
        weight = self.grams.get
        total = sum(map(weight, words, _NOTHING)) + sum(map(weight, pairwise(words), _NOTHING))
        first, second = unpaired(total)
        each = _SCALE / sqrt(max(1, 2 * len(words) - 1))
        return (
            self.negative_bias + sum(map(mul, self.negative, numbers)) + each * first,
            self.positive_bias + sum(map(mul, self.positive, numbers)) + each * second,
        )

    def logits(self, features: Features) -> tuple[float, float]:
        """Gives the two logits with the brand's model, if there is one."""
        return self.branded(self.base_logits(features), features)

    def branded(self, base: tuple[float, float], features: Features) -> tuple[float, float]:
        """Gives what the brand's model makes of two base logits; the same if there is none."""
        negative, positive = base
        brand = self.brand
        if brand is None:
            return base
        negative = brand.negative(negative) + sum(map(mul, brand.numbers, features.numbers))
        if brand.words:
            each = 1.0 / sqrt(max(1, 2 * len(features.words) - 1))
            grams = grams_of(features.words)
            negative += each * sum([brand.words.get(gram, 0.0) for gram in grams])
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
        return [part for part in (*parts, *self.brand_parts(features, spans)) if part.value]

    def brand_parts(
        self, features: Features, spans: list[tuple[int, int]] | None = None
    ) -> list[LogitPart]:
        """Gives what the brand's model adds to the logit; none if there is no model."""
        brand = self.brand
        if brand is None:
            return []
        words = _words(features, lambda gram: brand.words.get(shown(gram)), spans)
        return [
            LogitPart("every text", brand.negative.shift, "brand"),
            *(
                LogitPart(name, weight * value, "brand")
                for name, weight, value in zip(NAMES, brand.numbers, features.numbers, strict=False)
            ),
            *(replace(part, kind="brand") for part in words),
        ]

    def _weight(self, gram: Gram, slope: float) -> float | None:
        known = self.grams.get(gram)
        return None if known is None else slope * _SCALE * unpaired(known)[0]

    def _numbers(self, features: Features, slope: float) -> list[LogitPart]:
        return [
            LogitPart(name, slope * weight * value, "number")
            for name, weight, value in zip(NAMES, self.negative, features.numbers, strict=True)
        ]


def _words(
    features: Features,
    weight_of: Callable[[Gram], float | None],
    spans: list[tuple[int, int]] | None,
) -> list[LogitPart]:
    words = features.words
    each = 1.0 / sqrt(max(1, 2 * len(words) - 1))
    shares: dict[Gram, LogitPart] = {}
    grams: list[Gram] = [*words, *pairwise(words)]
    for i, gram in enumerate(grams):
        weight = weight_of(gram)
        if weight is None:
            continue
        if gram in shares:
            shares[gram] = replace(shares[gram], value=shares[gram].value + each * weight)
            continue
        first = i if i < len(words) else i - len(words)
        last = first if i < len(words) else first + 1
        start, end = (spans[first][0], spans[last][1]) if spans else (-1, -1)
        shares[gram] = LogitPart(shown(gram), each * weight, "word", start, end)
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
    grams = map(gram_of, data["grams"])
    weights = map(pair, data["negative"], data["positive"])
    return Head(
        data["version"],
        data["bias"][0],
        data["bias"][1],
        tuple(data["numbers"][0]),
        tuple(data["numbers"][1]),
        dict(zip(grams, weights, strict=True)),
    )


def packed(head: Head) -> bytes:
    """Gives the weights file of a head; the same head gives the same bytes."""
    grams = sorted((shown(gram), unpaired(both)) for gram, both in head.grams.items())
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


def shown(gram: Gram) -> str:
    """Gives a gram as it is written: the words with a space between."""
    return gram if isinstance(gram, str) else " ".join(gram)


def gram_of(written: str) -> Gram:
    """Gives the gram that is written so."""
    first, space, second = written.partition(" ")
    return (first, second) if space else first


def pair(first: int, second: int) -> int:
    """Gives two weights as one number; sums of such numbers are the pairs of the sums."""
    return first + second * 2 * _HALF


def unpaired(total: int) -> tuple[int, int]:
    """Gives the two weights, or the two sums, of such a number."""
    first = (total + _HALF) % (2 * _HALF) - _HALF
    return first, (total - first) // (2 * _HALF)


def whole(weight: float) -> int:
    """Gives a gram's weight as it is kept."""
    return round(weight / _SCALE)


@cache
def shipped() -> Head:
    """Gives the head that comes with the package; one for the process."""
    return read(files("earmark_sentiment").joinpath("head.json.gz").read_bytes())
