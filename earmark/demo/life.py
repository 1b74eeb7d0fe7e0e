"""What the invented people do: the first burst, the daily trickle, and how they take an answer.

Nothing here remembers: each choice is drawn from the seed and a counter of the world, so that the
same seed and the same requests give the same story, also across a restart.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from earmark.demo.script import Line, Script
from earmark.demo.world import Post, World

CATCH_UP = timedelta(minutes=5)
OLDEST_TO_PILE_ON = timedelta(hours=6)
_GLAD = {"praise", "joke", "chatter", "cheers"}


def unsaid(world: World, mix: Mapping[str, float], rng: random.Random, seed: int) -> Line:
    """Draws a kind by *mix* and its next line: nothing is said twice before all was said once."""
    kind = rng.choices(list(mix), weights=list(mix.values()))[0]
    lines = list(world.script.lines[kind])
    turn, place = divmod(world.count(f"said {kind}"), len(lines))
    random.Random(f"{seed}/order/{kind}/{turn}").shuffle(lines)
    return lines[place]


class People:
    """Lives the story of a script; *speed* 2 halves every wait.

    *burst* posts that need an answer arrive between `burst_after` and about 18 seconds after the
    first listener came. With *live* false nobody says anything by himself, but people still react
    to the brand's answers.
    """

    def __init__(
        self,
        script: Script,
        seed: int,
        *,
        speed: float = 1.0,
        burst: int = 8,
        burst_after: float = 8.0,
        live: bool = True,
    ) -> None:
        self.script = script
        self.seed = seed
        self.speed = speed
        self.burst = burst
        self.burst_after = burst_after
        self.live = live

    def rng(self, *about: object) -> random.Random:
        """Gives the dice for one choice."""
        return random.Random("/".join(map(str, (self.seed, *about))))

    def wait(self, span: tuple[float, float], rng: random.Random) -> float:
        """Draws a wait in seconds."""
        return rng.uniform(*span) / self.speed

    def awake(self, world: World, now: datetime) -> None:
        """Begins the live part, once: the first burst is timed from the first listener."""
        if world.awake_since is not None:
            return
        world.awake_since = now
        world.changes += 1
        if not self.live:
            return
        lines, rng = self.script.lines["burst"], self.rng("burst")
        for index in range(self.burst):
            wait = (self.burst_after + index * 1.25 + rng.uniform(0, 0.5)) / self.speed
            self._plan_line(world, lines[index % len(lines)], wait, now, rng)
        world.next_live = now + timedelta(seconds=(self.burst_after + 12) / self.speed)

    def before(self, world: World, now: datetime) -> None:
        """Plans the live posts due until *now*; after a long sleep five minutes are made up."""
        if world.next_live is None or not self.live:
            return
        world.next_live = max(world.next_live, now - CATCH_UP / self.speed)
        while world.next_live <= now:
            number = world.count("live")
            rng = self.rng("live", number)
            self._plan_live(world, rng)
            world.next_live += timedelta(seconds=self.wait(self.script.gap(number), rng))

    def after_post(self, world: World, post: Post) -> None:
        """Plans second thoughts of people, and their reactions to an answer of the brand."""
        if post.author == self.script.brand.handle:
            self._react(world, post)
        elif self.live and post.place == "social" and post.kind not in {"reaction", "burst"}:
            rng, whims = self.rng("whim", world.count("whim")), self.script.whims
            chance, wait = rng.random(), self.wait(whims.seconds, rng)
            if chance < whims.deletes:
                world.plan(wait, "delete", post_id=post.id)
            elif chance < whims.deletes + whims.edits:
                said = rng.choice(self.script.reactions["en"]["second_thought"])
                world.plan(wait, "edit", post_id=post.id, text=said)

    def _plan_live(self, world: World, rng: random.Random) -> None:
        line = unsaid(world, self.script.mix, rng, self.seed)
        reply_to = ""
        if line.kind == "pile_on":
            open_to = [
                p.id for p in world.standing("social")
                if p.kind in {"complaint", "plain_complaint", "burst", "outage"}
                and world.now - p.at < OLDEST_TO_PILE_ON
            ]  # fmt: skip
            reply_to = rng.choice(open_to[:10]) if open_to else ""
        self._plan_line(world, line, 0, world.next_live or world.now, rng, reply_to)

    def _plan_line(
        self, world: World, line: Line, wait: float, start: datetime, rng: random.Random,
        reply_to: str = "",
    ) -> None:  # fmt: skip
        world.plan(
            wait, "post", start=start, author=self.script.speaker(line, rng).handle,
            text=self.script.fill(line.text, rng), title=self.script.fill(line.title, rng),
            place=line.place, kind=line.kind, lang=line.lang, rating=line.rating, post_id=reply_to,
        )  # fmt: skip

    def _react(self, world: World, answer: Post) -> None:
        answered = world.get(answer.reply_to)
        if answered is None or answered.author == answer.author:
            return
        person = self.script.person(answered.author)
        brand_said = [
            p for p in world.posts.values()
            if p.root == answer.root and p.author == answer.author and not p.is_gone
        ]  # fmt: skip
        chances = self.script.reaction
        if person is None or len(brand_said) > chances.most_in_a_thread:
            return
        rng = self.rng("reaction", world.count("reaction"))
        mood = self._mood(answered, answer, person.temper, len(brand_said), rng)
        spoken = self.script.reactions.get(answered.lang, {})
        texts = spoken.get(mood) or self.script.reactions["en"][mood]
        wait = self.wait(chances.seconds, rng)
        world.plan(
            wait, "post", author=person.handle, text=self.script.fill(rng.choice(texts), rng),
            kind="reaction", lang=answered.lang, post_id=answer.id,
        )  # fmt: skip
        if mood == "thanks":
            self._afterwards(world, answered, wait, rng)

    def _mood(
        self, answered: Post, answer: Post, temper: str, round_: int, rng: random.Random
    ) -> str:
        if answered.kind in _GLAD:
            return "cheers"
        if "?" in answer.text and round_ == 1:
            return "answers"
        weights = dict(self.script.tempers[temper])
        weights["thanks"] += 4 * (round_ - 1)
        return rng.choices(list(weights), weights=list(weights.values()))[0]

    def _afterwards(self, world: World, answered: Post, wait: float, rng: random.Random) -> None:
        """Some who are content change what they wrote first."""
        chances, roll = self.script.reaction, rng.random()
        later = wait + self.wait(chances.seconds, rng)
        if roll < chances.deletes:
            world.plan(later, "delete", post_id=answered.root)
        elif roll < chances.deletes + chances.edits:
            said = rng.choice(self.script.reactions["en"]["edit"])
            world.plan(later, "edit", post_id=answered.root, text=said)
