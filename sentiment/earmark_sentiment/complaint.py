"""Who waits for an answer, whatever the tone: signs in the words, each named.

The words stand in `cues.txt` beside this module.
"""

import re
from functools import cache
from importlib.resources import files

from earmark_core.model import Cue
from earmark_sentiment.cuesearch import OPENING, CueSearch, Span
from earmark_sentiment.prepare import prepare
from earmark_sentiment.smallsigns import Signs, shipped, signs_of

CUES_VERSION = 3
URGENT = ("safety", "legal", "money", "churn", "outage", "press")
"""The kinds that want a person soon."""
NEEDS_ANSWER = frozenset({*URGENT, "complaint", "question", "request", "lead"})
"""The kinds that somebody should answer; praise is the one that is not among them."""

_READ = 2_000
_MOST_PER_KIND = 3
_LONGEST = 80
_BRIEF = 120
_TITLED = 0.7
_SHORT = 240
_OPENS = " opening"
_CALLS = ("question", "request", "lead")
_TOLD = ("complaint", "mention")


@cache
def _sections() -> dict[str, list[str]]:
    """Gives the expressions of each section of `cues.txt`, in order."""
    text = files("earmark_sentiment").joinpath("cues.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    words = dict(line.split(" = ", 1) for line in sections.pop("words"))
    return {name: [_expression(line, words) for line in lines] for name, lines in sections.items()}


def _expression(line: str, words: dict[str, str]) -> str:
    line = re.sub(r"<(\w+)>", lambda name: words[name[1]], line)
    line = line.replace(" ...", "[^.!?]{0,40}").replace("~", r"\w{0,6}")
    return re.sub(r"\((?!\?)", "(?:", line)


@cache
def _search() -> CueSearch:
    opening = {
        name.removesuffix(_OPENS): lines
        for name, lines in _sections().items()
        if name.endswith(_OPENS)
    }
    whole = {name: lines for name, lines in _sections().items() if not name.endswith(_OPENS)}
    return CueSearch(whole, opening)


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Gives all that is looked for of each kind as one expression: what `cues` must agree with."""
    known = _sections()
    result = {}
    for kind, lines in known.items():
        if not kind.endswith(_OPENS):
            whole = rf"(?<!\w)(?:{'|'.join(lines)})(?!\w)"
            opening = known.get(kind + _OPENS)
            if opening:
                whole = rf"{whole}|{OPENING}(?:{'|'.join(opening)})(?!\w)"
            result[kind] = re.compile(whole)
    return result


def cues(text: str) -> tuple[Cue, ...]:
    """Gives the signs that somebody waits for an answer, or praises; English only.

    At most three of each kind, urgent kinds last; looks at the first 2,000 characters. Thanks
    for a solved problem and headlines give no sign of a complaint.
    """
    return cues_of(prepare(text))


def cues_of(prepared: str, *, is_praise: bool = False) -> tuple[Cue, ...]:
    """Gives the signs in a text that is prepared already.

    `is_praise` says that the writer is known to be pleased, by four or five stars: then a mere
    mention of a problem is no complaint.
    """
    said = prepared[:_READ].lower()
    found = _search().find(said)
    praise = _named("praise", said, found)
    is_personal = "personal" in found
    if not is_personal and ("headline" in found or _is_titled(prepared)):
        return praise
    unsolved, left = _unsolved(said, found)
    complaint = _named("complaint", unsolved, left)
    if "advert" in found and not complaint:
        return praise
    calls = [cue for kind in _CALLS if kind in found for cue in _named(kind, said, found)]
    if not complaint and (is_praise or (praise and "turning" not in found)):
        return (*calls, *praise)
    urgent = [cue for kind in URGENT if kind in found for cue in _named(kind, said, found)]
    if not complaint:
        if "personal" in found or len(said) <= _BRIEF:
            complaint = _named("complaint", unsolved, left, "mention")
        if not (calls or urgent or is_praise) and len(said) <= _SHORT:
            complaint = _weighed(unsolved, complaint, _signs(said, found, left))
    return (*complaint, *calls, *praise, *urgent)


def signs(prepared: str) -> Signs:
    """Gives the small signs of a prepared text, as they are weighed where no cue is sure."""
    said = prepared[:_READ].lower()
    found = _search().find(said)
    return _signs(said, found, _unsolved(said, found)[1])


def _signs(said: str, found: dict[str, list[Span]], left: dict[str, list[Span]]) -> Signs:
    if left is not found:
        told = [kind for kind in found if kind not in _TOLD]
        return signs_of(said, [*told, *(kind for kind in _TOLD if kind in left)])
    return signs_of(said, found)


def _unsolved(said: str, found: dict[str, list[Span]]) -> tuple[str, dict[str, list[Span]]]:
    """Gives the text without what is denied or solved, and what is found in it then."""
    if "solved" not in found:
        return said, found
    unsolved = _without(said, found["solved"])
    return unsolved, _search().find(unsolved)


def _weighed(unsolved: str, mentioned: tuple[Cue, ...], small: Signs) -> tuple[Cue, ...]:
    """Gives the signs of a complaint where nothing else wants an answer and no cue is sure."""
    weighing = shipped()
    if weighing.weigh(small) < 0:
        return ()
    words = "" if mentioned else weighing.named(unsolved)
    return (Cue("complaint", words[:_LONGEST]),) if words else mentioned


def needs_answer(found: tuple[Cue, ...]) -> bool:
    """Tells whether any of these signs asks for an answer."""
    return any(cue.kind in NEEDS_ANSWER for cue in found)


def _is_titled(text: str) -> bool:
    """Tells whether Nearly All Longer Words Are Capitalised, as in a Headline."""
    words = [word for word in text[:_READ].split() if len(word) > 3 and word.isalpha()]
    titled = sum(word.istitle() for word in words)
    return len(words) > 3 and titled >= _TITLED * len(words)


def _without(said: str, places: list[Span]) -> str:
    """Gives the text with a space in place of each of these."""
    pieces, end = [], 0
    for start, stop in places:
        pieces.append(said[end:start])
        end = stop
    return " ".join([*pieces, said[end:]])


def _named(
    kind: str, said: str, found: dict[str, list[Span]], section: str = ""
) -> tuple[Cue, ...]:
    places = found.get(section or kind)
    if not places:
        return ()
    words = dict.fromkeys(said[start:end].strip(" ,.;:!")[-_LONGEST:] for start, end in places)
    return tuple(Cue(kind, word) for word in list(words)[:_MOST_PER_KIND])
