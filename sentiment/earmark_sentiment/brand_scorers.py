"""The scorer of each brand: the product's, with what is in force of what was learned."""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from earmark_core.tables import BrandModel as BrandModelRow
from earmark_sentiment.brand_model import model_of
from earmark_sentiment.proposals import Learner
from earmark_sentiment.scorer import Scorer


class BrandScorers:
    """Gives scorers by brand; a scorer that cannot learn is the same for all of them."""

    def __init__(self, scorer: Scorer) -> None:
        self.shipped = scorer
        self._made: dict[str, Scorer] = {}

    def active(self, session: Session) -> Mapping[int, Scorer]:
        """Gives the scorers of the brands that have a model in force, read at this moment.

        A model that stands on other shipped weights than these is left out: its numbers would
        mean something else. The brand is scored as shipped until it is learned again.
        """
        if not isinstance(self.shipped, Learner):
            return {}
        rows = session.exec(
            select(BrandModelRow).where(
                col(BrandModelRow.state) == "active",
                col(BrandModelRow.base) == self.shipped.model_id,
            )
        ).all()
        found: dict[int, Scorer] = {}
        made: dict[str, Scorer] = {}
        for row in rows:
            model = model_of(row.name, row.weights)
            if model is None:
                continue
            scorer = self._made.get(row.name) or self.shipped.with_brand_model(model)
            found[row.brand_id] = made[row.name] = scorer
        self._made = made
        return found

    def of(self, session: Session, brand_id: int | None) -> Scorer:
        """Gives the scorer of one brand, the shipped one for none."""
        return self.active(session).get(brand_id or 0, self.shipped)

    def of_model(self, session: Session, model_id: str) -> Scorer | None:
        """Gives the scorer that made a score, if it can still be made: for its receipt.

        None for scores by other shipped weights, or by a version that is gone.
        """
        if model_id == self.shipped.model_id:
            return self.shipped
        if not isinstance(self.shipped, Learner):
            return None
        rows = session.exec(
            select(BrandModelRow).where(col(BrandModelRow.base) == self.shipped.model_id)
        ).all()
        for row in rows:
            if row.name in model_id and (model := model_of(row.name, row.weights)):
                scorer = self._made.get(row.name) or self.shipped.with_brand_model(model)
                if scorer.model_id == model_id:
                    return scorer
        return None
