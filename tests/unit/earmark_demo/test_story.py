"""The story: same seed, same story; a burst after the first poll; people answer answers."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.demo.counting import status_length
from earmark.demo.script import load_script
from earmark.demo.server import BRAND_TOKEN, Story, create_app
from earmark_core.clock import FixedClock

T = TypeVar("T")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
AUTH = {"authorization": f"Bearer {BRAND_TOKEN}"}
TAG = "/api/v1/timelines/tag/brightcup"


class Platform:
    """A platform in this process whose clock the test moves."""

    def __init__(self, story: Story | None = None, state: Path | None = None) -> None:
        self.clock = FixedClock(START)
        self.story = story or Story(seed=3)
        self.state = state
        self.start()

    def start(self) -> None:
        self.app = create_app(load_script(), self.clock, story=self.story, state=self.state)

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            return await client.request(method, path, headers=AUTH, **more)

    async def get(self, path: str, **params: Any) -> Any:
        response = await self.call("GET", path, params=params)
        return response.raise_for_status().json()

    def wait(self, seconds: float) -> None:
        self.clock.forward(timedelta(seconds=seconds))


def test_history_is_two_weeks_with_a_bad_day() -> None:
    world = Platform().app.state.seat.world
    posts = list(world.posts.values())
    assert 300 <= len(posts) <= 450
    assert all(post.at < START for post in posts)
    assert START - min(post.at for post in posts) > timedelta(days=13)
    per_day = [0] * 15
    for post in posts:
        per_day[(START.date() - post.at.date()).days] += 1
    assert per_day.index(max(per_day)) == 6
    assert {post.place for post in posts} == {"social", "news", "blog", "reviews", "hn"}
    assert {"de", "es", "fr"} <= {post.lang for post in posts}
    ids = [post.id for post in posts]
    assert ids == sorted(ids)


@pytest.mark.parametrize("hour", [0, 23])
def test_history_fills_at_any_hour(hour: int) -> None:
    clock = FixedClock(START.replace(hour=hour, minute=1))
    app = create_app(load_script(), clock)
    assert len(app.state.seat.world.posts) > 300


async def burst(platform: Platform) -> list[str]:
    newest = (await platform.get(TAG, limit=1))[0]["id"]
    platform.wait(19)
    page = await platform.get(TAG, min_id=newest, limit=40)
    notices = await platform.get("/api/v1/notifications", limit=80)
    heard = {s["id"] for s in page} | {
        n["status"]["id"] for n in notices if n["status"]["id"] > newest
    }
    return sorted(heard)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def test_posts_that_need_an_answer_arrive_after_the_first_poll() -> None:
    platform = Platform()
    platform.wait(300)
    assert len(run(burst(platform))) == 8
    few = Platform(Story(seed=3, burst=3))
    assert len(run(burst(few))) == 3


def test_nothing_lives_before_somebody_listens() -> None:
    async def tell() -> None:
        platform = Platform()
        await platform.get("/api/v2/instance")
        platform.wait(600)
        before = await platform.get("/_demo/state")
        assert before["awake_since"] is None
        await platform.get(TAG)
        platform.wait(120)
        after = await platform.get("/_demo/state")
        assert 8 + 6 <= after["posts"] - before["posts"] <= 8 + 24

    run(tell())


def test_an_hour_of_live_is_lively_and_a_night_asleep_is_not_made_up() -> None:
    async def tell() -> None:
        platform = Platform()
        await platform.get(TAG)
        for _ in range(60):
            platform.wait(60)
            await platform.get(TAG)
        world = platform.app.state.seat.world
        live = [post for post in world.posts.values() if post.at > START]
        assert 180 <= len(live) <= 400
        assert any(post.edited_at for post in live)
        assert any(post.is_gone for post in live)
        assert any(post.reply_to for post in live)
        platform.wait(10 * 3600)
        await platform.get(TAG)
        assert len(world.posts) - len(live) < 700

    run(tell())


async def answered(platform: Platform, text: str, kind: str, **more: Any) -> list[str]:
    """Lets somebody post, answers it, waits, and gives what was said under the answer."""
    made = await platform.call(
        "POST", "/_demo/posts", json={"text": "@brightcup hm", "kind": kind, **more}
    )
    post = made.json()["ids"][0]
    reply = await platform.call(
        "POST", "/api/v1/statuses", json={"status": text, "in_reply_to_id": post}
    )
    platform.wait(5.9)
    path = f"/api/v1/statuses/{reply.json()['id']}/context"
    assert (await platform.get(path))["descendants"] == []
    platform.wait(9.2)
    found = (await platform.get(path))["descendants"]
    return [status["content"] for status in found]


QUIET = Story(seed=3, history=False, live=False)


def test_people_react_to_an_answer_within_fifteen_seconds() -> None:
    platform = Platform(QUIET)
    said = run(answered(platform, "@mila_vorn sorry, on it", "complaint"))
    assert len(said) == 1
    notices = run(platform.get("/api/v1/notifications"))
    assert notices[0]["status"]["in_reply_to_id"] is not None


def test_a_german_answers_in_german() -> None:
    said = run(answered(Platform(QUIET), "@kai_muehle gern", "foreign", author="kai_muehle",
                        lang="de"))  # fmt: skip
    german = load_script().reactions["de"]
    texts = [text.removeprefix("@brightcup ") for mood in german.values() for text in mood]
    assert any(text in said[0].replace("&#x27;", "'") for text in texts)


def test_a_question_is_answered_and_faster_at_double_speed() -> None:
    async def tell() -> None:
        platform = Platform(Story(seed=3, history=False, live=False, speed=2))
        made = await platform.call("POST", "/_demo/posts", json={"text": "@brightcup it leaks"})
        post = made.json()["ids"][0]
        body = {"status": "@mila_vorn which one is it?", "in_reply_to_id": post}
        await platform.call("POST", "/api/v1/statuses", json=body)
        platform.wait(7.6)
        state = await platform.get("/_demo/state")
        assert state["kinds"]["reaction"] == 1

    run(tell())


def test_nobody_talks_for_ever() -> None:
    async def tell() -> None:
        platform = Platform(QUIET)
        made = await platform.call("POST", "/_demo/posts", json={"text": "@brightcup it leaks"})
        target = made.json()["ids"][0]
        for _ in range(8):
            body = {"status": "@mila_vorn please wait", "in_reply_to_id": target}
            await platform.call("POST", "/api/v1/statuses", json=body)
            platform.wait(16)
            notices = await platform.get("/api/v1/notifications", limit=1)
            target = notices[0]["status"]["id"]
        state = await platform.get("/_demo/state")
        under = platform.app.state.seat.world.script.reaction.most_in_a_thread
        assert state["kinds"]["reaction"] == under

    run(tell())


def told(seed: int, steps: list[int], state: Path | None = None, again: int = -1) -> list[str]:
    """Gives all that was said after these steps; *again* is the step at which it restarts."""

    async def tell() -> list[str]:
        platform = Platform(Story(seed=seed), state)
        for index, step in enumerate(steps):
            await platform.get(TAG)
            platform.wait(step)
            page = await platform.get(TAG, limit=1)
            if index % 2 and page:
                body = {"status": "@you sorry", "in_reply_to_id": page[0]["id"]}
                await platform.call("POST", "/api/v1/statuses", json=body)
            if index == again:
                platform.app.state.seat.keep()
                platform.start()
        world = platform.app.state.seat.world
        return [json.dumps([p.id, p.author, p.text, p.is_gone]) for p in world.posts.values()]

    return run(tell())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 90), min_size=2, max_size=5))
def test_same_seed_and_requests_same_story(seed: int, steps: list[int]) -> None:
    assert told(seed, steps) == told(seed, steps)


def test_another_seed_another_story() -> None:
    assert told(1, [30]) != told(2, [30])


@pytest.mark.parametrize("again", [0, 1, 3])
def test_a_restart_changes_nothing(tmp_path: Path, again: int) -> None:
    steps = [20, 40, 30, 50, 60]
    assert told(4, steps, tmp_path / "a.json", again=again) == told(4, steps)


def test_a_reply_survives_even_a_kill(tmp_path: Path) -> None:
    async def tell() -> None:
        platform = Platform(QUIET, tmp_path / "demo.json")
        made = await platform.call("POST", "/_demo/posts", json={"text": "@brightcup it leaks"})
        body = {"status": "@mila_vorn on it", "in_reply_to_id": made.json()["ids"][0]}
        reply = await platform.call("POST", "/api/v1/statuses", json=body)
        platform.start()
        platform.wait(15.1)
        path = f"/api/v1/statuses/{reply.json()['id']}/context"
        assert len((await platform.get(path))["descendants"]) == 1

    run(tell())


def test_an_unreadable_state_is_moved_aside_not_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "demo.json"
    for broken in ("{", "[]", '{"form": 99}', '{"form": 1}'):
        file.write_text(broken)
        platform = Platform(QUIET, file)
        assert (tmp_path / "demo.json.unreadable").read_text() == broken
        assert not platform.app.state.seat.world.posts
        assert "could not be read" in caplog.text
        caplog.clear()


def test_every_line_fits_into_a_post_and_every_slot_is_filled() -> None:
    script = load_script()
    assert len(script.people) >= 30
    lines = [line for group in script.lines.values() for line in group]
    assert len(lines) >= 150
    for line in lines:
        said = script.fill(line.text, Random(1))
        if line.place == "social" and line.kind != "long":
            assert status_length(said) <= 500, said
        if line.kind != "hostile":
            assert "{" not in said + script.fill(line.title, Random(1))
        assert line.author == "" or script.person(line.author)
    assert set(script.mix) <= set(script.lines)


def test_the_process_ends_on_sigterm_with_its_posts_kept(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "earmark.demo", "--port", str(port), "--state", str(file)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root) as process:
        try:
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}") as client:
                client.post("/_demo/posts", json={"text": "kept? #brightcup"}).raise_for_status()
                client.get(TAG).raise_for_status()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) in {0, -signal.SIGTERM}
    assert any(post["text"] == "kept? #brightcup" for post in json.loads(file.read_text())["posts"])
    assert json.loads(file.read_text())["awake_since"] is not None
