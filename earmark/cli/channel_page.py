"""The page about all channels, written from what each says of itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from earmark_listeners.contract import ChannelOptions, Listener

_HEAD = """# Channels

What earmark can listen to. `earmark channels` prints this list, `earmark channels --json` for a
program; a channel found in an installed package is in it too. A source is made of a channel and
its options. Secrets are given by reference: `env:NAME`, `file:/path` or `keyring:SERVICE/NAME`
([configuration.md](configuration.md#settings)). How to add a channel:
[writing-a-channel.md](writing-a-channel.md).
"""

_EARLIER = {
    True: "fetched on demand with `earmark sources backfill`, as far back as the platform gives it",
    False: "not given; `earmark import` takes it in from a file",
}


def page(channels: Mapping[str, type[Listener[Any]]]) -> str:
    """Gives docs/channels.md."""
    return "\n".join([_HEAD, *("\n".join(_section(*each)) for each in channels.items())])


def _section(name: str, kind: type[Listener[Any]]) -> Iterator[str]:
    yield f"## {name}\n\n{kind.summary}.\n"
    yield f"- Hears: {', '.join(kind.collects)}; stands on: {kind.stability}."
    if kind.cannot:
        yield f"- Cannot hear: {kind.cannot}."
    yield f"- Needs: {kind.needs}."
    yield f"- What was said earlier: {_EARLIER[kind.can_backfill]}."
    if kind.off_by_default:
        yield "- A new source of it is paused until somebody resumes it."
    yield f"- Replies: {_replies(kind)}"
    if kind.rules.longest_kept_days is not None:
        yield f"- Kept for {kind.rules.longest_kept_days} days at most: its terms allow no longer."
    if kind.rules.note:
        yield f"- {kind.rules.note[:1].upper()}{kind.rules.note[1:].rstrip('.')}."
    yield "\n| option | meaning | default |\n|---|---|---|"
    yield from _options(kind.options_type)
    yield ""


def _replies(kind: type[Listener[Any]]) -> str:
    rules = kind.rules
    if not rules.can_reply:
        return "by hand: copy, open, confirm."
    parts = ["yes"]
    if rules.max_length is not None:
        parts.append(f"up to {rules.max_length} {rules.counted_in}")
    if rules.max_bytes is not None:
        parts.append(f"at most {rules.max_bytes} bytes")
    if rules.one_reply_per_item:
        parts.append("one for each item")
    if rules.reply_window is not None:
        parts.append(f"within {rules.reply_window.days} days")
    return ", ".join([*parts, *filter(None, [rules.quota])]) + "."


def _options(options: type[ChannelOptions]) -> Iterator[str]:
    for key, field in options.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "needed" if field.is_required() else ""
        else:
            shown = f"`{default}`" if default not in ("", None, (), []) else ""
        yield f"| `{key}` | {field.description or ''} | {shown} |".replace("|  |", "| |")
