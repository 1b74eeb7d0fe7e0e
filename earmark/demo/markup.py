"""Plain text to the HTML that Mastodon serves: paragraphs, links, mentions and hashtags."""

import re
from html import escape

_TOKEN = re.compile(
    r"(?P<link>https?://[^\s<>\"]*[^\s<>\"'.,:;!?)\]}])"
    r"|(?<![\w/])@(?P<user>\w+)(?:@[\w.-]*\w)?"
    r"|(?<![\w/&])#(?P<tag>\w*[^\W\d]\w*)"
)


def mentioned(text: str) -> list[str]:
    """Gives the handles that a text speaks to, each once, in order, in small letters."""
    found = (match["user"] for match in _TOKEN.finditer(text) if match["user"])
    return list(dict.fromkeys(user.casefold() for user in found))


def tagged(text: str) -> list[str]:
    """Gives the hashtags of a text without `#`, each once, in order, in small letters."""
    found = (match["tag"] for match in _TOKEN.finditer(text) if match["tag"])
    return list(dict.fromkeys(tag.casefold() for tag in found))


def as_html(text: str, home: str) -> str:
    """Gives the `content` of a status; *home* is the server's address without a slash."""
    paragraphs = (part for part in re.split(r"\n{2,}", text.strip()) if part)
    return "".join(f"<p>{_inline(part, home)}</p>" for part in paragraphs)


def _inline(text: str, home: str) -> str:
    pieces, at = [], 0
    for match in _TOKEN.finditer(text):
        pieces.append(escape(text[at : match.start()]))
        pieces.append(_token(match, home))
        at = match.end()
    pieces.append(escape(text[at:]))
    return "".join(pieces).replace("\n", "<br />")


def _token(match: re.Match[str], home: str) -> str:
    if match["user"]:
        user = match["user"]
        return (
            f'<span class="h-card" translate="no"><a href="{home}/@{user}" class="u-url mention">'
            f"@<span>{user}</span></a></span>"
        )
    if match["tag"]:
        tag = match["tag"]
        return (
            f'<a href="{home}/tags/{tag.casefold()}" class="mention hashtag" rel="tag">'
            f"#<span>{tag}</span></a>"
        )
    return _link(match["link"])


def _link(url: str) -> str:
    scheme, rest = url.split("//", 1)
    shown, cut = rest[:30], rest[30:]
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{scheme}//</span>'
        f'<span class="{"ellipsis" if cut else ""}">{escape(shown)}</span>'
        f'<span class="invisible">{escape(cut)}</span></a>'
    )
