"""Takes secrets out of what a person or a log may see."""

import re
from typing import Final
from urllib.parse import quote, quote_plus, unquote

MARK: Final = "***"
_SHORTEST = 4  # a shorter "secret" would blank out ordinary words

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


def redact(text: str) -> str:
    """Gives *text* without known secrets, URL passwords, token-like URL values and credentials."""
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MARK)
    text = _USER.sub(f"{MARK}@", text) if "://" in text else text
    text = _PAIR.sub(_hide, text) if "=" in text else text
    text = _BOT.sub(MARK, text) if "/bot" in text else text
    text = _FIELD.sub(_hide_field, text) if ":" in text else text
    return _SCHEME.sub(rf"\1 {MARK}", text)


def _hide(pair: re.Match[str]) -> str:
    key = pair.group(1)
    return f"{key}={MARK}" if _KEY.search(unquote(key)) else pair.group(0)


def _hide_field(field: re.Match[str]) -> str:
    mark, key = field.group(1), field.group(2)
    return f"{mark}{key}{mark}: {mark}{MARK}{mark}" if _KEY.search(key) else field.group(0)
