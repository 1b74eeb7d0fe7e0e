"""The composition root: builds every part once and hands it to who needs it.

Nothing imports this room but the worker, the dashboard's process and the terminal.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlmodel import col, select

from earmark.pipeline import Pipeline
from earmark_config.references import keep_secret, secret
from earmark_config.settings import Settings
from earmark_core.budgets import Budgets
from earmark_core.clock import Clock, system_clock
from earmark_core.errors import ConfigError
from earmark_core.fetch import Fetcher, make_fetcher
from earmark_core.redact import register_secret
from earmark_core.store import Store, open_store
from earmark_core.tables import Source
from earmark_listeners import registry
from earmark_listeners.backfills import Backfills
from earmark_listeners.contract import ChannelRules, Listener, Responder, Wiring
from earmark_listeners.health import Sources
from earmark_listeners.purges import Purges
from earmark_listeners.retention import Keeping
from earmark_queue.cases import Cases
from earmark_queue.judging import Judging
from earmark_queue.outbox import Outbox
from earmark_queue.replies import Replies
from earmark_queue.views import Views
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.learning import Learning
from earmark_sentiment.plugins import chosen_scorer
from earmark_sentiment.proposals import Learner
from earmark_sentiment.rescores import Rescores
from earmark_sentiment.scorer import Scorer
from earmark_sentiment.trends import Trends


@dataclass(frozen=True)
class Parts:
    """All that works in one process; `secrets` stand in for the environment where given.

    `fetcher` is the process's door to the network. It belongs to the event loop that first goes
    through it; who runs a loop of their own opens another with `dial`.
    """

    settings: Settings
    store: Store
    clock: Clock
    rng: random.Random
    dial: Callable[[], Fetcher]
    fetcher: Fetcher
    scorers: BrandScorers
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False)
    budgets: Budgets = field(default_factory=Budgets, repr=False)

    def build(self, channel: str, options: Mapping[str, Any]) -> Listener[Any]:
        """Gives a listener that is ready to poll.

        Raises:
            ConfigError: the channel or an option is wrong, or a secret is missing.
        """
        wiring = Wiring(
            fetch=self.fetcher,
            clock=self.clock,
            secret=self.secret,
            keep=keep_secret,
            memory=self.memory,
            budgets=self.budgets,
        )
        return registry.build(channel, dict(options), wiring)

    def secret(self, reference: str) -> str:
        """Gives the secret behind a reference."""
        name = reference.removeprefix("env:")
        if reference.startswith("env:") and name in self.secrets:
            found = self.secrets[name]
        else:
            found = secret(reference)
        register_secret(found)  # from here on the log knows what it must not show
        return found

    def responder_for(self, source_id: int) -> Responder | None:
        """Gives who can answer what this source found: itself, or a sister with an account."""
        with self.store.read() as session:
            source = session.get(Source, source_id)
            if source is None:
                return None
            sisters = session.exec(
                select(Source)
                .where(
                    col(Source.brand_id) == source.brand_id,
                    col(Source.channel) == source.channel,
                    col(Source.is_enabled),
                    col(Source.id) != source_id,
                )
                .order_by(col(Source.takes_all).desc(), col(Source.id))
            ).all()
            candidates = [(s.channel, dict(s.options)) for s in (source, *sisters)]
        for channel, options in candidates:
            try:
                found = registry.responder(self.build(channel, options))
            except ConfigError:
                continue  # shown on the Sources page; another source may do
            if found is not None:
                return found
        return None

    @property
    def scorer(self) -> Scorer:
        """Gives the scorer as it ships, without what any brand has learned."""
        return self.scorers.shipped

    @property
    def cases(self) -> Cases:
        """Gives the service that changes cases."""
        return Cases(self.store, self.clock)

    @property
    def judging(self) -> Judging:
        """Gives the service that corrects mentions, one or many."""
        return Judging(self.store, self.clock)

    @property
    def replies(self) -> Replies:
        """Gives the service that sends replies on their way."""
        return Replies(self.store, self.clock, rules_of)

    @property
    def outbox(self) -> Outbox:
        """Gives what delivers approved replies."""
        return Outbox(self.store, self.clock, self.responder_for, self.rng)

    @property
    def views(self) -> Views:
        """Gives the read models of the inbox."""
        return Views(self.store, self.clock)

    @property
    def trends(self) -> Trends:
        """Gives figures over time."""
        return Trends(self.store, self.clock)

    @property
    def learning(self) -> Learning:
        """Gives what learns from corrections.

        Raises:
            ConfigError: the scorer in use was brought by somebody else and cannot learn.
        """
        scorer = self.scorers.shipped
        if not isinstance(scorer, Learner):
            raise ConfigError(
                "The scorer in use cannot learn.",
                subject=scorer.model_id,
                hint="An installed package brought it; earmark's own do: set sentiment.scorer to "
                '"head" or "embed".',
            )
        return Learning(self.store, self.clock, scorer)

    @property
    def rescores(self) -> Rescores:
        """Gives what asks for history to be scored again."""
        return Rescores(self.store, self.clock)

    @property
    def backfills(self) -> Backfills:
        """Gives what asks for the history of a source."""
        return Backfills(self.store, self.clock)

    @property
    def keeping(self) -> Keeping:
        """Gives how long sources are kept."""
        return Keeping(self.store, self.clock, self.settings.retention)

    @property
    def purges(self) -> Purges:
        """Gives what asks for what is due to be removed."""
        return Purges(self.store, self.clock)

    @property
    def sources(self) -> Sources:
        """Gives the health of the sources."""
        return Sources(self.store, self.clock)

    def pipeline(self) -> Pipeline:
        """Gives the way of a mention; one per process."""
        return Pipeline(
            store=self.store,
            clock=self.clock,
            rng=self.rng,
            build=self.build,
            scorers=self.scorers,
            cases=self.cases,
        )

    async def aclose(self) -> None:
        """Closes the door to the network and the database."""
        await self.fetcher.aclose()
        self.store.close()


def rules_of(channel: str) -> ChannelRules:
    """Gives what a channel permits; a channel that is no longer installed permits nothing."""
    try:
        return registry.channel(channel).rules
    except ConfigError:
        return ChannelRules(note="This channel is not installed.")


def may_be_looked_at(channel: str) -> bool:
    """Tells whether what a channel brought may be read again: it can be, and costs no money."""
    try:
        found = registry.channel(channel)
    except ConfigError:
        return False
    return found.rules.can_reply and not found.off_by_default


def check_source(channel: str, options: Mapping[str, Any]) -> None:
    """Raises `ConfigError` where a source's channel or options are wrong; builds nothing."""
    registry.checked_options(registry.channel(channel), options)


def assemble(
    settings: Settings,
    *,
    create: bool = False,
    clock: Clock = system_clock,
    rng: random.Random | None = None,
    allow: Iterable[str] = (),
    secrets: Mapping[str, str] | None = None,
) -> Parts:
    """Opens the store and builds the parts.

    *allow* are `host:port` pairs beside those of the settings: the demo's own address.

    Raises:
        StoreUnusable: the database cannot be used; nothing was built.
        ConfigError: the scorer of the settings is not there, or a package of it is missing.
    """
    scorer = chosen_scorer(settings.sentiment.scorer)
    store = open_store(settings.database_url, create=create)
    budgets = Budgets(store)
    dial = partial(
        make_fetcher,
        budgets=budgets,
        user_agent=settings.user_agent,
        clock=clock,
        allow=(*settings.allow, *allow),
        deadline_seconds=settings.limits.request_seconds,
        max_bytes=settings.limits.response_bytes,
    )
    return Parts(
        settings=settings,
        store=store,
        clock=clock,
        rng=rng or random.Random(),
        dial=dial,
        fetcher=dial(),
        scorers=BrandScorers(scorer),
        secrets=dict(secrets or {}),
        budgets=budgets,
    )
