"""The width of the door to judging and learning; see `contracts` for the rest.

Every call takes the actor first and checks the role itself.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Label
from earmark_sentiment.proposals import Effect
from earmark_sentiment.reports import AgreementReport, LearnStatus
from earmark_sentiment.sampling import Drawn
from earmark_sentiment.versions import ModelRow


class JudgingService(Protocol):
    """What a person says of mentions, one or up to 500; each call gives how many it changed."""

    def label(
        self, actor: Actor, mention_ids: Sequence[int], label: Label, *, from_sample: bool = False
    ) -> int:
        """Says what the tone is."""
        ...

    def relevance(
        self, actor: Actor, mention_ids: Sequence[int], brand_id: int, *, is_relevant: bool
    ) -> int:
        """Says whether they are about the brand."""
        ...

    def needs_answer(self, actor: Actor, mention_ids: Sequence[int], *, needs: bool) -> int:
        """Says whether somebody should answer."""
        ...

    def aspect(
        self,
        actor: Actor,
        mention_ids: Sequence[int],
        brand_id: int,
        area: str,
        topic: str,
        label: Label | None,
    ) -> int:
        """Says what they find of a topic of the brand; None: they do not speak of it."""
        ...

    def topics(self, actor: Actor, brand_id: int) -> Sequence[tuple[str, str]]:
        """Gives the brand's topics as (area, topic), in order."""
        ...


class LearningService(Protocol):
    """What was learned for a brand, and how right it is."""

    def status(self, actor: Actor, brand_id: int) -> LearnStatus:
        """Gives versions, corrections and what is missing."""
        ...

    def refit(self, actor: Actor, brand_id: int) -> ModelRow:
        """Learns from all corrections and proposes the result."""
        ...

    def accept(self, actor: Actor, brand_id: int, version: int | None = None) -> ModelRow:
        """Puts the proposed version in force."""
        ...

    def rollback(self, actor: Actor, brand_id: int, to: int | None = None) -> ModelRow | None:
        """Goes back to the version before, or to version *to*; 0 is what ships."""
        ...

    def proposals(self, actor: Actor, brand_id: int) -> Sequence[Effect]:
        """Gives words that would be better worth something else, measured."""
        ...

    def measure(self, actor: Actor, brand_id: int, word: str, after: float | None) -> Effect:
        """Gives what another value of any word would do; changes nothing."""
        ...

    def apply_change(
        self, actor: Actor, brand_id: int, word: str, after: float | None = 0.0
    ) -> Any:
        """Gives a word another value for this brand, by consent."""
        ...

    def undo_change(self, actor: Actor, change_id: int) -> Any:
        """Takes a change of a word back."""
        ...

    def agreement(self, actor: Actor, brand_id: int) -> AgreementReport:
        """Gives how often people and machine agree."""
        ...

    def sample(self, actor: Actor, brand_id: int, limit: int = 20) -> Sequence[Drawn]:
        """Gives mentions of the blind sample that wait for a label."""
        ...


class RescoresService(Protocol):
    """History scored again, by the worker."""

    def ask(self, actor: Actor, brand_id: int | None = None) -> int:
        """Puts a rescore in line and gives its job."""
        ...

    def latest(self, actor: Actor, brand_id: int | None = None) -> JobRow | None:
        """Gives the newest rescore of a brand."""
        ...

    def cancel(self, actor: Actor, job_id: int) -> bool:
        """Asks a rescore to stop."""
        ...
