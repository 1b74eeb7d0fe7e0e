"""Takes secrets out of what a person or a log may see."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote

MARK: Final = "***"
_SHORTEST = 4  # a shorter "secret" would blank out ordinary words
_LONG = 11  # longer than the words by which secrets are called

_KEY = re.compile(
    r"token|secret|passw|passphrase|pwd|auth(?!or)|api[-_]?key|access[-_]?key|signature"
    r"|credential|session|jwt|^(?:key|sig|code|sid|pass|hmac)$",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?<=[?&;#])([^=&;#\s\"'<>]{1,200})=([^&;#\s\"'<>]*)")
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_FIELD = re.compile(r"""(["'])([^"']{1,60})\1\s*:\s*(["'])[^"']*\3""")
_BOT = re.compile(r"(?<=/bot)\d+:[^/\s\"'?#]+")

_known: dict[str, None] = {}


def register_secret(value: str) -> None:
    """Makes *value* unreadable in everything that is logged or said in an error from now on.

    Values of fewer than 4 characters are left alone. May be called again with the same value.
    """
    for form in (value, value.strip(), quote(value, safe=""), quote_plus(value)):
        if len(form) >= _SHORTEST:
            _known[form] = None


@lru_cache(maxsize=1_000)
def names_a_secret(name: str) -> bool:
    """Tells whether a header or a parameter of this name holds something secret."""
    return name.lower() == "authorization" or bool(_KEY.search(name))


def redact(text: str) -> str:
    """Gives *text* without known secrets, URL passwords, token-like URL values and credentials."""
    text = _without(text, [secret for secret in _known if len(secret) >= _LONG])
    text = _USER.sub(f"{MARK}@", text) if "://" in text else text
    text = _PAIR.sub(_hide, text) if "=" in text else text
    text = _BOT.sub(MARK, text) if "/bot" in text else text
    text = _FIELD.sub(_hide_field, text) if ":" in text else text
    text = _SCHEME.sub(rf"\1 {MARK}", text)
    # Last: one that is short may be part of a name ("pass") by which others are known.
    return _without(text, [secret for secret in _known if len(secret) < _LONG])


def _without(text: str, secrets: list[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MARK)
    return text


def _hide(pair: re.Match[str]) -> str:
    key = pair.group(1)
    return f"{key}={MARK}" if _KEY.search(unquote(key)) else pair.group(0)


def _hide_field(field: re.Match[str]) -> str:
    mark, key = field.group(1), field.group(2)
    return f"{mark}{key}{mark}: {mark}{MARK}{mark}" if _KEY.search(key) else field.group(0)
