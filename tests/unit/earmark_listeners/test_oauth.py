"""Tokens are asked for once at a time, renewed in time, and never lost when they rotate."""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from earmark_config.references import keep_secret, secret
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Fault, Interrupted, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_listeners.api import Api
from earmark_listeners.contract import Wiring
from earmark_listeners.oauth import (
    FixedToken,
    RenewedToken,
    TokenEndpoint,
    client_credentials,
    refresh_token,
)
from earmark_listeners.signing import self_signed, service_account

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Server:
    """A token endpoint that rotates, and an API that wants the newest token."""

    def __init__(self):
        self.clock = FixedClock(NOW)
        self.refresh = "refresh-0"
        self.grants = []
        self.good = ""
        self.calls = []
        self.rotates = True
        self.answer = None
        self.kept = {"file:r": "refresh-0", "env:R": "refresh-0"}
        self.memory = {}
        self.use_count = 0

    def __call__(self, request):
        if request.url.path != "/token":
            self.calls.append(request.headers.get("authorization", ""))
            is_good = self.calls[-1] == f"Bearer {self.good}"
            return httpx.Response(200 if is_good else 401, json={"n": len(self.calls)})
        form = {key: value[0] for key, value in parse_qs(request.content.decode()).items()}
        self.grants.append(form | {"auth": request.headers.get("authorization", "")})
        if self.answer is not None:
            return self.answer
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.good = f"access-{len(self.grants)}"
        said = {"access_token": self.good, "expires_in": 3600}
        if self.rotates and form["grant_type"] == "refresh_token":
            self.refresh = said["refresh_token"] = f"refresh-{len(self.grants)}"
        return httpx.Response(200, json=said)

    def keep(self, reference, value):
        if reference.startswith("env:"):
            return False
        self.kept[reference] = value
        return True

    def run(self, act, secret=None, keep=None):
        async def go():
            transport = httpx.MockTransport(self)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=self.clock)
            wiring = Wiring(fetch, self.clock, secret or self.kept.__getitem__,
                            keep or self.keep, self.memory)  # fmt: skip
            async with fetch:
                return await act(wiring)

        return asyncio.run(go())


@pytest.fixture
def server():
    return Server()


def renewed(wiring, reference="file:r"):
    endpoint = TokenEndpoint(wiring, "https://api.example/token", "example", ("id", "s3cret-key"))
    return RenewedToken(wiring, "example", refresh_token(endpoint, reference))


def test_many_at_once_ask_once(server):
    async def act(wiring):
        tokens = renewed(wiring)
        return await asyncio.gather(*(tokens.token() for _ in range(8)))

    assert server.run(act) == ["access-1"] * 8
    assert len(server.grants) == 1
    assert server.grants[0]["auth"].startswith("Basic ")


def test_a_token_outlives_the_listener_and_is_renewed_a_minute_early(server):
    async def act(wiring):
        return await renewed(wiring).token()

    assert server.run(act) == "access-1"
    server.clock.forward(timedelta(seconds=3539))
    assert server.run(act) == "access-1"
    server.clock.forward(timedelta(seconds=1))
    assert server.run(act) == "access-2"


def test_a_rotated_refresh_token_is_kept_before_it_is_needed(server):
    async def act(wiring):
        return await renewed(wiring).token()

    server.run(act)
    assert server.kept["file:r"] == "refresh-1"
    server.memory.clear()  # the process ended
    assert server.run(act) == "access-2"


def test_one_that_cannot_be_kept_lasts_as_long_as_the_process_and_the_log_says_so(server, caplog):
    async def act(wiring):
        return await renewed(wiring, "env:R").token()

    with caplog.at_level(logging.WARNING):
        server.run(act)
    assert "cannot be kept" in caplog.text
    assert "refresh-1" not in caplog.text
    server.clock.forward(timedelta(hours=2))
    assert server.run(act) == "access-2"
    server.memory.clear()
    with pytest.raises(Rejected, match="file:/path") as caught:
        server.run(act)
    assert caught.value.fault is Fault.auth
    assert "refresh-0" not in str(caught.value)


def test_a_refused_token_is_renewed_once_and_then_a_person_is_told(server):
    async def act(wiring):
        api = Api(wiring.fetch, "https://api.example", tokens=renewed(wiring))
        first = await api.get("/x")
        server.good = "nobody has it"
        server.answer = None
        second = await api.call("GET", "/x")
        return first, second.status

    first, second = server.run(act)
    assert first == {"n": 1}
    assert second == 200
    assert len(server.grants) == 2


def test_a_token_that_is_refused_again_ends_it(server):
    async def act(wiring):
        api = Api(wiring.fetch, "https://api.example", tokens=FixedToken("made by hand"))
        await api.get("/x")

    with pytest.raises(Rejected) as caught:
        server.run(act)
    assert caught.value.fault is Fault.auth
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(503), Unavailable),
        (httpx.Response(429, headers={"retry-after": "9"}), Unavailable),
        (httpx.Response(200, json={}), Malformed),
        (httpx.Response(200, json={"error": "invalid_grant"}), Rejected),
        (httpx.Response(400, json={"error": "invalid_grant"}), Rejected),
        (httpx.Response(401), Rejected),
    ],
)
def test_what_the_endpoint_says_is_told_by_kind(server, answer, kind):
    server.answer = answer

    async def act(wiring):
        endpoint = TokenEndpoint(wiring, "https://api.example/token", "example")
        await RenewedToken(wiring, "example", client_credentials(endpoint)).token()

    with pytest.raises(kind) as caught:
        server.run(act)
    assert not isinstance(caught.value, Interrupted)


def test_the_endpoint_is_asked_in_our_own_name_and_its_words_are_told(server):
    seen = []

    def answer(request):
        seen.append(request.headers["user-agent"])
        return httpx.Response(200, json={"error": "unauthorized_client", "error_description": "No"})

    async def act(wiring):
        fetch = make_fetcher(user_agent="x", transport=httpx.MockTransport(answer))
        own = replace(wiring, fetch=fetch)
        headers = {"User-Agent": "ours"}
        endpoint = TokenEndpoint(own, "https://api.example/token", "example", headers=headers)
        await client_credentials(endpoint)(None)

    with pytest.raises(Rejected, match="It says: No"):
        server.run(act)
    assert seen == ["ours"]


def test_app_store_tokens_are_signed_and_short(server):
    key = ec.generate_private_key(ec.SECP256R1())

    def claims(issued, expires):
        return {"iss": "team", "iat": issued, "exp": expires, "aud": "appstoreconnect-v1"}

    async def act(wiring):
        grant = self_signed(wiring, claims, reference="file:k", algorithm="ES256", key_id="K1")
        return await RenewedToken(wiring, "apple", grant).token()

    token = server.run(act, secret=lambda _: key.private_bytes(*PEM).decode())
    assert jwt.get_unverified_header(token)["kid"] == "K1"
    said = jwt.decode(token, key.public_key(), ["ES256"], audience="appstoreconnect-v1",
                      options={"verify_exp": False, "verify_iat": False})  # fmt: skip
    assert said["exp"] - said["iat"] == 900


def test_a_service_account_asks_with_a_signed_claim(server):
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    account = {"client_email": "a@b.example", "private_key_id": "1",
               "private_key": key.private_bytes(*PEM).decode(),
               "token_uri": "https://api.example/token"}  # fmt: skip

    async def act(wiring):
        grant = service_account(wiring, "file:a", "https://scope.example", "google")
        return await RenewedToken(wiring, "google", grant).token()

    assert server.run(act, secret=lambda _: json.dumps(account)) == "access-1"
    assert server.grants[0]["grant_type"].endswith("jwt-bearer")
    for broken in ("", "{}", "[]", json.dumps(account | {"private_key": "no key"})):
        server.memory.clear()
        with pytest.raises(ConfigError) as caught:
            server.run(act, secret=lambda _, text=broken: text)
        assert "file:a" in str(caught.value)


def test_a_secret_in_a_file_is_replaced_whole_and_stays_ours(tmp_path):
    path = tmp_path / "refresh"
    path.write_text("old\n")
    path.chmod(0o600)
    assert keep_secret(f"file:{path}", "new")
    assert secret(f"file:{path}") == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["refresh"]
    assert keep_secret("env:NAME", "new") is False
    with pytest.raises(ConfigError) as caught:
        keep_secret(f"file:{tmp_path / 'missing' / 'x'}", "s3cret")
    assert "s3cret" not in str(caught.value)
