"""HTML to plain text. Pure; parsed by lexbor, never shown as HTML again."""

import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

# What a post may hold at most before it is parsed; the rest of a longer one is not read.
LONGEST: Final = 1_000_000
_LONG: Final = 20_000
_LONG_TAG: Final = 4_000
# Browsers stop nesting not far beyond.
DEEPEST: Final = 256


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_DROPPED = _tags(
    "script style template noscript iframe object embed svg math head title textarea "
    "select audio video canvas"
)
_BLOCKS = _tags(
    "address article aside blockquote body center dd details dialog div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre "
    "section summary table tbody tfoot thead tr ul"
)
_CELLS = _tags("td th")
_RAW = _tags("script style textarea title template iframe noscript")
_VOID = _tags("area base br col embed hr img input link meta source track wbr")
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\s/>\x00]*+)(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])))*+>"""
)
_OPENS = re.compile(r"<[a-zA-Z!?/]")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_GAPS = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """Gives what a reader would see of *html*: blocks and `<br>` on lines of their own.

    Inline elements join without a gap, so that a link which Mastodon splits into invisible and
    shortened spans comes out whole. Entities are decoded once. Scripts, styles and embedded
    things are dropped; a picture that stands for an emoji gives its `alt`. Never raises.
    """
    html = html[:LONGEST]
    if not html.isascii():
        html = _SURROGATE.sub("", html)
    if len(html) > _LONG:
        html = _flattened(html)
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    text = "".join(_pieces(body))
    if "  " in text:
        text = re.sub(r" {2,}", " ", text)
    return _GAPS.sub("\n\n", "\n".join(line.strip(" ") for line in text.split("\n"))).strip()


def _pieces(body: LexborNode) -> list[str]:
    """Walks the tree without recursion, entering and leaving every element once."""
    out: list[str] = []
    node = body.first_child
    pre = 0
    while node is not None:
        entered = _enter(node, out, pre)
        if entered and node.first_child is not None:
            pre += node.tag == "pre"
            node = node.first_child
            continue
        if entered:
            _edge(node.tag, out)
        while node.next is None:
            node = node.parent
            if node is None or node.mem_id == body.mem_id:
                return out
            pre -= node.tag == "pre"
            _edge(node.tag, out)
        node = node.next
    return out


def _enter(node: LexborNode, out: list[str], pre: int) -> bool:
    """Writes what *node* says by itself; True when it is an element to go into."""
    if node.is_text_node:
        words = node.text_content or ""
        is_plain = pre or (words.isprintable() and "  " not in words)
        out.append(words if is_plain else _SPACE.sub(" ", words))
        return False
    tag = node.tag or ""
    if not node.is_element_node or tag in _DROPPED:
        return False
    if tag == "br":
        out.append("\n")
    elif tag == "img":
        shape = f"{node.attributes.get('class') or ''} {node.attributes.get('src') or ''}"
        if re.search(r"emoji|smil(?:ey|ie)", shape):
            out.append(node.attributes.get("alt") or "")
    else:
        _edge(tag, out)
        return True
    return False


def _edge(tag: str | None, out: list[str]) -> None:
    """Writes the break that the start or end of *tag* makes, once where several meet."""
    if tag in _BLOCKS:
        while out and not out[-1].strip(" "):
            out.pop()
        if out and not out[-1].endswith("\n"):
            out.append("\n")
    elif tag in _CELLS:
        out.append(" ")


def _flattened(html: str) -> str:
    """Gives the same document bare: no attributes, no comments, nothing nested too deep.

    lexbor takes time with the square of the depth and of the attributes of one tag, so a long
    document is brought down to what the walk looks at before it is parsed.
    """
    out: list[str] = []
    at = depth = 0
    while (start := html.find("<", at)) >= 0:
        out.append(html[at:start])
        tag = _TAG.match(html, start)
        if tag is None:
            at = _past(html, start)
            out.append("&lt;" if at == start + 1 else "")
            continue
        at = tag.end()
        closing, name = bool(tag.group(1)), tag.group(2).lower()
        if name in _RAW and not closing:
            end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
            at = _past(html, end.start()) if end else len(html)
        elif name in _VOID:
            out.append(
                tag.group(0) if name == "img" and len(tag.group(0)) < _LONG_TAG else f"<{name}>"
            )
        else:
            depth = max(depth - 1, 0) if closing else depth
            shallow = f"<{'/' if closing else ''}{name}>"
            out.append(shallow if depth < DEEPEST else "\n" if name in _BLOCKS else "")
            depth += not closing
    out.append(html[at:])
    return "".join(out)


def _past(html: str, start: int) -> int:
    """Gives where the markup at *start* ends: the end of all if it is not closed.

    One further than *start* when it is no markup but a bare "<".
    """
    if not _OPENS.match(html, start):
        return start + 1
    mark = "-->" if html.startswith("<!--", start) else ">"
    end = html.find(mark, start + 2)
    return end + len(mark) if end >= 0 and not html[start + 1].isalpha() else len(html)
