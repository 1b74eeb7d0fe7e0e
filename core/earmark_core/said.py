"""What an error answer says in words, wherever the platform puts them."""

from typing import Any, Final

_KEYS: Final = (
    "message",
    "error_message",
    "error_description",
    "detail",
    "error",
    "errors",
    "title",
    "reason",
)
_DEEPEST: Final = 4


def words_in(body: Any, depth: int = 0) -> str:
    """Gives the first piece of text under a key that platforms use for it; "" if there is none."""
    if isinstance(body, str):
        return body.strip()
    if depth >= _DEEPEST:
        return ""
    if isinstance(body, dict):
        inner = [body[key] for key in _KEYS if body.get(key)]
    else:
        inner = body[:3] if isinstance(body, list) else []
    return next((found for each in inner if (found := words_in(each, depth + 1))), "")
