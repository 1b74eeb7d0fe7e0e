"""Posts as X gives them, and as items."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.channels.x.options import XOptions
from earmark_listeners.channels.x.place import moment_of, order
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

FIELDS = (
    "author_id,conversation_id,created_at,edit_history_tweet_ids,entities,in_reply_to_user_id,"
    "lang,note_tweet,public_metrics,referenced_tweets,reply_settings"
)
USER_FIELDS = "name,public_metrics,username"
_METRICS = {
    "reply_count": "replies",
    "retweet_count": "reposts",
    "like_count": "likes",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
    "impression_count": "views",
}
# What X calls a language and is none; two that it names in an old way.
_NO_LANGUAGE = re.compile(r"und|zxx|q[a-z]{2}|art", re.ASCII)
_RENAMED = {"in": "id", "iw": "he"}
_POST_ADDRESS = re.compile(r"https?://(?:www\.|mobile\.)?(?:x|twitter)\.com/(\w+)/status/", re.I)


class _Url(Wire):
    url: Word = ""
    expanded_url: Word = ""


class _Named(Wire):
    username: Word = ""
    id: Word = ""


class _Entities(Wire):
    urls: tuple[_Url, ...] = ()
    mentions: tuple[_Named, ...] = ()


class _Reference(Wire):
    type: Word = ""
    id: Id


class _Note(Wire):
    text: Word = ""
    entities: _Entities = _Entities()


class _User(Wire):
    id: Id
    username: Word = ""
    name: Word = ""
    public_metrics: Mapping[str, Any] | None = None


class Post(Wire):
    """One post; `includes` of its page hold who wrote it."""

    id: Id
    text: Word = ""
    author_id: Word = ""
    created_at: datetime | None = None
    conversation_id: Word = ""
    lang: Word = ""
    entities: _Entities | None = None
    note_tweet: _Note | None = None
    referenced_tweets: tuple[_Reference, ...] = ()
    edit_history_tweet_ids: tuple[Id, ...] = ()
    public_metrics: Mapping[str, Any] | None = None

    @property
    def first_id(self) -> str:
        """Gives the id of the first version, which stays the same when a post is edited."""
        return min((*self.edit_history_tweet_ids, self.id), key=order)

    @property
    def last_id(self) -> str:
        """Gives the id of the version that stands now."""
        return max((*self.edit_history_tweet_ids, self.id), key=order)

    def refers(self, how: str) -> str:
        """Gives the id of the post that this one answers, quotes or reposts; "" for none."""
        return next((each.id for each in self.referenced_tweets if each.type == how), "")

    def named(self) -> Iterator[_Named]:
        """Gives the accounts that the post mentions."""
        if self.entities:
            yield from self.entities.mentions
        if self.note_tweet:
            yield from self.note_tweet.entities.mentions


def read_post(raw: Any) -> Post:
    """Gives a post; raises `Malformed` for one that holds no text."""
    post = read_as(Post, raw)
    if not post.id.isdecimal():
        raise Malformed("id: it is no number")
    if not isinstance(raw, dict) or not (post.text or post.note_tweet):
        raise Malformed("text: there is none")
    return post


def words_of(post: Post) -> str:
    """Gives the whole text of a post, with `&` `<` `>` as they were typed and links in full."""
    note = post.note_tweet if post.note_tweet and post.note_tweet.text else None
    text = note.text if note else post.text
    entities = note.entities if note and note.entities.urls else post.entities
    for link in entities.urls if entities else ():
        if link.url and link.expanded_url:
            text = text.replace(link.url, link.expanded_url)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def authors_in(said: Mapping[str, Any]) -> dict[str, Author]:
    """Gives who wrote the posts of a page, by number; a suspended account is not among them."""
    includes = said.get("includes")
    listed = includes.get("users") if isinstance(includes, dict) else None
    found: dict[str, Author] = {}
    for raw in listed if isinstance(listed, list) else ():
        try:
            user = read_as(_User, raw)
        except Malformed:
            continue
        count = (user.public_metrics or {}).get("followers_count")
        followers = count if isinstance(count, int) and not isinstance(count, bool) else None
        url = f"https://x.com/{user.username}" if user.username else ""
        found[user.id] = Author(user.id, user.username, user.name, url, followers)
    return found


def to_item(raw: Any, authors: Mapping[str, Author], options: XOptions) -> Item | None:
    """Gives a post as an item; None for a repost that is not wanted."""
    post = read_post(raw)
    if post.refers("retweeted") and not options.reposts:
        return None
    author = authors.get(post.author_id) or (Author(post.author_id) if post.author_id else None)
    created = as_utc(post.created_at) if post.created_at else moment_of(post.id)
    is_edited = post.id != post.first_id
    published = (moment_of(post.first_id) or created) if is_edited else created
    handle = (author.handle if author else "") or "i"
    return Item(
        external_id=post.first_id,
        kind="comment" if post.refers("replied_to") else "post",
        text=words_of(post),
        url=f"https://x.com/{handle}/status/{post.id}",
        author=author,
        lang=_language(post.lang),
        published_at=published,
        edited_at=created if is_edited else None,
        thread_id=post.conversation_id or post.first_id,
        parent_id=post.refers("replied_to"),
        metrics=_counts(post),
        reply_ref={"post_id": post.id} | _told_of_us(post, options),
        is_own=bool(author) and is_us(post.author_id, handle, options),
        raw=raw_text(raw),
    )


def is_us(number: str, handle: str, options: XOptions) -> bool:
    """Tells whether an account is ours, by its number or by its name."""
    if options.user_id and number == options.user_id:
        return True
    return bool(options.handle) and handle.casefold() == options.handle.casefold()


def _told_of_us(post: Post, options: XOptions) -> dict[str, str]:
    """Gives whether a post names or quotes us: only such a one may be answered by the API.

    Nothing is said where it cannot be known.
    """
    if options.kind == "mentions":
        return {"names_us": "yes"}
    if not options.user_id and not options.handle:
        return {}
    names = any(is_us(each.id, each.username, options) for each in post.named())
    if post.refers("quoted") and not names:
        links = post.entities.urls if post.entities else ()
        quoted = [found[1] for link in links if (found := _POST_ADDRESS.match(link.expanded_url))]
        if not quoted or not options.handle:
            return {}
        names = any(is_us("", handle, options) for handle in quoted)
    return {"names_us": "yes" if names else "no"}


def _counts(post: Post) -> dict[str, int]:
    given = post.public_metrics or {}
    return {
        ours: count
        for theirs, ours in _METRICS.items()
        if isinstance(count := given.get(theirs), int) and not isinstance(count, bool)
    }


def _language(said: str) -> str:
    return "" if _NO_LANGUAGE.fullmatch(said) else _RENAMED.get(said, said)
