"""The dashboard's process: builds the services and hands them to the pages."""

import os
import signal
import threading
from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import col, select

from earmark.app import Parts, rules_of
from earmark.brands import Brands
from earmark.entering import Entering
from earmark.hooks import Hooks
from earmark.matching import load_watch
from earmark.monitors import Monitors
from earmark.people import local_actor
from earmark.reception import Reception
from earmark.sourcing import SourceSetup
from earmark.worker import heartbeat_age
from earmark_core.access import may, require
from earmark_core.errors import ConfigError
from earmark_core.model import Actor, Receipt, Role
from earmark_core.tables import Case, Mention, Policy
from earmark_dashboard.server import serve
from earmark_dashboard.services import Services
from earmark_sentiment.learning import Learning
from earmark_sentiment.reading import text_of

_LOOK_SECONDS = 2.0


def services(parts: Parts) -> Services:
    """Gives what the pages may call."""
    me = local_actor(parts.store, parts.clock, parts.settings.person)
    taking = Hooks(parts)

    def actor_for(_cookies: Mapping[str, str]) -> Actor:
        return me

    def heartbeat() -> timedelta | None:
        return heartbeat_age(parts)

    return Services(
        cases=parts.cases,
        replies=parts.replies,
        views=parts.views,
        trends=parts.trends,
        sources=parts.sources,
        brands=Brands(parts),
        judging=parts.judging,
        rescores=parts.rescores,
        clock=parts.clock,
        rules_of=rules_of,
        actor_for=actor_for,
        explain=lambda actor, mention_id: explain(parts, actor, mention_id),
        worker_heartbeat=heartbeat,
        needs_approval=lambda actor, case_id: needs_approval(parts, actor, case_id),
        learning=learning(parts),
        backfills=parts.backfills,
        setup=SourceSetup(parts),
        monitors=Monitors(parts.store, parts.clock),
        keeping=parts.keeping,
        entering=Entering(parts),
        deliver=taking.deliver,
        handshake=taking.handshake,
    )


def learning(parts: Parts) -> Learning | None:
    """Gives what learns, None where the scorer in use cannot."""
    try:
        return parts.learning
    except ConfigError:
        return None


def explain(parts: Parts, actor: Actor, mention_id: int) -> Receipt | None:
    """Gives the receipt of a mention's score, None where it has none.

    It is worked out anew by the model that made it, which gives the same sum unless the brands'
    names have changed since; then there is none, rather than one that does not add up to what is
    shown.
    """
    require(actor, Role.viewer, "see why")
    names = load_watch(parts.store).names
    with parts.store.read() as session:
        mention = session.get(Mention, mention_id)
        if mention is None or mention.compound is None:
            return None
        text, shown = text_of(mention, names), mention.compound
        scorer = parts.scorers.of_model(session, mention.model_id)
    receipt = scorer.explain(text) if scorer else None
    return receipt if receipt and receipt.compound == shown else None


def needs_approval(parts: Parts, actor: Actor, case_id: int) -> bool:
    """Tells whether a reply of this actor to this case waits for an approver."""
    if may(actor, Role.approver):
        return False
    with parts.store.read() as session:
        query = (
            select(Policy.needs_approval)
            .join(Case, col(Case.brand_id) == col(Policy.brand_id))
            .where(col(Case.id) == case_id)
        )
        return bool(session.exec(query).first())


def dashboard(parts: Parts, *, parent: int = 0) -> None:
    """Serves the pages until the process is told to stop, or whoever started it is gone."""
    if parent:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    reception = Reception(parts.store, parts.clock)
    reception.start()
    serve(services(parts), parts.settings.host, parts.settings.port)
    reception.end()
    parts.store.close()


def _end_with(parent: int) -> None:
    """Ends this process when the supervisor is gone, killed without a word or not."""
    while os.getppid() == parent:
        threading.Event().wait(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
