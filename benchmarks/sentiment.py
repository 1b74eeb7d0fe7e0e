"""Sentiment: how right the scores are on texts they have not seen, and what they cost.

Every set is judged by a head that was trained and calibrated without it (the three UCI sets are
left out together). `--write FILE` puts the tables between the markers of a page.
"""

import argparse
import os
import random
import statistics
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks import answertraining, headtraining, labelled, sentimentspeed
from benchmarks.headtraining import Prepared
from benchmarks.labelled import Floats, Quality, judge, table
from earmark_core.model import Label
from earmark_sentiment.brand_model import Example, probabilities
from earmark_sentiment.complaint import cues, needs_answer
from earmark_sentiment.learn import MANY, fitted
from earmark_sentiment.scorer import spread_of_compound

Print = Callable[[str], None]
COLUMNS = ("macro recall", "precision", "recall", "F1", "AP", "R at P .8", "ECE")
CORRECTIONS = (50, 100, 250, 1000)
_JUDGED = 2_000
_LEAST_LEFT = 200
_BEGIN, _END = "<!-- figures: {} -->", "<!-- end of figures -->"


def options(parser: ArgumentParser) -> None:
    """Adds the options of this figure."""
    parser.add_argument("--texts", type=Path, default=os.environ.get("EARMARK_TEXTS"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="page whose marked tables are replaced")
    parser.add_argument("--only", choices=("accuracy", "speed", "answer"))


def run(chosen: Namespace, say: Print) -> None:
    """Prints the tables, and writes them where asked."""
    tables = {}
    if chosen.only in {None, "answer"}:
        tables["needs an answer"] = answers()
    has_texts = chosen.texts is not None and Path(chosen.texts).is_dir()
    if not has_texts:
        say(f"No labelled texts at {chosen.texts}; name their folder with --texts.")
    elif chosen.only != "answer":
        if chosen.only != "accuracy":
            tables["speed"] = sentimentspeed.figures(labelled.read_sets(Path(chosen.texts)))
        if chosen.only != "speed":
            tables["accuracy"] = accuracy(Path(chosen.texts), chosen.seeds, say)
    for name, text in tables.items():
        say(f"\n## {name}\n\n{text}")
        if chosen.write:
            replace_table(chosen.write, name, text)


def accuracy(folder: Path, seeds: int, say: Print) -> str:
    """Gives a table for each set: plain VADER, prepared, the head, the head with corrections."""
    examples = labelled.read_sets(folder)
    missing = [name for name in labelled.SETS if name not in examples]
    for name in missing:
        say(f"skipped {name}: not in {folder}")
    sets = headtraining.read(folder)
    logits = headtraining.held_out(sets, say)
    authority = SentimentIntensityAnalyzer()
    blocks = []
    for name, shown in labelled.SETS.items():
        if name not in examples:
            continue
        rows = sets[name]
        labels = [row.label for row in rows]
        plain = [authority.polarity_scores(one.text)["compound"] for one in examples[name]]
        own = labelled.RELATED.get(name, (name,))
        others = {key: value for key, value in sets.items() if key not in own}
        lines = headtraining.calibrations(others, logits)
        head = headtraining.probabilities(logits[name], lines)
        calibrated = np.array([[lines[0](a), lines[1](b)] for a, b in logits[name]])
        figures: list[tuple[str, Sequence[str]]] = [
            ("vaderSentiment", judge(labels, _of_compounds(plain)).cells()),
            (
                "VADER, prepared",
                judge(labels, _of_compounds([row.features.compound for row in rows])).cells(),
            ),
            ("head", judge(labels, head).cells()),
        ]
        figures += _corrected(rows, calibrated, seeds)
        counts = ", ".join(f"{labels.count(label):,} {label}" for label in labelled.LABELS)
        blocks.append(
            f"**{shown}** ({counts})\n\n{table(('', *COLUMNS), [(a, *b) for a, b in figures])}"
        )
        say(f"judged {shown}")
    return "\n\n".join(blocks)


def _of_compounds(compounds: Sequence[float]) -> Floats:
    return np.array([spread_of_compound(compound) for compound in compounds])


def _corrected(
    rows: Sequence[Prepared], logits: Floats, seeds: int
) -> list[tuple[str, Sequence[str]]]:
    """Gives the mean figures after so many random corrections; judged are texts not corrected."""
    examples = [
        Example(a, b, tuple(row.features.numbers), tuple(row.features.words), Label(row.label), i)
        for i, (row, (a, b)) in enumerate(zip(rows, logits, strict=True))
    ]
    found: list[tuple[str, Sequence[str]]] = []
    for count in CORRECTIONS:
        if len(rows) < count + _LEAST_LEFT:
            continue
        qualities = [_once(examples, count, seed) for seed in range(seeds)]
        cells = [
            statistics.mean(float("0" + one if one[0] == "." else one) for one in column)
            for column in zip(*(quality.cells() for quality in qualities), strict=True)
        ]
        shown = [f"{cell:.3f}".removeprefix("0") for cell in cells]
        found.append((f"head + {count} corrections", shown))
    return found


def _once(examples: Sequence[Example], count: int, seed: int) -> Quality:
    order = random.Random(seed).sample(range(len(examples)), len(examples))
    corrections = [examples[i] for i in order[:count]]
    judged = [examples[i] for i in order[count : count + _JUDGED]]
    model = fitted(corrections, "stacked" if count > MANY else "calibrated")
    found = np.array([probabilities(model, example) for example in judged])
    return judge([example.label.value for example in judged], found)


def answers() -> str:
    """Gives how many of the mentions that need an answer are found, and how surely."""
    rows = []
    half = headtraining.OWN / "mentions.tsv"
    judged = labelled.read_kinds(half, slice(1, None, 2))
    trades = labelled.read_kinds(headtraining.OWN / "trades.tsv", slice(None))
    learned = [
        row
        for name, step in answertraining.LEARNED.items()
        for row in labelled.read_kinds(headtraining.OWN / name, slice(0, None, step))
    ]
    for shown, mentions in (
        ("looked at and learned from", learned),
        ("judged", judged + trades),
        ("judged, of them the older half", judged),
        ("judged, of them other trades", trades),
    ):
        found = [(kind in labelled.WANTED, needs_answer(cues(text))) for kind, text in mentions]
        hits = sum(wanted and is_found for wanted, is_found in found)
        recall = hits / sum(wanted for wanted, _ in found)
        precision = hits / sum(is_found for _, is_found in found)
        rows.append((shown, len(mentions), f"{recall:.3f}", f"{precision:.3f}"))
    asked = [(kind, needs_answer(cues(text))) for kind, text in judged + trades]
    kinds = []
    for kind in dict.fromkeys(kind for kind, _ in asked):
        answers_of = [is_found for one, is_found in asked if one == kind]
        kinds.append((kind, len(answers_of), f"{sum(answers_of) / len(answers_of):.3f}"))
    by_kind = table(("judged, by kind", "n", "taken to need an answer"), kinds)
    return f"{table(('mentions', 'n', 'recall', 'precision'), rows)}\n\n{by_kind}"


def replace_table(page: Path, name: str, text: str) -> None:
    begin = _BEGIN.format(name)
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, end, after = rest.partition(_END)
    if not end:
        raise SystemExit(f"{page} has no place for {name}: put {begin} and {_END} into it")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    options(parser)
    run(parser.parse_args(), lambda text: print(text, flush=True))
