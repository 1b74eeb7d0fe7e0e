"""Trains the optional embedding that ships: `python -m benchmarks.embedtraining TEXTS`.

TEXTS is the folder that the head is trained from (`benchmarks.headtraining`), which must have been
trained before. The embedding is stacked: fitted to what the head says of sets that it has not seen,
so it learns what is left to add. `--write PAGE` puts the figures into a page. `--encoder` and
`--out` train the same for an encoder of somebody else's.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import headtraining, labelled
from benchmarks.headtraining import SHIPPED, Prepared
from benchmarks.labelled import Floats, Quality
from benchmarks.sentiment import replace_table
from earmark_core.clock import system_clock
from earmark_sentiment.embed import Stack, packed
from earmark_sentiment.head import Calibration, shipped
from earmark_sentiment.logistic import Rows, Weights, fit
from earmark_sentiment.minilm import Encoder, minilm

_EASE = 140.0
"""A column times this has its penalty divided by its square: the head's line is hardly held."""
_PENALTY = 200.0
"""Of 0.3, 1, 10, 50 and 200 the best on left-out sets: mean average precision +.025, not +.020."""
_MOST_AT_ONCE = 1_000

Sets = Mapping[str, Sequence[Prepared]]
Say = Callable[[str], None]


def encoded(sets: Sets, encoder: Encoder, cache: Path | None, say: Say) -> dict[str, Floats]:
    """Gives the vectors of each set, a row per text; kept in the file *cache* if there is one."""
    texts = sorted({row.text for rows in sets.values() for row in rows}, key=lambda t: (len(t), t))
    digest = hashlib.sha256("\0".join([encoder.name, *texts]).encode(errors="replace")).hexdigest()
    if cache and cache.is_file():
        with np.load(cache) as kept:
            if str(kept["digest"]) == digest:
                return _by_set(sets, texts, kept["vectors"])
    blocks = []
    for start in range(0, len(texts), _MOST_AT_ONCE):
        blocks.append(encoder.encode(texts[start : start + _MOST_AT_ONCE]))
        say(f"encoded {min(start + _MOST_AT_ONCE, len(texts)):,} of {len(texts):,} texts")
    vectors = np.vstack(blocks)
    if cache:
        np.savez(cache, digest=np.array(digest), vectors=vectors)
    return _by_set(sets, texts, vectors)


def _by_set(sets: Sets, texts: Sequence[str], vectors: Any) -> dict[str, Floats]:
    place = {text: i for i, text in enumerate(texts)}
    return {
        name: vectors[[place[row.text] for row in rows]].astype(np.float64)
        for name, rows in sets.items()
    }


def train(sets: Sets, logits: Mapping[str, Floats], vectors: Mapping[str, Floats]) -> list[Weights]:
    """Gives what the vectors add to the logits of heads that have not seen the texts.

    First for the logit of "negative", then for that of "positive", which is learned as the head
    learns it: from texts that are not negative, of sets that have neutral texts.
    """
    rows = [row for chosen in sets.values() for row in chosen]
    known = np.vstack([logits[name] for name in sets])
    meaning = np.vstack([vectors[name] for name in sets])
    with_neutral = {row.set for row in rows if row.label == "neutral"}
    is_kind = np.array([row.label != "negative" and row.set in with_neutral for row in rows])
    return [
        _fitted(rows, headtraining.targets_of(rows, "negative", -0.5, -1.0), known[:, 0], meaning),
        _fitted(
            kind := [row for row, chosen in zip(rows, is_kind, strict=True) if chosen],
            headtraining.targets_of(kind, "positive", 0.5, 1.0),
            known[is_kind, 1],
            meaning[is_kind],
        ),
    ]


def _fitted(rows: Sequence[Prepared], targets: Floats, known: Floats, meaning: Floats) -> Weights:
    # The numbers of a vector of length 1 are small: as many of them, each brought to about 1.
    columns = np.hstack([_EASE * known[:, None], meaning.shape[1] ** 0.5 * meaning])
    none = np.zeros(0, dtype=np.int64)
    return fit(
        Rows(columns, none, np.zeros(0), np.zeros(len(rows) + 1, dtype=np.int64), 0),
        targets,
        importance=headtraining.importance_of(rows, targets),
        offset=known,
        dense_penalty=_PENALTY,
    )


def added(weights: Sequence[Weights], logits: Floats, vectors: Floats) -> Floats:
    """Gives the two logits of each row with what its vector adds."""
    scale = vectors.shape[1] ** 0.5
    return np.column_stack(
        [
            (1.0 + _EASE * each.dense[0]) * logits[:, i]
            + each.bias
            + scale * (vectors @ each.dense[1:])
            for i, each in enumerate(weights)
        ]
    )


def held_out(
    sets: Sets, logits: Mapping[str, Floats], vectors: Mapping[str, Floats], say: Say
) -> dict[str, Floats]:
    """Gives the logits of each set with an embedding that was fitted on the other sets."""
    found = {}
    for names in dict.fromkeys(labelled.RELATED.get(name, (name,)) for name in sets):
        weights = train({k: v for k, v in sets.items() if k not in names}, logits, vectors)
        for name in names:
            if name in sets:
                found[name] = added(weights, logits[name], vectors[name])
        say(f"left out {', '.join(names)}")
    return found


def stacked(
    weights: Sequence[Weights],
    head: Sequence[Calibration],
    lines: Sequence[Calibration],
    names: tuple[str, str, str],
) -> Stack:
    """Gives the stack for the head as it ships.

    *head* are the lines that the shipped head's logits went through, *lines* those that the new
    ones have to go through; *names* are those of version, encoder and head.
    """
    found = []
    for each, before, after in zip(weights, head, lines, strict=True):
        slope = after.slope * (1.0 + _EASE * float(each.dense[0])) / before.slope
        shift = after.slope * each.bias + after.shift - slope * before.shift
        found.append(Calibration(round(slope, 5), round(shift, 5)))
    scale = len(weights[0].dense[1:]) ** 0.5
    rows = [
        after.slope * scale * each.dense[1:] for each, after in zip(weights, lines, strict=True)
    ]
    return Stack(*names, found[0], found[1], np.array(rows))


def figures(
    sets: dict[str, list[Prepared]], head: dict[str, Floats], embed: dict[str, Floats]
) -> dict[str, tuple[Quality, Quality]]:
    """Gives the quality on each left-out set: of the head, and with the embedding.

    The set, and those it is left out with, are not in the calibration either.
    """
    found = {}
    for name, rows in sets.items():
        own = labelled.RELATED.get(name, (name,))
        others = {key: value for key, value in sets.items() if key not in own}
        labels = [row.label for row in rows]
        judged = [
            labelled.judge(
                labels,
                headtraining.probabilities(logits[name], headtraining.calibrations(others, logits)),
            )
            for logits in (head, embed)
        ]
        found[name] = (judged[0], judged[1])
    return found


def table(judged: Mapping[str, tuple[Quality, Quality]]) -> str:
    """Gives the figures in Markdown, head and embedding side by side."""
    columns = ("", "texts", *(f"{what} {of}" for what in ("AP", "macro recall", "F1", "ECE")
                              for of in ("head", "embed")), "AP, embed − head")  # fmt: skip
    rows = []
    for name, (head, embed) in judged.items():
        pairs = (
            (head.average_precision, embed.average_precision),
            (head.macro_recall, embed.macro_recall),
            (head.f1, embed.f1),
            (head.calibration_error, embed.calibration_error),
        )
        shown = [f"{value:.3f}".removeprefix("0") for pair in pairs for value in pair]
        gain = f"{embed.average_precision - head.average_precision:+.3f}"
        rows.append((labelled.SETS.get(name, name), f"{head.count:,}", *shown, gain))
    return labelled.table(columns, rows)


def _card(
    stack: Stack, judged: Mapping[str, tuple[Quality, Quality]], head_card: dict[str, Any]
) -> dict[str, Any]:
    weights = (SHIPPED / "head.json.gz").read_bytes()
    return {
        "model": stack.model_id,
        "encoder": stack.encoder,
        "head": stack.head,
        "head_sha256": hashlib.sha256(weights).hexdigest(),
        "trained_on": system_clock().now().date().isoformat(),
        "trained_by": "python -m benchmarks.embedtraining",
        "method": (
            "Two logistic regressions on the vector of the whole text, on top of the logits that "
            "heads trained without a set give for it, calibrated by a line on sets left out"
        ),
        "data": head_card["data"],
        "encoder_licence": "all-MiniLM-L6-v2, Apache-2.0; not part of this package",
        "licence": head_card["licence"],
        "left_out": {
            name: {
                "texts": head.count,
                **{
                    key: {"head": round(getattr(head, of), 3), "embed": round(getattr(new, of), 3)}
                    for key, of in (
                        ("macro_recall", "macro_recall"),
                        ("negative_f1", "f1"),
                        ("negative_average_precision", "average_precision"),
                        ("calibration_error", "calibration_error"),
                    )
                },
            }
            for name, (head, new) in judged.items()
        },
    }


def _encoder(named: str | None) -> Encoder:
    if named is None:
        return minilm()
    module, _, factory = named.partition(":")
    made: Encoder = getattr(import_module(module), factory)()
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, calibrates and writes the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder with the labelled sets")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--version", default="1")
    parser.add_argument("--encoder", metavar="MODULE:CALLABLE", help="another one than MiniLM")
    parser.add_argument("--cache", type=Path, help="file (.npz) that keeps the vectors")
    parser.add_argument("--write", type=Path, help="page whose marked table is replaced")
    chosen = parser.parse_args(arguments)
    encoder = _encoder(chosen.encoder)
    sets = headtraining.read(chosen.texts)
    vectors = encoded(sets, encoder, chosen.cache, print)
    logits = headtraining.held_out(sets, print)
    new = held_out(sets, logits, vectors, print)
    stack = stacked(
        train(sets, logits, vectors),
        headtraining.calibrations(sets, logits),
        headtraining.calibrations(sets, new),
        (chosen.version, encoder.name, shipped().model_id),
    )
    judged = figures(sets, logits, new)
    (chosen.out / "embed.json.gz").write_bytes(packed(stack))
    head_card = json.loads((SHIPPED / "head-card.json").read_text(encoding="utf-8"))
    card = json.dumps(_card(stack, judged, head_card), indent=2, ensure_ascii=False) + "\n"
    (chosen.out / "embed-card.json").write_text(card, encoding="utf-8")
    print(table(judged))
    if chosen.write:
        replace_table(chosen.write, "embedding", table(judged))


if __name__ == "__main__":
    main()
