"""What a label stands on: the shares in the logit of "negative" in plain words, adding up.

Values are whole hundredths, and those of all lines add up to the logit shown, to the hundredth.
Numbers that say the same thing in several ways are one line: their shares pull against each
other, and only together do they mean anything to a person.
"""

from collections.abc import Iterable, Sequence
from math import exp, floor, fsum, isfinite
from typing import Any, NamedTuple

from earmark_core.model import LogitPart, Receipt

SHOWN = 6
LISTED = 24
LONGEST = 40
KINDS = ("word", "number", "brand", "base")
_WHOLE = "number"
"""Where a share goes that is of no other kind: a scorer brought by others may name any."""

_TONE = "Tone of all words (VADER)"
_SENTENCES = "Tone sentence by sentence"
_BASE = "every text"
NUMBER_NAMES = {
    "compound": _TONE,
    "compound by length": _TONE,
    "negative share": _TONE,
    "neutral share": _TONE,
    "positive share": _TONE,
    "words of the lexicon, positive": _TONE,
    "words of the lexicon, negative": _TONE,
    "no word of the lexicon": _TONE,
    "lowest sentence": _SENTENCES,
    "highest sentence": _SENTENCES,
    "first sentence": _SENTENCES,
    "last sentence": _SENTENCES,
    "mean sentence": _SENTENCES,
    "negations": "“Not”, “never” and the like",
    "problem words": "Words of trouble (broken, late …)",
    "!": "Exclamation marks",
    "?": "Question marks",
    "capitals": "Words in capitals",
    "length": "Length of the text",
    "digits": "Figures in the text",
    "sign: complaint": "Reads like a complaint",
    "sign: question": "Asks a question",
    "sign: request": "Asks for something",
    "sign: praise": "Reads like praise",
    "sign: urgent": "Names something urgent",
    "meaning of the whole text": "Meaning of the whole text",
    _BASE: "What every text about this brand starts from",
}
"""The names of `earmark_sentiment.features.NAMES`, and of other shares, as a person reads them."""


_LIGHTER = {"word": "words", "number": "of the whole text", "brand": "learned for this brand"}
"""What the lighter shares of a group are called where they stand in one line."""


class _Share(NamedTuple):
    kind: str
    name: str
    value: float


def standing(receipt: Receipt) -> dict[str, Any] | None:
    """Gives the lines of a receipt with their groups; None for a scorer without a head.

    `logit` and the values are in hundredths. Each group holds its own sum, its `lines` among the
    heaviest of all, `more` that are folded away, and in `small` how many there are beyond, with
    their sum.
    """
    if receipt.logit is None or not isfinite(receipt.logit):
        return None
    shares = _merged(receipt.logit_parts)
    shares.sort(key=lambda share: -abs(share.value))
    heavy = [share for share in shares if share.kind != "base"][:SHOWN]
    listed = [share for share in shares if share not in heavy][:LISTED]
    named = [*heavy, *listed]
    beyond = {kind: [s for s in shares if s.kind == kind and s not in named] for kind in KINDS}
    small = [_Share(kind, "", fsum(s.value for s in beyond[kind])) for kind in KINDS]
    hundredths = apportioned([share.value for share in (*named, *small)])
    pairs = list(zip((*named, *small), hundredths, strict=True))
    groups = [
        {
            "kind": kind,
            "value": sum(value for share, value in pairs if share.kind == kind),
            "lines": _lines(pairs[: len(heavy)], kind),
            "more": [] if kind == "base" else _lines(pairs[len(heavy) : len(named)], kind),
            "small": [len(beyond[kind]), dict(_sums(pairs[len(named) :]))[kind]],
        }
        for kind in KINDS
        if any(share.kind == kind for share in shares)
    ]
    return {
        "probability": round(_probability(receipt.logit), 4),
        "logit": sum(hundredths),
        "groups": groups,
    }


def table(stands: dict[str, Any]) -> list[dict[str, str]]:
    """Gives what `standing` gives as a short table of signed shares, the sum last."""
    rows = []
    for group in stands["groups"]:
        if group["kind"] == "base":
            rows.append((NUMBER_NAMES[_BASE], group["value"]))
            continue
        rows += group["lines"]
        count, rest = group["small"]
        count += len(group["more"])
        if count:
            lighter = rest + sum(value for _, value in group["more"])
            rows.append((f"{count} more {_LIGHTER[group['kind']]}", lighter))
    rows.append(("Sum", stands["logit"]))
    return [{"What": name, "For negative": _signed(value)} for name, value in rows]


def _signed(hundredths: int) -> str:
    return f"{hundredths / 100:+.2f}".replace("-", "−") if hundredths else "0.00"


def apportioned(values: Sequence[float]) -> list[int]:
    """Gives the values as hundredths whose sum is the sum of the values, rounded.

    None is further than a hundredth from its value: what rounding down leaves over goes to those
    that lost most by it.
    """
    scaled = [100 * value for value in values]
    whole = [floor(value) for value in scaled]
    left = round(fsum(scaled)) - sum(whole)
    order = sorted(range(len(values)), key=lambda i: whole[i] - scaled[i])
    for i in order[:left]:
        whole[i] += 1
    return whole


def _merged(parts: Iterable[LogitPart]) -> list[_Share]:
    sums: dict[tuple[str, str], list[float]] = {}
    for part in parts:
        kind = part.kind if part.kind in KINDS else _WHOLE
        sums.setdefault((kind, _name(part)), []).append(part.value)
    return [_Share(kind, name, fsum(values)) for (kind, name), values in sums.items()]


def _name(part: LogitPart) -> str:
    """Gives the plain name; a part with a place in the text is a word, whatever it is called."""
    if part.kind == "word" or part.start >= 0:
        name = part.name if len(part.name) <= LONGEST else part.name[:LONGEST] + "…"
        return f"“{name}”"
    return NUMBER_NAMES.get(part.name, part.name)


def _lines(pairs: Sequence[tuple[_Share, int]], kind: str) -> list[tuple[str, int]]:
    return [(share.name, value) for share, value in pairs if share.kind == kind]


def _sums(pairs: Sequence[tuple[_Share, int]]) -> list[tuple[str, int]]:
    return [(share.kind, value) for share, value in pairs]


def _probability(logit: float) -> float:
    if logit < -700:
        return 0.0
    return 1.0 / (1.0 + exp(-logit))
