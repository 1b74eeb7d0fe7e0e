"""What is refused before any parser that builds something sees it."""

import re
from typing import NoReturn
from xml.parsers import expat

from earmark_core.errors import Malformed

_CHUNK = 16_384
_BEFORE_ROOT = re.compile(r"<(?=[^\W\d])")
_SUBSET = re.compile(r"<!DOCTYPE[^<>\[]*\[|<!ENTITY", re.IGNORECASE)
_REASON = "The feed brings its own document type with declarations, which can hide a bomb."
_HINT = "Ask the publisher for a feed without a DTD."


class _RootReached(Exception):
    """The prolog is over."""


def refuse_declarations(text: str) -> None:
    """Raises `Malformed` if *text* declares entities or has an internal DTD subset.

    Entities are how a feed of 600 bytes becomes a million characters, and how one asks for
    files of ours. A document type that only names a public DTD passes: nothing fetches it.
    """
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = _entity
    parser.StartElementHandler = _root
    try:
        for start in range(0, len(text), _CHUNK):
            parser.Parse(text[start : start + _CHUNK])
    except _RootReached:
        return
    except (expat.ExpatError, ValueError, UnicodeError):
        # Broken before its root: the forgiving parser will have it, so look at it as it stands.
        if _SUBSET.search(_head(text)):
            raise Malformed(_REASON, hint=_HINT) from None


def _doctype(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
    if has_subset:
        raise Malformed(_REASON, hint=_HINT)


def _entity(*_declaration: object) -> NoReturn:
    raise Malformed(_REASON, hint=_HINT)


def _root(_name: str, _attributes: dict[str, str]) -> NoReturn:
    raise _RootReached


def _head(text: str) -> str:
    kept, at = [], 0
    while at < len(text):
        opened = text.find("<", at)
        if opened < 0:
            break
        if text.startswith("<!--", opened):
            closed = text.find("-->", opened)
            at = len(text) if closed < 0 else closed + 3
        elif _BEFORE_ROOT.match(text, opened):
            break
        else:
            closed = text.find("<", opened + 1)
            at = len(text) if closed < 0 else closed
            kept.append(text[opened:at])
    return "".join(kept)
