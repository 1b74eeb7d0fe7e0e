"""Learning from corrections, as pages and the terminal ask for it."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlmodel import Session

from earmark_core import audit
from earmark_core.access import require
from earmark_core.clock import Clock
from earmark_core.errors import EarmarkError
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import BrandModel
from earmark_sentiment import brand_model, sampling, versions, wording
from earmark_sentiment.brand_model import Example
from earmark_sentiment.examples import examples_of
from earmark_sentiment.head import BrandModel as Model
from earmark_sentiment.learn import Learned, Recipe, lacks, learn
from earmark_sentiment.proposals import Effect, Learner
from earmark_sentiment.reading import Said, said_of
from earmark_sentiment.reports import (
    CALIBRATED_FROM,
    AgreementReport,
    LearnStatus,
    next_step,
    report_of,
)
from earmark_sentiment.sampling import Drawn
from earmark_sentiment.versions import ModelRow
from earmark_sentiment.wording import WordRow


class Learning:
    """What was learned for a brand, and what might be; every change is audited.

    *seed* deals the folds: the same corrections give the same figures.
    """

    def __init__(self, store: Store, clock: Clock, scorer: Learner, *, seed: int = 0) -> None:
        self._store = store
        self._clock = clock
        self._scorer = scorer
        self._seed = seed
        self._kept: tuple[list[Said], Mapping[str, float], list[Example]] | None = None

    def status(self, actor: Actor, brand_id: int) -> LearnStatus:
        """Gives the versions, the corrections, and what is missing for more."""
        require(actor, Role.viewer, "see what was learned")
        with self._store.read() as session:
            rows = versions.all_of(session, brand_id)
            active = next((row for row in rows if row.state == "active"), None)
            proposed = next((row for row in rows if row.state == "proposed"), None)
            said = said_of(session, brand_id)
            changes = wording.rows(session, brand_id)
        examples = self._examples(said, self._model(active))
        last = max((row.last_correction_id for row in (active, proposed) if row), default=0)
        is_stale = active is not None and active.base != self._scorer.model_id
        return LearnStatus(
            brand_id=brand_id,
            base=self._scorer.model_id,
            corrections=len(said),
            usable=len(examples),
            new=sum(example.order > last for example in examples),
            words=next_step(examples),
            can_refit=not lacks(examples),
            active=versions.row_of(active) if active else None,
            proposed=versions.row_of(proposed) if proposed else None,
            versions=tuple(map(versions.row_of, rows)),
            changes=changes,
            queue_from=active.queue_from if active and not is_stale else None,
            is_calibrated=active is not None and not is_stale and active.n >= CALIBRATED_FROM,
            is_stale=is_stale,
        )

    def refit(self, actor: Actor, brand_id: int) -> ModelRow:
        """Learns from all corrections and proposes the result; nothing is in force yet.

        Raises:
            EarmarkError: there are too few corrections.
        """
        require(actor, Role.manager, "learn from corrections")
        with self._store.read() as session:
            active = versions.in_force(session, brand_id)
            said = said_of(session, brand_id)
        model = self._model(active)
        examples = self._examples(said, model)
        if missing := lacks(examples):
            raise EarmarkError(
                "There is nothing to learn yet.",
                subject=f"brand {brand_id}",
                hint=f"{missing} Correct labels in the inbox or in the blind sample.",
            )
        learned = learn(
            examples,
            _recipe(active, model),
            seed=self._seed,
            lexicon=model.lexicon if model else {},
        )
        return self._propose(actor, brand_id, learned, active.version if active else 0)

    def _propose(self, actor: Actor, brand_id: int, learned: Learned, against: int) -> ModelRow:
        threshold = learned.figures.threshold
        row = BrandModel(
            brand_id=brand_id,
            version=0,
            name=learned.model.name,
            kind=learned.kind,
            base=self._scorer.model_id,
            weights=brand_model.document(learned.model),
            figures={
                "after": asdict(learned.figures),
                "before": asdict(learned.before),
                "worse": list(learned.worse),
                "against": against,
            },
            n=learned.n,
            seed=self._seed,
            last_correction_id=learned.last,
            queue_from=threshold.p_neg if threshold and learned.n >= CALIBRATED_FROM else None,
            state="proposed",
            by=actor.name,
            created_at=self._clock(),
        )
        with self._store.write() as session:
            versions.lock(session, brand_id)
            versions.retire_proposed(session, brand_id)
            row.version = versions.next_version(session, brand_id)
            session.add(row)
            session.flush()
            audit.record(
                session,
                at=row.created_at,
                by=actor.name,
                action="refit",
                subject="brand",
                subject_id=brand_id,
                before={"model": against},
                after={"model": row.version, "n": row.n, "worse": list(learned.worse)},
            )
            return versions.row_of(row)

    def accept(self, actor: Actor, brand_id: int, version: int | None = None) -> ModelRow:
        """Puts the proposed version in force for what is scored from now on.

        Raises:
            EarmarkError: nothing is proposed, it would make figures worse, or it was measured
                against another version than the one in force.
        """
        require(actor, Role.manager, "accept a model")
        with self._store.write() as session:
            versions.lock(session, brand_id)
            row = _proposed(session, brand_id, version)
            active = versions.in_force(session, brand_id)
            self._check(row, active)
            versions.put_in_force(
                session,
                brand_id,
                row,
                scorer=self._scorer,
                by=actor.name,
                at=self._clock(),
                action="accept",
            )
            return versions.row_of(row)

    def _check(self, row: BrandModel, active: BrandModel | None) -> None:
        subject = f"version {row.version}"
        if row.figures["worse"]:
            raise EarmarkError(
                " ".join(row.figures["worse"]),
                subject=subject,
                hint="It is not accepted. More corrections may make a better one.",
            )
        in_force = active.version if active else 0
        if row.figures["against"] != in_force or row.base != self._scorer.model_id:
            raise EarmarkError(
                "It was measured against a model that is no longer in force.",
                subject=subject,
                hint="Refit and look at the figures again.",
            )

    def rollback(self, actor: Actor, brand_id: int, to: int | None = None) -> ModelRow | None:
        """Goes back to the version in force before, or to version *to*; 0 is what ships.

        Gives the version now in force, None for what ships.
        """
        require(actor, Role.manager, "roll a model back")
        with self._store.write() as session:
            versions.lock(session, brand_id)
            active = versions.in_force(session, brand_id)
            if to is None and active is None:
                raise EarmarkError(
                    "There is nothing to roll back.",
                    subject=f"brand {brand_id}",
                    hint="What ships is in force.",
                )
            if to is None:
                row = versions.before(session, active) if active else None
            else:
                row = versions.one_of(session, brand_id, to) if to else None
            if row is not None and (row.activated_at is None or row.base != self._scorer.model_id):
                raise EarmarkError(
                    "This version was never in force on the present weights.",
                    subject=f"version {row.version}",
                    hint="Only what was accepted before can be gone back to.",
                )
            versions.put_in_force(
                session,
                brand_id,
                row,
                scorer=self._scorer,
                by=actor.name,
                at=self._clock(),
                action="rollback",
            )
            return versions.row_of(row) if row else None

    def proposals(self, actor: Actor, brand_id: int) -> tuple[Effect, ...]:
        """Gives words better worth something else for this brand, measured; changes nothing."""
        require(actor, Role.viewer, "see what was learned")
        return wording.propose(self._store, self._scorer, brand_id)

    def measure(self, actor: Actor, brand_id: int, word: str, after: float | None) -> Effect:
        """Gives what another value of any word would do; changes nothing."""
        require(actor, Role.viewer, "see what was learned")
        return wording.measure(self._store, self._scorer, brand_id, word, after)

    def apply_change(
        self, actor: Actor, brand_id: int, word: str, after: float | None = 0.0
    ) -> WordRow:
        """Gives a word another value for this brand, by consent; None gives it the lexicon's."""
        require(actor, Role.manager, "change what a word weighs")
        return wording.apply(self._store, self._scorer, actor, brand_id, word, after, self._clock())

    def undo_change(self, actor: Actor, change_id: int) -> WordRow:
        """Takes a change of a word back; scores are then what they were, to the byte."""
        require(actor, Role.manager, "change what a word weighs")
        return wording.undo(self._store, self._scorer, actor, change_id, self._clock())

    def agreement(self, actor: Actor, brand_id: int) -> AgreementReport:
        """Gives how often people and machine agree on the brand's mentions, with n."""
        require(actor, Role.viewer, "see how right the scores are")
        with self._store.read() as session:
            said = said_of(session, brand_id)
        return report_of(said)

    def sample(self, actor: Actor, brand_id: int, limit: int = 20) -> tuple[Drawn, ...]:
        """Gives mentions of the blind sample that wait for a label, without the machine's."""
        require(actor, Role.responder, "label the blind sample")
        with self._store.read() as session:
            return sampling.draw(session, brand_id, limit)

    def _model(self, row: BrandModel | None) -> Model | None:
        return versions.model_in_force(row, self._scorer.model_id)

    def _examples(self, said: list[Said], model: Model | None) -> list[Example]:
        """Gives the examples; they are kept until something is said, as each has to be scored."""
        lexicon = model.lexicon if model else {}
        if self._kept is None or self._kept[:2] != (said, lexicon):
            self._kept = said, lexicon, examples_of(self._scorer, said, lexicon)
        return self._kept[2]


def _recipe(active: BrandModel | None, model: Model | None) -> Recipe:
    """Gives how the model in force was made; one that is not used is as good as none."""
    if active is None or model is None or active.kind == "shipped":
        return Recipe()
    return Recipe(
        "stacked" if active.kind == "stacked" else "calibrated", active.last_correction_id
    )


def _proposed(session: Session, brand_id: int, version: int | None) -> BrandModel:
    if version is not None:
        row: BrandModel | None = versions.one_of(session, brand_id, version)
    else:
        rows = versions.all_of(session, brand_id)
        row = next((each for each in rows if each.state == "proposed"), None)
    if row is None or row.state != "proposed":
        raise EarmarkError("Nothing is proposed.", subject=f"brand {brand_id}", hint="Refit first.")
    return row
