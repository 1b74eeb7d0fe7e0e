"""Beginning and ending to listen to a brand, as the pages and the terminal ask for it."""

from collections.abc import Sequence

from sqlmodel import col, select

from earmark.app import Parts, check_source
from earmark_config import seeds
from earmark_config.presets import Elsewhere
from earmark_config.seeds import Change, Seed
from earmark_core.access import require
from earmark_core.model import Actor, Role
from earmark_core.tables import Brand
from earmark_dashboard.services import BrandRow, Proposal
from earmark_listeners import monitor
from earmark_listeners.asking import paused_because

_TOPICS = "What a mention finds of each is told apart; a seed file changes them."


class Brands:
    """Which brands are listened for, and how one begins."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def list(self, actor: Actor) -> Sequence[BrandRow]:
        """Gives the brands: own ones first, then the demo's, competitors last."""
        require(actor, Role.viewer, "see brands")
        with self._parts.store.read() as session:
            brands = session.exec(
                select(Brand).order_by(
                    col(Brand.is_competitor), col(Brand.is_demo), col(Brand.name)
                )
            ).all()
            return [BrandRow(b.id or 0, b.name, b.is_competitor, b.is_demo) for b in brands]

    def preview(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> Sequence[Proposal]:
        """Gives what listening to the brand would set up; saves nothing."""
        require(actor, Role.manager, "set up a brand")
        proposals: list[Proposal] = []
        for brand in _checked(seeds.suggest(name, aliases, exclude, elsewhere=elsewhere)).brands:
            for wanted in brand.monitors:
                words = monitor.explain(monitor.parse(wanted.query))
                proposals.append(Proposal("monitor", wanted.name, wanted.query, words))
            for source in brand.sources:
                shown = ", ".join(f"{key} {value}" for key, value in source.options.items())
                proposals.append(Proposal(source.channel, source.name, shown, source.covers))
            shown = ", ".join(f"{topic.area} > {topic.name}" for topic in brand.topics)
            proposals.append(Proposal("topics", "Topics", shown, _TOPICS))
        return proposals

    def listen(
        self,
        actor: Actor,
        name: str,
        aliases: Sequence[str],
        exclude: Sequence[str],
        elsewhere: Elsewhere | None = None,
    ) -> Sequence[Change]:
        """Saves what `preview` shows; doing it twice changes nothing."""
        require(actor, Role.manager, "set up a brand")
        seed = _checked(seeds.suggest(name, aliases, exclude, elsewhere=elsewhere))
        store, clock = self._parts.store, self._parts.clock
        return seeds.apply(store, seed, clock, actor, pauses=paused_because)

    def remove_demo(self, actor: Actor) -> object:
        """Removes the demo brands with all that was heard about them; gives the counts."""
        require(actor, Role.manager, "remove the demo")
        return seeds.remove_demo(self._parts.store, actor, self._parts.clock)

    def has_demo(self) -> bool:
        """Tells whether the demo is still here."""
        with self._parts.store.read() as session:
            found = session.exec(select(Brand.id).where(col(Brand.is_demo)).limit(1)).first()
            return found is not None


def _checked(seed: Seed) -> Seed:
    """Has what a seed asks for looked at by the channels and the query language."""
    for brand in seed.brands:
        for wanted in brand.monitors:
            monitor.parse(wanted.query)
        for source in brand.sources:
            check_source(source.channel, source.options)
    return seed
