"""Secrets in the keyring of the system, by the library's own interface."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import KeyringLocked, PasswordSetError

from earmark_config.references import is_reference, keep_secret, secret
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import TokenEndpoint, refresh_token
from earmark_listeners.registry import channel, checked_options


class InMemory(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1.0  # type: ignore[assignment]  # the library declares a property

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


class Locked(InMemory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("5ecret")


class Full(InMemory):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(password)


@pytest.fixture
def ring() -> Iterator[Callable[[KeyringBackend], KeyringBackend]]:
    """Puts a keyring in place of the system's; the one before comes back."""
    before = keyring.get_keyring()

    def use(backend: KeyringBackend) -> KeyringBackend:
        keyring.set_keyring(backend)
        return backend

    yield use
    keyring.set_keyring(before)


def test_a_secret_is_read_by_service_and_name(ring) -> None:
    ring(InMemory())
    keyring.set_password("earmark", "mastodon", "t0ken")
    keyring.set_password("earmark", "shop/hook", "whsec")
    assert is_reference("keyring:earmark/mastodon")
    assert secret("keyring:earmark/mastodon") == "t0ken"
    assert secret("keyring:earmark/shop/hook") == "whsec"


def test_a_new_secret_is_put_there(ring) -> None:
    ring(InMemory())
    assert keep_secret("keyring:earmark/refresh", "first")
    assert keep_secret("keyring:earmark/refresh", "second")
    assert secret("keyring:earmark/refresh") == "second"
    assert keyring.get_password("earmark", "refresh") == "second"


def test_what_is_not_there_is_named_with_the_way_to_put_it_there(ring) -> None:
    ring(InMemory())
    with pytest.raises(ConfigError, match="no such secret") as raised:
        secret("keyring:earmark/none")
    assert raised.value.subject == "keyring:earmark/none"
    assert raised.value.hint == "Put it there: keyring set earmark none"


@pytest.mark.parametrize("reference", ["keyring:earmark", "keyring:earmark/", "keyring:/name"])
def test_half_a_name_is_refused(ring, reference: str) -> None:
    ring(InMemory())
    for act in (lambda: secret(reference), lambda: keep_secret(reference, "5ecret")):
        with pytest.raises(ConfigError, match="keyring:SERVICE/NAME") as raised:
            act()
        assert "5ecret" not in str(raised.value)


@pytest.mark.parametrize(
    ("backend", "words"),
    [(fail.Keyring, "has no keyring"), (Locked, "is locked")],
    ids=["server", "locked"],
)
def test_a_keyring_that_does_not_open_is_told_with_the_other_ways(ring, backend, words) -> None:
    ring(backend())
    with pytest.raises(ConfigError, match=words) as raised:
        secret("keyring:earmark/mastodon")
    assert "env:NAME or file:/path" in raised.value.hint
    assert "5ecret" not in str(raised.value)


@pytest.mark.parametrize(
    "backend", [fail.Keyring, null.Keyring, Full], ids=lambda one: one.__module__
)
def test_a_secret_that_was_not_kept_is_never_taken_for_kept(ring, backend) -> None:
    """The null backend takes all and keeps nothing: the next start would have no token."""
    ring(backend())
    with pytest.raises(ConfigError) as raised:
        keep_secret("keyring:earmark/refresh", "5ecret")
    assert "env:NAME or file:/path" in raised.value.hint
    assert "5ecret" not in str(raised.value)


def test_a_refresh_token_that_the_platform_replaces_outlives_the_process(ring) -> None:
    """Each run has a memory of its own, as a process has; only the last token is good."""
    ring(InMemory())
    keyring.set_password("earmark", "refresh", "refresh-0")
    good, used = ["refresh-0"], []

    def platform(request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        used.append(form["refresh_token"][0])
        if used[-1] != good[-1]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        good.append(f"refresh-{len(used)}")
        said = {"access_token": "a", "expires_in": 3600, "refresh_token": good[-1]}
        return httpx.Response(200, json=said)

    async def renew() -> None:
        clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
        transport = httpx.MockTransport(platform)
        async with make_fetcher(user_agent="tests", transport=transport, clock=clock) as fetch:
            wiring = Wiring(fetch, clock, secret, keep_secret)
            endpoint = TokenEndpoint(wiring, "https://api.example/token", "example", ("id", "s"))
            assert await refresh_token(endpoint, "keyring:earmark/refresh")(None)

    for _ in range(3):
        asyncio.run(renew())
    assert used == ["refresh-0", "refresh-1", "refresh-2"]
    assert keyring.get_password("earmark", "refresh") == "refresh-3"


def test_an_option_may_name_the_keyring() -> None:
    kind = channel("mastodon")
    options = {"base_url": "https://a.example", "kind": "notifications", "token": "keyring:a/b"}
    assert checked_options(kind, options).token == "keyring:a/b"  # type: ignore[attr-defined]  # this channel's own
    feed = checked_options(channel("feed"), {"url": "keyring:earmark/feed"})
    assert feed.url == "keyring:earmark/feed"  # type: ignore[attr-defined]  # this channel's own


def test_without_the_extra_it_says_what_to_install() -> None:
    """In a process of its own, where the library is as good as not there."""
    script = (
        "import sys; sys.modules['keyring'] = None\n"
        "from earmark_config.references import secret\n"
        "from earmark_core.errors import ConfigError\n"
        "try: secret('keyring:earmark/mastodon')\n"
        "except ConfigError as error: print(error.message, '|', error.hint)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "is not installed" in told
    assert "pip install 'earmark[keyring]'" in told
    assert "env:NAME or file:/path" in told


def test_the_library_is_not_even_read_for_other_references() -> None:
    script = (
        "import sys\nfrom earmark_config.references import secret\n"
        "assert secret('env:X', {'X': 'y'}) == 'y'\nassert 'keyring' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
