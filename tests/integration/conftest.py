"""Servers by others, and a wire tap before them."""

from collections.abc import Callable, Iterator

import pytest

from tests.peers.mastodon_mock import MastodonMock, mastodon_mock
from tests.peers.wire_tap import WireTap, wire_tap


@pytest.fixture(scope="session")
def mastodon_server(
    tmp_path_factory: pytest.TempPathFactory, need: Callable[[str, str], None]
) -> Iterator[MastodonMock]:
    """A Mastodon server by somebody else; it takes seconds to start."""
    with mastodon_mock(tmp_path_factory.mktemp("mastodon"), need) as server:
        yield server


@pytest.fixture
def mastodon(mastodon_server: MastodonMock) -> MastodonMock:
    """That server with nothing posted and nothing broken."""
    mastodon_server.reset()
    return mastodon_server


@pytest.fixture
def tap(mastodon: MastodonMock) -> Iterator[WireTap]:
    """The wire to that server."""
    with wire_tap(mastodon.port) as wire:
        yield wire
