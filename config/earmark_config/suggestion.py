"""What to listen to for a brand known only by its name: a monitor, keyless sources, topics."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from earmark_config.everyday_topics import everyday_topics
from earmark_config.presets import Elsewhere, elsewhere_sources
from earmark_config.seed import BrandSeed, MonitorSeed, PolicySeed, Seed, SourceSeed
from earmark_core.errors import ConfigError

MASTODON_SERVER = "https://mastodon.social"
_LONGEST, _MOST = 60, 20
_HASHTAG = re.compile(r"[^\W_]+")


def suggest(
    brand: str,
    aliases: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    elsewhere: Elsewhere | None = None,
    mastodon_server: str = MASTODON_SERVER,
) -> Seed:
    """Gives a seed that listens to one brand with no account and no key.

    *aliases* are further names; a mention that holds a word of *exclude* is left out. News,
    Hacker News and hashtags are always there; *elsewhere* adds from the catalogue in `presets`.
    Each source says in `covers` what it hears and what it cannot. Nothing is stored or asked.

    Raises:
        ConfigError: there is no name, an id is none, or the server is no web address.
    """
    names, unwanted = _distinct([brand, *aliases]), _distinct(exclude)
    _refuse_nonsense(_plain(brand), names, unwanted)
    query = _query(names, unwanted)
    return Seed(
        brand=(
            BrandSeed(
                name=_plain(brand),
                names=tuple(names[1:]),
                monitor=(MonitorSeed(name="All mentions", query=query),),
                source=(
                    _news(names, unwanted),
                    _hacker_news(names),
                    *_hashtags(names, mastodon_server),
                    *elsewhere_sources(names, unwanted, elsewhere or Elsewhere()),
                ),
                topic=everyday_topics(),
                policy=PolicySeed(needs_approval=False),
            ),
        )
    )


def _plain(name: str) -> str:
    """Drops what no query can hold: quotes, control characters, white space around."""
    shown = "".join(sign if sign.isprintable() else " " for sign in name)
    return " ".join(shown.replace('"', " ").split())


def _distinct(names: Sequence[str]) -> list[str]:
    kept: dict[str, str] = {}
    for name in map(_plain, names):
        if name:
            kept.setdefault(name.casefold(), name)
    return list(kept.values())


def _refuse_nonsense(brand: str, names: Sequence[str], unwanted: Sequence[str]) -> None:
    if not brand:
        raise ConfigError("a brand needs a name", hint='For example: earmark init "Acme Air"')
    if max(map(len, (*names, *unwanted))) > _LONGEST or len(names) + len(unwanted) > _MOST:
        raise ConfigError(
            f"names have up to {_LONGEST} characters, and names and excluded words together are "
            f"up to {_MOST}",
            subject=brand[:_LONGEST],
        )
    both = {name.casefold() for name in names} & {word.casefold() for word in unwanted}
    if both:
        raise ConfigError(
            f'"{min(both)}" is a name of the brand and excluded too, so nothing would be heard',
            subject=brand,
        )


def _query(names: Sequence[str], unwanted: Sequence[str]) -> str:
    """Writes the monitor's query; every name stands in quotes, so none is taken for an operator."""
    wanted = " OR ".join(f'"{name}"' for name in names)
    if len(names) > 1:
        wanted = f"({wanted})"
    return wanted + "".join(f' NOT "{word}"' for word in unwanted)


def _news(names: Sequence[str], unwanted: Sequence[str]) -> SourceSeed:
    terms = " OR ".join(f'"{name}"' for name in names)
    terms += "".join(f' -"{word}"' for word in unwanted)
    query = urlencode({"q": terms, "hl": "en-US", "gl": "US", "ceid": "US:en"})
    return SourceSeed(
        name="News search",
        channel="feed",
        interval_seconds=900,
        options={"url": f"https://news.google.com/rss/search?{query}"},
        covers="News articles in English that Google News lists, by headline and outlet, up to "
        "100 at a time; not their full text, not comments, not social networks.",
    )


def _hacker_news(names: Sequence[str]) -> SourceSeed:
    return SourceSeed(
        name="Hacker News",
        channel="hackernews",
        interval_seconds=600,
        options={"query": names[0]},
        covers=f'Stories and comments on Hacker News that hold "{names[0]}"; a technical crowd, '
        "so little from everyday customers.",
    )


def _hashtags(names: Sequence[str], server: str) -> list[SourceSeed]:
    """Gives a source for each name that can be written as a hashtag, two at most."""
    parts = urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError(
            "this is not the address of a Mastodon server",
            subject=server,
            hint=f"It looks like {MASTODON_SERVER}.",
        )
    tags: dict[str, str] = {}
    for name in names:
        tag = "".join(_HASHTAG.findall(name))
        if tag and not tag.isdigit():
            tags.setdefault(tag.casefold(), tag)
    return [
        SourceSeed(
            name=f"Mastodon #{tag}",
            channel="mastodon",
            interval_seconds=300,
            options={"base_url": f"{parts.scheme}://{parts.netloc}", "tag": tag},
            covers=f"Public posts with #{tag} that {parts.netloc} knows of; not posts without "
            "the hashtag, and not every other server.",
        )
        for tag in list(tags.values())[:2]
    ]
