"""One article that GDELT has seen, as an item."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field

from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Wire, Word, raw_text, read_as

_SEEN_FORM: Final = "%Y%m%dT%H%M%SZ"
_LANGUAGES: Final = {
    "English": "en", "German": "de", "French": "fr", "Spanish": "es", "Portuguese": "pt",
    "Italian": "it", "Dutch": "nl", "Polish": "pl", "Russian": "ru", "Ukrainian": "uk",
    "Turkish": "tr", "Arabic": "ar", "Hebrew": "he", "Persian": "fa", "Hindi": "hi",
    "Bengali": "bn", "Urdu": "ur", "Chinese": "zh", "Japanese": "ja", "Korean": "ko",
    "Vietnamese": "vi", "Thai": "th", "Indonesian": "id", "Malay": "ms", "Greek": "el",
    "Czech": "cs", "Slovak": "sk", "Hungarian": "hu", "Romanian": "ro", "Bulgarian": "bg",
    "Serbian": "sr", "Croatian": "hr", "Bosnian": "bs", "Slovenian": "sl", "Macedonian": "mk",
    "Albanian": "sq", "Swedish": "sv", "Norwegian": "no", "Danish": "da", "Finnish": "fi",
    "Icelandic": "is", "Estonian": "et", "Latvian": "lv", "Lithuanian": "lt", "Catalan": "ca",
    "Galician": "gl", "Georgian": "ka", "Armenian": "hy", "Azerbaijani": "az", "Kazakh": "kk",
    "Tamil": "ta", "Telugu": "te", "Malayalam": "ml", "Kannada": "kn", "Marathi": "mr",
    "Gujarati": "gu", "Punjabi": "pa", "Nepali": "ne", "Sinhalese": "si", "Swahili": "sw",
    "Afrikaans": "af", "Somali": "so", "Mongolian": "mn",
}  # fmt: skip


class _Article(Wire):
    url: str = Field(min_length=1, max_length=2_000)
    title: Word = ""
    seendate: str
    domain: Word = ""
    language: Word = ""


def to_item(raw: Any) -> Item:
    """Gives an article; its time is when GDELT saw it. Raises `Malformed`."""
    article = read_as(_Article, raw)
    try:
        seen = datetime.strptime(article.seendate, _SEEN_FORM).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("seendate: no moment as GDELT writes it") from None
    domain = article.domain
    return Item(
        external_id=article.url,
        kind="article",
        title=article.title,
        url=article.url,
        author=Author(domain, domain, domain, f"https://{domain}") if domain else None,
        lang=_LANGUAGES.get(article.language, ""),
        published_at=seen,
        raw=raw_text(raw),
    )
