"""Which channels there are, found by looking; and a listener built from a source's options."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from earmark_config.references import is_reference
from earmark_core.errors import ConfigError
from earmark_listeners import channels as rooms
from earmark_listeners.contract import ChannelOptions, Listener, Responder, Wiring

GROUP = "earmark.channels"
AnyListener = Listener[Any]


@cache
def channels() -> Mapping[str, type[AnyListener]]:
    """Gives every channel by its name, in the order of the names.

    Ours are found in `earmark_listeners.channels`, those of others by the entry points of the
    group `earmark.channels`. Looked for once per process; `channels.cache_clear()` looks again.

    Raises:
        ConfigError: an installed extra channel cannot be loaded, or two have the same name.
    """
    found: dict[str, type[AnyListener]] = {}
    for listener in (*_ours(), *_others()):
        name = listener.channel
        if found.setdefault(name, listener) is not listener:
            raise ConfigError(
                f"Two channels are called {name!r}.",
                hint=f"Remove one of {found[name].__module__} and {listener.__module__}.",
                subject="channels",
            )
    return MappingProxyType(dict(sorted(found.items())))


def channel(name: str) -> type[AnyListener]:
    """Gives the channel of that name; `ConfigError` names those that exist."""
    found = channels()
    if name in found:
        return found[name]
    near = get_close_matches(name, found, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"There is no channel {name!r}.",
        hint=f"{meant}There are: {', '.join(found)}.",
        subject="channel",
    )


def build(name: str, options: Mapping[str, Any], wiring: Wiring) -> AnyListener:
    """Gives a listener of channel *name*, ready to poll.

    Raises:
        ConfigError: no such channel; an option is unknown, missing or wrong (each is named, with
            what would be right, and no value is repeated); a secret cannot be found.
    """
    listener = channel(name)
    return listener(checked_options(listener, options), wiring)


def checked_options(listener: type[AnyListener], options: Mapping[str, Any]) -> ChannelOptions:
    """Gives the options as the channel takes them; raises `ConfigError` as `build` does."""
    kind = listener.options_type
    _refuse_bare_secrets(listener, options)
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        faults = [_in_words(fault, kind) for fault in error.errors(include_input=False)]
        raise ConfigError(
            "; ".join(faults) + ".",
            hint=f"The options of {listener.channel} are: {', '.join(kind.model_fields)}.",
            subject=f"options of a {listener.channel} source",
        ) from None


def responder(listener: AnyListener) -> Responder | None:
    """Gives the same listener as one that answers, or None where it cannot.

    A channel may answer in general while this source may not (no access token): it says so by
    an attribute `can_answer`.
    """
    if not listener.rules.can_reply or not getattr(listener, "can_answer", True):
        return None
    return listener if isinstance(listener, Responder) else None


def _ours() -> Iterator[type[AnyListener]]:
    for module in pkgutil.iter_modules(rooms.__path__, f"{rooms.__name__}."):
        yield from _listeners_of(importlib.import_module(module.name))


def _listeners_of(module: ModuleType) -> Iterator[type[AnyListener]]:
    for value in vars(module).values():
        if not (isinstance(value, type) and issubclass(value, Listener)):
            continue
        is_of_it = f"{value.__module__}.".startswith(f"{module.__name__}.")
        if is_of_it and hasattr(value, "channel"):
            yield value


def _others() -> Iterator[type[AnyListener]]:
    for point in entry_points(group=GROUP):
        yield _loaded(point)


def _loaded(point: EntryPoint) -> type[AnyListener]:
    try:
        value = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The channel cannot be loaded from {point.value}: {error}.",
            hint="Repair or uninstall the package that brings it.",
            subject=f"channel {point.name}",
        ) from error
    if isinstance(value, type) and issubclass(value, Listener) and hasattr(value, "channel"):
        return value
    raise ConfigError(
        f"{point.value} is not a Listener with a channel name.",
        hint="The entry point names a class derived from earmark_listeners.contract.Listener.",
        subject=f"channel {point.name}",
    )


def _refuse_bare_secrets(listener: type[AnyListener], options: Mapping[str, Any]) -> None:
    for key, field in listener.options_type.model_fields.items():
        extra = field.json_schema_extra
        is_secret = isinstance(extra, dict) and extra.get("secret") is True
        value = options.get(key)
        if is_secret and value and not is_reference(str(value)):
            raise ConfigError(
                f"{key} holds something that is not a reference to a secret.",
                hint="Write env:NAME, file:/path or keyring:SERVICE/NAME; the secret itself is "
                "never kept.",
                subject=f"options of a {listener.channel} source",
            )


def _in_words(fault: ErrorDetails, kind: type[ChannelOptions]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(key, kind.model_fields, n=1)
        return f"{key} is not known" + (f", did you mean {near[0]}?" if near else "")
    if fault["type"] == "missing":
        meaning = kind.model_fields[key].description if key in kind.model_fields else None
        return f"{key} is missing" + (f" ({meaning})" if meaning else "")
    message = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{key}: {message}" if key else message
