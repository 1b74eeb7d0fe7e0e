"""Text out of an XML tree, with nothing of it left behind."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from earmark_listeners.feeds.entry import looks_like_html

_ALONE = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "source", "wbr"})


def local(tag: str) -> str:
    """Gives the name of *tag* without its namespace."""
    return tag.rpartition("}")[2]


def plain(element: Element | None) -> str:
    """Gives all text under *element*, without its markup."""
    if element is None:
        return ""
    if not len(element):  # which is nearly every one
        return (element.text or "").strip()
    return "".join(element.itertext()).strip()


class Kids:
    """The first child of each tag: one walk in place of one search for each tag looked for."""

    __slots__ = ("element", "found")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.found: dict[str, Element] = {}
        for child in element[::-1]:  # a loop: it is quicker here than a comprehension
            self.found[child.tag] = child

    def get(self, tag: str) -> Element | None:
        """Gives the first child of this tag."""
        return self.found.get(tag)

    def text(self, tag: str) -> str:
        """Gives the text of the first child of this tag, without markup."""
        return plain(self.found[tag]) if tag in self.found else ""

    def first(self, tags: tuple[str, ...]) -> str:
        """Gives the first text that is not empty, in the order of *tags*."""
        for tag in tags:
            if tag in self.found:
                text = plain(self.found[tag])
                if text:
                    return text
        return ""

    def deep(self, *path: str) -> Element | None:
        """Gives the first descendant on this path, as `find` does."""
        return self.element.find("/".join(path)) if path[0] in self.found else None

    def all(self, tag: str) -> list[Element]:
        """Gives all children of this tag, in the document's order."""
        return self.element.findall(tag) if tag in self.found else []


def text_of(element: Element | None) -> tuple[str, bool]:
    """Gives the text of an RSS element, and whether it is HTML.

    RSS does not say; what has no tag and no entity in it is the same either way.
    """
    if element is None:
        return "", False
    if len(element):
        return inner_html(element), True
    text = (element.text or "").strip()
    return text, looks_like_html(text)


def construct(element: Element | None) -> tuple[str, bool]:
    """Gives the text of an Atom text construct or content, and whether it is HTML.

    Empty for content that is no text (images in base64, other XML).
    """
    if element is None:
        return "", False
    kind = element.get("type", "text").lower()
    if kind in {"xhtml", "application/xhtml+xml"}:
        return inner_html(element), True
    if kind in {"html", "text/html"}:
        return (inner_html(element) if len(element) else plain(element)), True
    if kind == "text" or kind.startswith("text/"):
        return plain(element), False
    return "", False


def inner_html(element: Element) -> str:
    """Gives the markup under *element* as HTML, namespaces dropped.

    Walks with a stack of its own: the depth of a stranger's document is not ours to trust.
    """
    parts = [escape(element.text or "")]
    open_elements: list[tuple[Iterator[Element], str]] = [(iter(element), "")]
    while open_elements:
        children, closing = open_elements[-1]
        child = next(children, None)
        if child is None:
            open_elements.pop()
            parts.append(closing)
            continue
        name = local(child.tag)
        attributes = "".join(f" {local(key)}={quoteattr(val)}" for key, val in child.items())
        parts.append(f"<{name}{attributes}>{escape(child.text or '')}")
        closing = "" if name in _ALONE else f"</{name}>"
        open_elements.append((iter(child), closing + escape(child.tail or "")))
    return "".join(parts).strip()
