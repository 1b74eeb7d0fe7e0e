"""Posts and people in the shapes of Mastodon 4's JSON."""

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from earmark.demo.counting import LINK_LENGTH
from earmark.demo.markup import as_html, mentioned, tagged
from earmark.demo.script import Person
from earmark.demo.world import Notice, Post, World

MAX_CHARACTERS = 500
# Names a post for ever, whatever port the demo got: `.invalid` can belong to nobody.
_LASTING = "https://demo.invalid"


def stamp(moment: datetime) -> str:
    """Gives a time as Mastodon writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account_id(handle: str) -> str:
    """Gives the lasting id of an account, 18 digits."""
    return str(109_000_000_000_000_000 + crc32(handle.encode()))


def account(person: Person, home: str) -> dict[str, Any]:
    """Gives an Account."""
    picture = f"{home}/picture.svg"
    return {
        "id": account_id(person.handle), "username": person.handle, "acct": person.handle,
        "display_name": person.name, "locked": False, "bot": person.is_bot, "discoverable": True,
        "indexable": True, "group": False, "created_at": "2024-01-01T00:00:00.000Z",
        "note": as_html(person.note, home), "url": f"{home}/@{person.handle}",
        "uri": f"{_LASTING}/users/{person.handle}", "avatar": picture, "avatar_static": picture,
        "header": picture, "header_static": picture, "followers_count": person.followers,
        "following_count": 0, "statuses_count": 0, "last_status_at": None,
        "noindex": False, "emojis": [], "roles": [], "fields": [],
    }  # fmt: skip


def uri_of(post: Post) -> str:
    """Gives the name of a post that is the same on every server and in every run."""
    return f"{_LASTING}/users/{post.author}/statuses/{post.id}"


def url_of(post: Post, home: str) -> str:
    """Gives the address of a post's page."""
    return f"{home}/@{post.author}/{post.id}"


def status(world: World, post: Post, home: str) -> dict[str, Any]:
    """Gives a Status."""
    parent = world.posts.get(post.reply_to)
    known = [p for h in mentioned(post.text) if (p := world.script.person(h))]
    author = world.script.person(post.author) or Person(post.author, post.author)
    return {
        "id": post.id, "created_at": stamp(post.at), "in_reply_to_id": post.reply_to or None,
        "in_reply_to_account_id": account_id(parent.author) if parent else None,
        "sensitive": False, "spoiler_text": post.spoiler, "visibility": post.visibility,
        "language": post.lang or None, "uri": uri_of(post), "url": url_of(post, home),
        "replies_count": sum(p.reply_to == post.id for p in world.posts.values()),
        "reblogs_count": 0, "favourites_count": 0, "quotes_count": 0,
        "edited_at": stamp(post.edited_at) if post.edited_at else None,
        "favourited": False, "reblogged": False, "muted": False, "bookmarked": False,
        "content": as_html(post.text, home), "filtered": [], "reblog": None,
        "account": account(author, home), "media_attachments": [],
        "mentions": [
            {"id": account_id(p.handle), "username": p.handle, "url": f"{home}/@{p.handle}",
             "acct": p.handle} for p in known
        ],
        "tags": [{"name": tag, "url": f"{home}/tags/{tag}"} for tag in tagged(post.text)],
        "emojis": [], "quote": None, "card": None, "poll": None,
    }  # fmt: skip


def notification(world: World, notice: Notice, home: str) -> dict[str, Any]:
    """Gives a Notification of type mention."""
    shown = status(world, world.posts[notice.post_id], home)
    return {
        "id": notice.id, "type": "mention", "created_at": shown["created_at"],
        "group_key": f"ungrouped-{notice.id}", "account": shown["account"], "status": shown,
    }  # fmt: skip


def history(world: World, post: Post, home: str) -> list[dict[str, Any]]:
    """Gives the StatusEdits of a post, oldest first."""
    now = status(world, post, home)
    said = [*post.revisions, (post.edited_at or post.at, post.text)]
    return [
        {"content": as_html(text, home), "spoiler_text": post.spoiler, "sensitive": False,
         "created_at": stamp(at), "account": now["account"], "media_attachments": [], "emojis": []}
        for at, text in said
    ]  # fmt: skip


def instance(home: str, *, version: int) -> dict[str, Any]:
    """Gives what a client asks for first: who this is and what it permits."""
    domain = home.split("://", 1)[-1]
    shared = {
        "title": "earmark demo platform", "version": "4.6.0 (compatible; earmark demo)",
        "description": "Invented people, invented brand.", "languages": ["en"], "rules": [],
        "configuration": {
            "statuses": {
                "max_characters": MAX_CHARACTERS, "max_media_attachments": 0,
                "characters_reserved_per_url": LINK_LENGTH,
            },
            "timelines_access": {"hashtag_feeds": {"local": "public", "remote": "public"}},
        },
    }  # fmt: skip
    if version == 1:
        return {"uri": domain, "short_description": "", "email": "", "urls": {}, "stats": {},
                "registrations": False, **shared}  # fmt: skip
    users = {"users": {"active_month": 0}}
    return {"domain": domain, "source_url": "", "usage": users,
            "registrations": {"enabled": False}, "api_versions": {"mastodon": 6},
            **shared}  # fmt: skip
