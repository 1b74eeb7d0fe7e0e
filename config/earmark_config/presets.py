"""Where else to listen than the places that are always proposed: by id, or by name alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from earmark_config.places_by_id import BY_ID, WHERE_NAMED, source_by_id
from earmark_config.places_by_name import BY_NAME
from earmark_config.seed import SourceSeed
from earmark_core.errors import ConfigError

__all__ = ["BY_ID", "BY_NAME", "Elsewhere", "elsewhere_sources"]

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the owner of a brand knows of it: ids or links, and what else to listen to by name.

    `also` holds keys of `BY_NAME`; the other fields are those of `BY_ID`.
    """

    app_store: tuple[str, ...] = ()
    steam: tuple[str, ...] = ()
    youtube: tuple[str, ...] = ()
    github: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    lemmy: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def elsewhere_sources(
    names: Sequence[str], unwanted: Sequence[str], elsewhere: Elsewhere
) -> list[SourceSeed]:
    """Gives the sources that *elsewhere* asks for, each once.

    Raises:
        ConfigError: an id is none, or a key of `also` is not known.
    """
    found: dict[str, SourceSeed] = {}
    for place_by_id in BY_ID:
        for given in getattr(elsewhere, place_by_id.key):
            source = _whole(source_by_id(place_by_id, given), names)
            found.setdefault(source.name.casefold(), source)
    for key in elsewhere.also:
        place = next((place for place in BY_NAME if place.key == key.strip().lower()), None)
        if place is None:
            known = ", ".join(place.key for place in BY_NAME)
            raise ConfigError("there is no such place", subject=key[:60], hint=f"Known: {known}.")
        source = place.make(names, unwanted, place.covers)
        found.setdefault(source.name.casefold(), source)
    if len(found) > _MOST:
        raise ConfigError(f"{_MOST} sources at most are set up at once, these are {len(found)}")
    return list(found.values())


def _whole(source: SourceSeed, names: Sequence[str]) -> SourceSeed:
    """Gives a tag or a community that is called as the brand is as one where all is about it."""
    title = source.name.rpartition(" ")[2].partition("@")[0]
    is_named = _letters(title) in {_letters(name) for name in names}
    if not is_named or WHERE_NAMED not in source.covers:
        return source
    covers = source.covers.replace(WHERE_NAMED, "")
    return source.model_copy(update={"takes_all": True, "covers": covers})


def _letters(name: str) -> str:
    """Gives a name as it is compared: C++ and C# differ, Acme Air and acme-air do not."""
    return "".join(sign for sign in name.casefold() if sign.isalnum() or sign in "+#")
