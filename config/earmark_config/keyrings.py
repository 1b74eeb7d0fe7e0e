"""Secrets in the keyring of the system (`keyring:SERVICE/NAME`), by the library of that name.

It is an extra, because it is of use on a desktop: a server without a session mostly has no keyring.
"""

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from earmark_core.errors import ConfigError

_OTHERS = "On a server use env:NAME or file:/path instead."

_Given = TypeVar("_Given")


def from_keyring(rest: str, reference: str) -> str:
    """Gives the secret of `SERVICE/NAME`.

    Raises:
        ConfigError: nothing is there, or there is no keyring. It names the reference only.
    """
    service, name = _place(rest, reference)
    library = _library(reference)
    found = _asked(library, lambda: library.get_password(service, name), reference)
    if not found:
        raise ConfigError(
            "the keyring holds no such secret",
            subject=reference,
            hint=f"Put it there: keyring set {service} {name}",
        )
    return str(found)


def into_keyring(rest: str, value: str, reference: str) -> None:
    """Puts a secret there, and reads it again: some keyrings take anything and keep nothing.

    Raises:
        ConfigError: it is not there afterwards. It names the reference only.
    """
    service, name = _place(rest, reference)
    library = _library(reference)
    _asked(library, lambda: library.set_password(service, name, value), reference)
    if _asked(library, lambda: library.get_password(service, name), reference) != value:
        raise ConfigError("the keyring did not keep a new secret", subject=reference, hint=_OTHERS)


def _place(rest: str, reference: str) -> tuple[str, str]:
    service, _, name = rest.partition("/")
    if not service or not name:
        raise ConfigError(
            "this names no secret in a keyring",
            subject=reference,
            hint="It is keyring:SERVICE/NAME, as in `keyring set SERVICE NAME`.",
        )
    return service, name


def _library(reference: str) -> ModuleType:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConfigError(
            "the package that opens the keyring is not installed",
            subject=reference,
            hint=f"Install it: pip install 'earmark[keyring]'. {_OTHERS}",
        ) from None
    return keyring


def _asked(library: ModuleType, ask: Callable[[], _Given], reference: str) -> _Given:
    try:
        return ask()
    except library.errors.NoKeyringError:
        words, hint = "this machine has no keyring", _OTHERS
    except library.errors.KeyringLocked:
        words, hint = "the keyring is locked", f"Unlock it: log in to the desktop once. {_OTHERS}"
    except (library.errors.KeyringError, OSError, RuntimeError) as fault:
        # What a backend says may hold the secret, so only the kind of fault is named.
        words, hint = f"the keyring did not answer ({type(fault).__name__})", _OTHERS
    raise ConfigError(words, subject=reference, hint=hint)
