"""Secrets, which stand in no file of ours: settings hold a reference to them.

`env:NAME` is a variable of the environment, `file:/path` a file that only its owner may read,
`keyring:SERVICE/NAME` a secret in the keyring of the system.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from earmark_config.keyrings import from_keyring, into_keyring
from earmark_core.errors import ConfigError

KINDS = ("env:", "file:", "keyring:")
_MOST_BYTES = 64 * 1024


def is_reference(value: str) -> bool:
    """Says whether a setting points to a secret, in place of holding it."""
    return value.startswith(KINDS)


def secret(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """Gives the secret that a reference points to; *environ* defaults to the process's own.

    White space around a secret in a file is dropped. A relative path is taken from the folder
    that earmark was started in.

    Raises:
        ConfigError: nothing is there, others may read it, or the keyring does not open. It names
            the reference only.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest:
        found = (os.environ if environ is None else environ).get(rest, "")
        if not found:
            raise ConfigError(
                "this variable is not set, or is empty",
                subject=reference,
                hint=f"Set it before the start: export {rest}=...",
            )
        return found
    if kind == "file" and rest:
        return _from_file(Path(rest).expanduser(), reference)
    if kind == "keyring" and rest:
        return from_keyring(rest, reference)
    # What was given may be the secret itself, so it is not repeated.
    raise ConfigError(
        "a secret is given by reference, never in clear",
        hint="Write env:NAME for a variable of the environment, file:/path for a file, or "
        "keyring:SERVICE/NAME for the keyring of the system.",
    )


def keep_secret(reference: str, value: str) -> bool:
    """Puts a new secret behind a reference; False where that cannot be done (`env:`).

    A file is replaced whole, so that whoever reads it finds the old secret or the new one, and
    only its owner may read it.

    Raises:
        ConfigError: the file or keyring cannot be written. It names the reference only.
    """
    kind, _, rest = reference.partition(":")
    if kind == "keyring" and rest:
        into_keyring(rest, value, reference)
        return True
    if kind != "file" or not rest:
        return False
    path = Path(rest).expanduser()
    try:
        path = path.resolve()
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:  # mkstemp made it 0600
                opened.write(f"{value}\n")
                opened.flush()
                os.fsync(opened.fileno())
            Path(fresh).replace(path)
        except OSError:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ConfigError(
            f"a new secret cannot be written there: {reason}",
            subject=reference,
            hint="Let earmark write to that folder: the platform replaces this secret.",
        ) from fault
    return True


def _from_file(path: Path, reference: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError("this is not a file", subject=reference)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                "others on this machine may read this file",
                subject=reference,
                hint=f"Run: chmod 600 {path}",
            )
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ConfigError(
            f"cannot be read: {reason}", subject=reference, hint="Check the path and its owner."
        ) from fault
    try:
        found = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ConfigError("this file is not text in UTF-8", subject=reference) from None
    if not found or len(content) > _MOST_BYTES:
        what = "is empty" if not found else "is too long for a secret"
        raise ConfigError(f"this file {what}", subject=reference)
    return found
