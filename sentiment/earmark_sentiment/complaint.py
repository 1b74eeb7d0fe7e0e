"""Who waits for an answer, whatever the tone: signs in the words, each named.

The words stand in `cues.txt` beside this module.
"""

import re
from functools import cache
from importlib.resources import files

from earmark_core.model import Cue
from earmark_sentiment.prepare import prepare

CUES_VERSION = 1
URGENT = ("safety", "legal", "money", "churn", "outage", "press")
"""The kinds that want a person soon."""
NEEDS_ANSWER = frozenset({*URGENT, "complaint", "question", "request", "lead"})
"""The kinds that somebody should answer; praise is the one that is not among them."""

_READ = 2_000
_MOST_PER_KIND = 3
_LONGEST = 80
_BRIEF = 120
_TITLED = 0.7
_OPENING = r"(?:^|[.!,;:-] |\b(?:hi|hello|hey|and|so|but|also) )"


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Gives the expression of each kind, and of what silences others: headline, solved."""
    text = files("earmark_sentiment").joinpath("cues.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    words = dict(line.split(" = ", 1) for line in sections.pop("words"))
    kinds = [name for name in sections if not name.endswith(" opening")]
    return {
        kind: _compiled(sections[kind], sections.get(f"{kind} opening", []), words)
        for kind in kinds
    }


def _compiled(lines: list[str], opening: list[str], words: dict[str, str]) -> re.Pattern[str]:
    whole = rf"(?<!\w)(?:{_either(lines, words)})(?!\w)"
    if opening:
        whole = rf"{whole}|{_OPENING}(?:{_either(opening, words)})(?!\w)"
    return re.compile(whole)


def _either(lines: list[str], words: dict[str, str]) -> str:
    either = re.sub(r"<(\w+)>", lambda name: words[name[1]], "|".join(lines))
    either = either.replace(" ...", "[^.!?]{0,40}").replace("~", r"\w{0,6}")
    return re.sub(r"\((?!\?)", "(?:", either)


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
    known = patterns()
    said = prepared[:_READ].lower()
    praise = _found("praise", said)
    is_personal = known["personal"].search(said) is not None
    if not is_personal and (known["headline"].search(said) or _is_titled(prepared)):
        return praise
    unsolved = known["solved"].sub(" ", said)
    complaint = _found("complaint", unsolved)
    is_plain_praise = not complaint and (
        is_praise or (bool(praise) and not known["turning"].search(said))
    )
    if not complaint and not is_plain_praise and (is_personal or len(said) <= _BRIEF):
        complaint = _found("complaint", unsolved, "mention")
    calls = (
        *_found("question", said),
        *_found("request", said),
        *_found("lead", said),
    )
    if is_plain_praise:
        return (*calls, *praise)
    urgent = [cue for kind in URGENT for cue in _found(kind, said)]
    return (*complaint, *calls, *praise, *urgent)


def needs_answer(found: tuple[Cue, ...]) -> bool:
    """Tells whether any of these signs asks for an answer."""
    return any(cue.kind in NEEDS_ANSWER for cue in found)


def _is_titled(text: str) -> bool:
    """Tells whether Nearly All Longer Words Are Capitalised, as in a Headline."""
    words = [word for word in text[:_READ].split() if len(word) > 3 and word.isalpha()]
    titled = sum(word.istitle() for word in words)
    return len(words) > 3 and titled >= _TITLED * len(words)


def _found(kind: str, said: str, pattern: str = "") -> tuple[Cue, ...]:
    words: dict[str, None] = {}
    for match in patterns()[pattern or kind].finditer(said):
        words.setdefault(match[0].strip(" ,.;:!")[-_LONGEST:], None)
        if len(words) == _MOST_PER_KIND:
            break
    return tuple(Cue(kind, word) for word in words)
