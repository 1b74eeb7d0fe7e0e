"""The optional embedding: the meaning of the whole text, stacked on the head.

An encoder turns a text into a vector; a `Stack` adds what the vector says to the two logits of the
head. The shipped stack stands in `embed.json.gz`, with its card in `embed-card.json`; it is for
all-MiniLM-L6-v2, whose file comes with the extra `earmark[embed]`. Nothing is fetched.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark_core.errors import ConfigError
from earmark_core.model import LogitPart
from earmark_sentiment.features import Features
from earmark_sentiment.head import BrandModel, Calibration, Head, spread
from earmark_sentiment.language import identify
from earmark_sentiment.minilm import Encoder, Vectors, minilm
from earmark_sentiment.receipt import Shares
from earmark_sentiment.scorer import HeadScorer, Identify, Scorer

MEANING = "meaning of the whole text"
"""What the share of the embedding is called in a receipt."""

_PLACES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """What an embedding adds to a head's logits: `line(logit) + weights · vector`, for each.

    It is for the encoder and the head that it names, whose logits it was fitted to.
    """

    version: str
    encoder: str
    head: str
    negative: Calibration
    positive: Calibration
    weights: NDArray[np.float64]
    """Two rows: for the logit of "negative", and for that of "positive if not negative"."""

    @property
    def model_id(self) -> str:
        """Gives the name of these weights."""
        return f"embed-{self.version}"

    def shares(self, vectors: Vectors) -> list[tuple[float, float]]:
        """Gives what each row adds to the two logits."""
        # Row by row: a product of matrices may add up otherwise with other rows beside it.
        found = [self.weights @ vector.astype(np.float64) for vector in vectors]
        return [(float(negative), float(positive)) for negative, positive in found]


@dataclass(frozen=True, slots=True)
class _Meant:
    """The head for one text, of whose meaning it knows the shares in the two logits."""

    head: Head
    stack: Stack
    shares: tuple[float, float]

    def probabilities(self, features: Features) -> tuple[float, float, float]:
        """Gives the probabilities of negative, neutral and positive; they add up to 1."""
        negative, positive = self.head.base_logits(features)
        base = (
            self.stack.negative(negative) + self.shares[0],
            self.stack.positive(positive) + self.shares[1],
        )
        return spread(*self.head.branded(base, features))

    def parts(
        self, features: Features, spans: list[tuple[int, int]] | None = None
    ) -> list[LogitPart]:
        """Gives what the logit of "negative" is made of; the values add up to it."""
        brand = self.head.brand or BrandModel("")
        slope, line = brand.negative.slope, self.stack.negative
        found = [
            replace(part, value=slope * line.slope * part.value)
            for part in self.head.with_brand_model(None).parts(features, spans)
        ]
        if found and found[0].kind == "base":
            found[0] = replace(found[0], value=found[0].value + slope * line.shift)
        else:
            found.insert(0, LogitPart("every text", slope * line.shift, "base"))
        found.append(LogitPart(MEANING, slope * self.shares[0], "embedding"))
        return [part for part in (*found, *self.head.brand_parts(features, spans)) if part.value]


class EmbedScorer(HeadScorer):
    """Scores as `HeadScorer` does, with the meaning of the whole text in both logits.

    What is learned for a brand stands on top of it in the same way.
    """

    def __init__(
        self,
        head: Head | None = None,
        *,
        encoder: Encoder | None = None,
        stack: Stack | None = None,
        languages: Mapping[str, Scorer] | None = None,
        identify: Identify = identify,
    ) -> None:
        """Takes the shipped head, MiniLM and the shipped stack where none is given.

        Raises:
            ConfigError: the encoder's packages are missing, or the stack is not for this pair.
        """
        super().__init__(head, languages=languages, identify=identify)
        self._encoder = encoder or minilm()
        self._stack = stack or shipped_stack()
        made_for = (self._stack.encoder, self._stack.head)
        if made_for != (self._encoder.name, f"head-{self._head.version}"):
            raise ConfigError(
                f"The embedding's weights are for {' on '.join(made_for)}, not for "
                f"{self._encoder.name} on head-{self._head.version}.",
                subject=self._stack.model_id,
                hint="Train them again: python -m benchmarks.embedtraining",
            )
        self.model_id = f"{self._stack.model_id}+{self.model_id}"

    def with_brand_model(self, brand: BrandModel | None) -> "EmbedScorer":
        """Gives a scorer with what was learned for a brand; None takes it off again."""
        return EmbedScorer(
            self._head.with_brand_model(brand),
            encoder=self._encoder,
            stack=self._stack,
            languages=self._languages,
            identify=self._identify,
        )

    def _heads(self, prepared: Sequence[str]) -> Iterator[Shares]:
        shares = self._stack.shares(self._encoder.encode(prepared))
        return (_Meant(self._head, self._stack, each) for each in shares)


def read(data: bytes) -> Stack:
    """Gives the stack of a weights file."""
    kept: dict[str, Any] = json.loads(gzip.decompress(data))
    return Stack(
        kept["version"],
        kept["encoder"],
        kept["head"],
        Calibration(*kept["negative"]),
        Calibration(*kept["positive"]),
        np.array(kept["weights"], dtype=np.float64),
    )


def packed(stack: Stack) -> bytes:
    """Gives the weights file of a stack; the same stack gives the same bytes."""
    kept = {
        "version": stack.version,
        "encoder": stack.encoder,
        "head": stack.head,
        "negative": (stack.negative.slope, stack.negative.shift),
        "positive": (stack.positive.slope, stack.positive.shift),
        "weights": [[round(float(w), _PLACES) for w in row] for row in stack.weights],
    }
    return gzip.compress(json.dumps(kept, separators=(",", ":")).encode(), mtime=0)


@cache
def shipped_stack() -> Stack:
    """Gives the stack that comes with the package; one for the process."""
    return read(files("earmark_sentiment").joinpath("embed.json.gz").read_bytes())
