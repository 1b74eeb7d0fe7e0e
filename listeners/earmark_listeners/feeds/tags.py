"""The tags that feeds keep their texts in, with their namespaces."""

from dataclasses import dataclass
from functools import cache

ATOM = "{http://www.w3.org/2005/Atom}"
RSS1 = "{http://purl.org/rss/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}comments"
MEDIA = "{http://search.yahoo.com/mrss/}"
MEDIA_GROUP = f"{MEDIA}group"
MEDIA_TEXT = f"{MEDIA}description"
REPLY = "{http://purl.org/syndication/thread/1.0}in-reply-to"
ORIGINAL = "{http://rssnamespace.org/feedburner/ext/1.0}origLink"
DCTERMS = "{http://purl.org/dc/terms/}"
XHTML = "{http://www.w3.org/1999/xhtml}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
RARE_TEXTS = (f"{XHTML}body", f"{XHTML}div", "fullitem", "body", f"{DC}description", "summary")
RARE_DATES = (f"{DC}date", f"{DCTERMS}issued", f"{DCTERMS}created", f"{ATOM}published")
BASE = "{http://www.w3.org/XML/1998/namespace}base"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATOM_AUTHOR = f"{ATOM}author"
ATOM_CATEGORY = f"{ATOM}category"
ATOM_CONTENT = f"{ATOM}content"
ATOM_EMAIL = f"{ATOM}email"
ATOM_ENTRY = f"{ATOM}entry"
ATOM_ID = f"{ATOM}id"
ATOM_LINK = f"{ATOM}link"
ATOM_NAME = f"{ATOM}name"
ATOM_PUBLISHED = f"{ATOM}published"
ATOM_SOURCE = f"{ATOM}source"
ATOM_SUMMARY = f"{ATOM}summary"
ATOM_TITLE = f"{ATOM}title"
ATOM_UPDATED = f"{ATOM}updated"
ATOM_URI = f"{ATOM}uri"
DCTERMS_MODIFIED = f"{DCTERMS}modified"
DC_LANGUAGE = f"{DC}language"
ITUNES_SUMMARY = f"{ITUNES}summary"
MEDIA_COMMUNITY = f"{MEDIA}community"
MEDIA_STATISTICS = f"{MEDIA}statistics"
RDF_ABOUT = f"{RDF}about"


@dataclass(frozen=True, slots=True)
class RssTags:
    """Where RSS keeps what; several tags are tried in this order."""

    guid: str
    source: str
    link: tuple[str, ...]
    title: tuple[str, ...]
    text: tuple[str, ...]
    author: tuple[str, ...]
    published: tuple[str, ...]
    terms: tuple[str, ...]
    rare: frozenset[str]


@cache
def rss_tags(ns: str) -> RssTags:
    """Gives the tags of RSS in the namespace *ns*: "" for RSS 2.0, `RSS1` for 1.0."""
    return RssTags(
        guid=f"{ns}guid",
        source=f"{ns}source",
        link=(ORIGINAL, f"{ns}link"),
        title=(f"{ns}title", f"{DC}title", f"{MEDIA}title"),
        text=(ENCODED, f"{ns}description", f"{ns}content", *RARE_TEXTS),
        author=(f"{DC}creator", f"{ns}author", f"{DC}author", f"{ATOM}author",
                f"{ITUNES}author"),
        published=(f"{ns}pubDate", *RARE_DATES),
        terms=(f"{ns}category", f"{DC}subject"),
        rare=frozenset({f"{ns}source", ATOM_UPDATED, DCTERMS_MODIFIED, DC_LANGUAGE, REPLY}),
    )  # fmt: skip
