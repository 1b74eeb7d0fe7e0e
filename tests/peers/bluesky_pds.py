"""The Bluesky PDS that Bluesky itself publishes, as a process of its own.

It holds accounts, sessions and records. Search, notifications and everything else that looks
across accounts is the AppView's, which cannot be had: asked for it, the PDS answers 502.

The first install takes minutes, for a part of it is compiled. It is kept for later runs in the
folder that EARMARK_PEERS names, else in the user's cache; `python -m tests.peers.bluesky_pds`
does it beforehand.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.peers.mastodon_mock import free_port

PACKAGES = ("@atproto/pds@0.4.217", "@did-plc/server@0.0.1")
POSTS = "app.bsky.feed.post"
START_SECONDS = 90.0
INSTALL_SECONDS = 1_200.0
TOOLS = ("node", "npm", "make", "g++")
_SCRIPT = Path(__file__).with_suffix(".cjs")
_COMPILED = Path("node_modules/better-sqlite3/build/Release/better_sqlite3.node")


@dataclass(frozen=True)
class Account:
    """An account on the server; `password` is an app password."""

    did: str
    handle: str
    password: str
    token: str


@dataclass
class BlueskyPds:
    """The server as a person with an app would use it."""

    port: int
    jwt_secret: str
    http: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def allow(self) -> tuple[str, str]:
        """Where earmark goes: to the address it is given, and to the one the PDS names itself."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    def call(self, method: str, name: str, token: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.http.request(method, f"/xrpc/{name}", headers=headers, **more)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def account(self, name: str) -> Account:
        """Makes an account of a name that was not used before."""
        handle = f"{name}-{secrets.token_hex(4)}.test"
        asked = {"handle": handle, "email": f"{handle}@mail.test", "password": "main-" + handle}
        made = self.call("POST", "com.atproto.server.createAccount", json=asked)
        token = made["accessJwt"]
        key = {"name": "earmark"}
        app = self.call("POST", "com.atproto.server.createAppPassword", token, json=key)
        return Account(made["did"], handle, app["password"], token)

    def post(self, account: Account, text: str, **more: Any) -> dict[str, str]:
        """Posts; gives `uri` and `cid`."""
        record = {"$type": POSTS, "text": text, "createdAt": "2026-03-02T08:00:00.000Z", **more}
        body = {"repo": account.did, "collection": POSTS, "record": record}
        posted = self.call("POST", "com.atproto.repo.createRecord", account.token, json=body)
        return {"uri": posted["uri"], "cid": posted["cid"]}

    def delete(self, account: Account, uri: str) -> None:
        """Deletes a post of the account's."""
        place = {"repo": account.did, "collection": POSTS, "rkey": uri.rpartition("/")[2]}
        self.call("POST", "com.atproto.repo.deleteRecord", account.token, json=place)

    def posts_of(self, account: Account) -> list[dict[str, Any]]:
        """Gives what the account's repository holds in posts, the newest first."""
        params = {"repo": account.did, "collection": POSTS, "limit": "100"}
        found: list[dict[str, Any]] = self.call(
            "GET", "com.atproto.repo.listRecords", params=params
        )["records"]
        return found

    def expired(self, token: str) -> str:
        """Gives a token of this server that ran out an hour ago."""
        claims = jwt.decode(token, options={"verify_signature": False})
        claims |= {"iat": int(time.time()) - 7_200, "exp": int(time.time()) - 3_600}
        head = {"typ": jwt.get_unverified_header(token)["typ"]}
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256", headers=head)


@contextmanager
def bluesky_pds(folder: Path, need: Callable[[str, str], None]) -> Iterator[BlueskyPds]:
    """Runs a fresh server without accounts, and ends it by its own process id."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            need(tool, "apt-get install nodejs npm make g++")
    modules = install()
    for attempt in range(3):  # somebody else may take the port before the server does
        port, jwt_secret = free_port(), secrets.token_hex(32)
        data = folder / f"pds-{attempt}"
        data.mkdir()
        with (folder / "pds.log").open("wb") as log:
            told = {"MODULES": str(modules), "FOLDER": str(data), "JWT_SECRET": jwt_secret,
                    "PORT": str(port), "DIRECTORY_PORT": str(free_port())}  # fmt: skip
            server = subprocess.Popen(
                ["node", str(_SCRIPT)], stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "LOG_ENABLED": "false", **told},
            )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                if _is_ready(server, http):
                    yield BlueskyPds(port, jwt_secret, http)
                    return
        finally:
            _stop(server)
        assert attempt < 2, (folder / "pds.log").read_text()


def install() -> Path:
    """Gives the folder in which the server is installed, made whole or not at all."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    peers = Path(os.environ.get("EARMARK_PEERS") or Path(cache) / "earmark-peers")
    name = "-".join(each.rpartition("/")[2].replace("@", "-") for each in PACKAGES)
    folder = peers / f"bluesky-{name}"
    if folder.is_dir():
        return folder
    peers.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="bluesky-", dir=peers))
    try:
        _npm(draft, "install", "--no-audit", "--no-fund", "--no-package-lock", *PACKAGES)
        if not (draft / _COMPILED).exists():  # an npm that runs no scripts of packages unasked
            _npm(draft, "rebuild", "--ignore-scripts=false", "better-sqlite3")
        assert (draft / _COMPILED).exists(), "better-sqlite3 was not compiled"
        with contextlib.suppress(OSError):  # another run was first
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _npm(folder: Path, *command: str) -> None:
    """Runs npm as the machine has it set up; the headers to compile with are the machine's own."""
    has_headers = Path("/usr/include/node/node.h").exists()
    more = {"npm_config_nodedir": "/usr"} if has_headers else {}
    (folder / "package.json").write_text('{"private": true}')
    done = subprocess.run(
        ["npm", *command], cwd=folder, env={**os.environ, **more}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"npm {command[0]} failed: {done.stderr[-3_000:]}"


def _is_ready(server: subprocess.Popen[bytes], http: httpx.Client) -> bool:
    """Waits until the server answers; False if it ended instead."""
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = http.get("/xrpc/com.atproto.server.describeServer")
            if answer.is_success and ".test" in answer.json()["availableUserDomains"]:
                return True
        time.sleep(0.1)  # another process is waited for: nothing tells when it listens
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    install()
