"""Which scorer is used: earmark's own, or one that an installed package brings.

A package brings a scorer in the entry point group `earmark.scorers`, as something callable without
arguments that gives a `Scorer`:

    [project.entry-points."earmark.scorers"]
    default = "acme_tone:scorer"     # in the place of earmark's own, as soon as it is installed
    acme = "acme_tone:scorer"        # used where the setting sentiment.scorer is "acme"
    de = "acme_tone:german"          # for texts in German, beside earmark's own for English

A model that only turns texts into vectors comes as a whole scorer, too: `EmbedScorer` with an
`Encoder` and the weights that `benchmarks.embedtraining` made for it.
"""

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from earmark_core.errors import ConfigError
from earmark_sentiment.scorer import HeadScorer, Scorer

PLUGINS = "earmark.scorers"
"""The entry point group of scorers brought by others."""
DEFAULT, HEAD, EMBED = "default", "head", "embed"
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def chosen_scorer(choice: str = DEFAULT) -> Scorer:
    """Gives the scorer of this name, which each mention is scored by.

    "default" is the one that a package registered under this name, else "head". "head" and
    "embed" are earmark's own, whatever is installed; they leave other languages to those who
    registered for them. Any other name is that of an entry point.

    Raises:
        ConfigError: there is no such scorer, it cannot be loaded, or a package is missing.
    """
    entries = _entries()
    if choice not in {HEAD, EMBED} and choice in entries:
        return _made(entries[choice])
    if choice in {DEFAULT, HEAD}:
        return HeadScorer(languages=_languages(entries))
    if choice == EMBED:
        from earmark_sentiment.embed import EmbedScorer

        return EmbedScorer(languages=_languages(entries))
    there = ", ".join(f'"{name}"' for name in (DEFAULT, HEAD, EMBED, *sorted(entries)))
    raise ConfigError(
        f'There is no scorer "{choice}".',
        subject="sentiment.scorer",
        hint=f"There are: {there}. A package brings others by the entry point group {PLUGINS}.",
    )


def _entries() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=PLUGINS):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise ConfigError(
                f'Two packages bring a scorer "{entry.name}": {other.value} and {entry.value}.',
                subject=PLUGINS,
                hint="Uninstall one of them.",
            )
    return found


def _languages(entries: Mapping[str, EntryPoint]) -> dict[str, Scorer]:
    return {name: _made(entry) for name, entry in entries.items() if _LANGUAGE.fullmatch(name)}


def _made(entry: EntryPoint) -> Scorer:
    try:
        scorer = entry.load()()
    except (ImportError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"This scorer cannot be loaded: {error}.",
            subject=f"{PLUGINS}: {entry.name} = {entry.value}",
            hint="Ask who made the package, or uninstall it.",
        ) from error
    if not isinstance(scorer, Scorer):
        raise ConfigError(
            "This is no scorer: it lacks model_id, score_batch or explain.",
            subject=f"{PLUGINS}: {entry.name} = {entry.value}",
            hint="See Scorer in earmark_sentiment.scorer.",
        )
    return scorer
