"""A mention in words: the cells of its line in a table, and what is said of it beside its text."""

from collections.abc import Iterable

from earmark_core.model import ScoreStatus
from earmark_dashboard import figures, wire
from earmark_queue.rows import AspectRow, Entry

CAUSES = {
    str(ScoreStatus.unscored_language): "another language",
    str(ScoreStatus.unscored_empty): "no words",
    str(ScoreStatus.error): "scoring failed",
    "pending": "not scored yet",
}
LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_SIGNS = {"positive": "+", "negative": "−", "neutral": "·"}
_UNNAMED = "none"
_LINE = 300


def language(code: str) -> str:
    """Gives a language by its English name where it is a usual one, else by its code."""
    return LANGUAGES.get(code, code) if code else "not recognised"


def cause(status: str | None) -> str:
    """Gives why a mention has no score; one that is still to come has no status."""
    return CAUSES.get(status or "pending", "not scored")


def tone(row: Entry) -> str:
    """Gives the tone that holds, and whether a person said so."""
    if row.human_label:
        return f"{row.human_label} (corrected)"
    return row.label or "not scored"


def stars(rating: float | None) -> str:
    """Gives a rating as it was given."""
    return "" if rating is None else f"{rating:g} of 5"


def _finding(aspect: AspectRow) -> str:
    label = aspect.human_label or aspect.label or ""
    return f"{aspect.topic} {_SIGNS.get(label, '?')}"


def topic_name(topic: tuple[str, str]) -> str:
    """Gives a topic with its area."""
    return wire.shown(" · ".join(topic))


def topics(aspects: Iterable[AspectRow]) -> str:
    """Gives the topics with what is found of each: +, −, · for neutral, ? for not scored."""
    named = (one for one in aspects if one.human_label != _UNNAMED)
    return ", ".join(wire.shown(_finding(one)) for one in named)


def copies(row: Entry) -> str:
    """Gives how many copies stand behind a mention."""
    return f"+{row.copies:,} {'copy' if row.copies == 1 else 'copies'}" if row.copies else ""


def line(row: Entry, view: str, *, is_folded: bool = False) -> dict[str, str]:
    """Gives a mention as a line of the table: text in every cell, for every *view* its own.

    *is_folded* says that there are copies behind some of the lines.
    """
    said = wire.shown(" ".join((row.title or row.text).split()))
    cells = {"When (UTC)": f"{row.at:%d %b %H:%M}", "Tone": tone(row)}
    if view == "unscored":
        cells |= {"Why": cause(row.score_status), "Language": figures.cell(language(row.lang))}
    if view == "conflict":
        cells |= {"Stars": stars(row.rating)}
    if is_folded:
        cells |= {"Copies": copies(row)}
    return cells | {
        "Text": figures.cell(said[:_LINE]),
        "Topics": figures.cell(topics(row.aspects)),
        "Who": figures.cell(wire.shown(row.who)[:80]),
        "Channel": row.channel,
    }


def facts(row: Entry) -> list[tuple[str, str]]:
    """Gives what is known of a mention beside its text; what is not known is not named."""
    sure = "" if row.lang_confidence is None else f", {100 * row.lang_confidence:.0f} % sure"
    needed = {True: "needs an answer", False: "needs none", None: ""}[row.human_needs_answer]
    known = [
        ("Tone", tone(row)),
        ("Machine said", (row.label or "") if row.human_label else ""),
        ("Why not", "" if row.label or row.human_label else cause(row.score_status)),
        ("Language", f"{language(row.lang)}{sure}" if row.lang else ""),
        ("Stars", stars(row.rating)),
        ("Stars and words", "disagree" if row.is_conflict else ""),
        ("Topics", topics(row.aspects)),
        ("Signs", ", ".join(f"{one.kind} “{one.words}”" for one in row.cues)),
        ("A person says", needed),
        ("About us", "" if row.is_relevant else "no, a person says"),
        ("Scored by", row.model_id),
        ("Copies", f"{row.copies:,} more with nearly the same words" if row.copies else ""),
        ("At the source", "gone" if row.is_gone else "edited" if row.revision > 1 else ""),
    ]
    return [(name, wire.shown(value)) for name, value in known if value]


def languages(rows: Iterable[Entry]) -> list[tuple[str, int]]:
    """Gives the languages of mentions with how many there are of each, most first."""
    counts: dict[str, int] = {}
    for row in rows:
        name = language(row.lang)
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
