"""Where a brand is spoken of and an id is needed, which is read from a link as well.

Each place says what it takes, what it hears and what it cannot.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlencode

from earmark_config.seed import SourceSeed
from earmark_core.errors import ConfigError

WHERE_NAMED: Final = ", where they name the brand"
_HOUR: Final = 3_600
_APP = re.compile(
    r"(?:https?://apps\.apple\.com/(?:([a-z]{2})/)?\S*?\bid)?([0-9]{5,15})(?:/([a-z]{2}))?"
)
_GAME = re.compile(r"([0-9]{1,12})")
_GAME_LINK = re.compile(r"https?://store\.steampowered\.com/app/([0-9]{1,12})(?:/\S*)?")
_CHANNEL = re.compile(r"(?:https?://(?:www\.)?youtube\.com/channel/)?(UC[\w-]{22})", re.ASCII)
_REPOSITORY = re.compile(
    r"(?:https?://github\.com/)?([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+?)(?:\.git|/issues|/discussions)?"
)
_TAG = re.compile(
    r"(?:https?://stackoverflow\.com/(?:questions/tagged|tags)/)?\[?([a-z0-9][a-z0-9+#.-]{0,34})\]?",
    re.IGNORECASE,
)
_COMMUNITY = re.compile(r"!?(\w{1,100})@([A-Za-z0-9.-]+\.[A-Za-z]{2,})", re.ASCII)
_COMMUNITY_LINK = re.compile(
    r"https?://([A-Za-z0-9.-]+\.[A-Za-z]{2,})/c/(\w{1,100})(?:@([A-Za-z0-9.-]+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ById:
    """A place for which an id is needed: the field of `Elsewhere`, how it looks, what is heard."""

    key: str
    name: str
    example: str
    covers: str
    make: Callable[[re.Match[str]], SourceSeed]
    patterns: tuple[re.Pattern[str], ...]


def source_by_id(place: ById, given: str) -> SourceSeed:
    """Gives the source for an id or a link; raises `ConfigError` for what is neither."""
    bare = unquote(given.strip().split("?")[0]).rstrip("/")
    for pattern in place.patterns:
        match = pattern.fullmatch(bare)
        if match:
            return place.make(match)
    raise ConfigError(
        f"this is not what {place.name} needs",
        subject=given[:80],
        hint=f"It needs {place.example}.",
    )


def feed_source(name: str, url: str, covers: str, interval_seconds: int = _HOUR) -> SourceSeed:
    """Gives a source that reads one feed."""
    return SourceSeed(
        name=name,
        channel="feed",
        interval_seconds=interval_seconds,
        options={"url": url},
        covers=covers,
    )


_APP_STORE_COVERS: Final = (
    "Up to 500 of the newest public reviews in one country's store; not other countries, not "
    "ratings without words; answering them needs App Store Connect."
)
_STEAM_COVERS: Final = (
    "All public reviews of the game in every language; not its discussions. Answers are written "
    "on Steam."
)
_YOUTUBE_COVERS: Final = (
    "Titles and descriptions of the channel's 15 newest videos, where they name the brand; not "
    "what is said in them, not comments."
)
_GITHUB_COVERS: Final = (
    "Issues of the repository and their comments; not pull requests, discussions or commits. "
    "Without a token 60 requests an hour are shared by all such sources."
)
_TAG_COVERS: Final = (
    f"The 30 newest questions on Stack Overflow with this tag{WHERE_NAMED}; not answers, not "
    "comments, not other sites: those the channel stackexchange hears."
)
_LEMMY_COVERS: Final = (
    f"Posts and comments of one community{WHERE_NAMED}, read at its own server; not other "
    "communities. Answering them needs an account."
)


def _app_store(match: re.Match[str]) -> SourceSeed:
    country = match[3] or match[1] or "us"
    return SourceSeed(
        name=f"App Store {match[2]} {country}",
        channel="appstore",
        takes_all=True,
        interval_seconds=_HOUR,
        options={"app_id": match[2], "country": country},
        covers=_APP_STORE_COVERS,
    )


def _steam(match: re.Match[str]) -> SourceSeed:
    return SourceSeed(
        name=f"Steam {match[1]}",
        channel="steam",
        takes_all=True,
        interval_seconds=1_800,
        options={"app_id": match[1]},
        covers=_STEAM_COVERS,
    )


def _youtube(match: re.Match[str]) -> SourceSeed:
    url = f"https://www.youtube.com/feeds/videos.xml?channel_id={match[1]}"
    return feed_source(f"YouTube {match[1]}", url, _YOUTUBE_COVERS)


def _github(match: re.Match[str]) -> SourceSeed:
    return SourceSeed(
        name=f"GitHub {match[1]}",
        channel="github",
        takes_all=True,
        interval_seconds=_HOUR,
        options={"repository": match[1]},
        covers=_GITHUB_COVERS,
    )


def _tag(match: re.Match[str]) -> SourceSeed:
    tag = match[1].lower()
    query = urlencode({"tagnames": tag, "sort": "newest"})
    url = f"https://stackoverflow.com/feeds/tag?{query}"
    return feed_source(f"Stack Overflow {tag}", url, _TAG_COVERS, 1_800)


def _lemmy(match: re.Match[str]) -> SourceSeed:
    is_link = match.re is _COMMUNITY_LINK
    name = match[2] if is_link else match[1]
    server = ((match[3] or match[1]) if is_link else match[2]).lower()
    return SourceSeed(
        name=f"Lemmy {name}@{server}",
        channel="lemmy",
        interval_seconds=900,
        options={"base_url": f"https://{server}", "community": name},
        covers=_LEMMY_COVERS,
    )


BY_ID: Final = (
    ById(
        "app_store",
        "App Store reviews",
        "the number or the link of the app; NUMBER/de for another country than us",
        _APP_STORE_COVERS,
        _app_store,
        (_APP,),
    ),
    ById(
        "steam",
        "Steam reviews",
        "the number or the link of the game",
        _STEAM_COVERS,
        _steam,
        (_GAME, _GAME_LINK),
    ),
    ById(
        "youtube",
        "YouTube channel",
        "the channel's id, UC and 22 signs, or a link with it; a name with @ is not enough",
        _YOUTUBE_COVERS,
        _youtube,
        (_CHANNEL,),
    ),
    ById(
        "github",
        "GitHub issues",
        "owner/name of the repository, or its link",
        _GITHUB_COVERS,
        _github,
        (_REPOSITORY,),
    ),
    ById(
        "tag",
        "Stack Overflow tag",
        "a tag as Stack Overflow writes it",
        _TAG_COVERS,
        _tag,
        (_TAG,),
    ),
    ById(
        "lemmy",
        "Lemmy community",
        "name@server, or the community's link",
        _LEMMY_COVERS,
        _lemmy,
        (_COMMUNITY, _COMMUNITY_LINK),
    ),
)
"""Places that need an id."""
