"""The two weeks before the start: enough to read trends from, with a bad day in the middle."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from earmark.demo.life import unsaid
from earmark.demo.script import Day, Line, Script
from earmark.demo.world import Post, World

# How much is said at each hour UTC, as weights.
_HOURS = (1, 1, 1, 1, 2, 4, 8, 12, 14, 12, 10, 9, 10, 9, 8, 8, 9, 11, 12, 12, 10, 7, 4, 2)
_ANSWERED = {"complaint", "plain_complaint", "question", "billing", "churn", "safety", "outage"}
_SHARE_ANSWERED = 0.14
_SHARE_PILED_ON = 0.7


def write_history(world: World, seed: int) -> None:
    """Fills an empty world with what was said before its start; same seed, same past."""
    rng = random.Random(f"{seed}/history")
    lines = [
        (at, line) for day in world.script.days for at, line in _day(world, day, seed, rng)
        if at < world.started_at
    ]  # fmt: skip
    waiting: list[tuple[datetime, str, str, Post]] = []
    recent: list[Post] = []
    for at, line in sorted(lines, key=lambda pair: pair[0]):
        waiting = _catch_up(world, waiting, at, rng)
        reply_to = recent[-1].id if line.kind == "pile_on" and recent else ""
        if rng.random() > _SHARE_PILED_ON:
            reply_to = ""
        post = world.add(
            line.place, world.script.speaker(line, rng).handle, world.script.fill(line.text, rng),
            at=at, kind=line.kind, title=world.script.fill(line.title, rng), lang=line.lang,
            rating=line.rating, reply_to=reply_to,
        )  # fmt: skip
        if post.kind in _ANSWERED:
            recent.append(post)
            if rng.random() < _SHARE_ANSWERED:
                later = at + timedelta(minutes=rng.uniform(8, 200))
                waiting.append((later, "answer", world.script.brand.handle, post))
    _catch_up(world, waiting, world.started_at, rng)
    world.changes += 1


def _day(world: World, day: Day, seed: int, rng: random.Random) -> Iterator[tuple[datetime, Line]]:
    midnight = world.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
    midnight -= timedelta(days=day.ago)
    mix = {kind: weight + day.extra.get(kind, 0) for kind, weight in world.script.mix.items()}
    for _ in range(day.posts):
        hour = rng.choices(range(24), weights=_HOURS)[0]
        yield midnight + _within(hour, 1, rng), unsaid(world, mix, rng, seed)
    if (wave := day.wave) is not None:
        for _ in range(wave.posts):
            at = midnight + _within(wave.start_hour, wave.end_hour - wave.start_hour, rng)
            yield at, unsaid(world, {wave.kind: 1.0}, rng, seed)


def _within(hour: int, hours: int, rng: random.Random) -> timedelta:
    return timedelta(hours=hour, milliseconds=rng.randrange(hours * 3_600_000))


def _catch_up(
    world: World,
    waiting: list[tuple[datetime, str, str, Post]],
    until: datetime,
    rng: random.Random,
) -> list[tuple[datetime, str, str, Post]]:
    """Writes the answers, and what people said to them, that fall before *until*."""
    while due := sorted((entry for entry in waiting if entry[0] < until), key=lambda e: e[0]):
        at, what, author, to = due[0]
        waiting = [entry for entry in waiting if entry is not due[0]]
        text = _said(world.script, what, to, rng)
        post = world.add("social", author, text, at=at, kind=what, lang=to.lang, reply_to=to.id)
        if what == "answer":
            later = at + timedelta(minutes=rng.uniform(3, 90))
            waiting.append((later, "reaction", to.author, post))
    return waiting


def _said(script: Script, what: str, to: Post, rng: random.Random) -> str:
    if what == "answer":
        return f"@{to.author} {rng.choice(script.reactions['brand']['said'])}"
    mood = rng.choices(("thanks", "followup", "angry"), weights=(6, 2, 2))[0]
    spoken = script.reactions.get(to.lang, script.reactions["en"])
    return script.fill(rng.choice(spoken[mood]), rng)
