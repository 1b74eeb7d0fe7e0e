"""The scorer of each brand: the product's, with what is in force of what was learned."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from sqlmodel import Session, col, select

from earmark_core.tables import BrandModel as BrandModelRow
from earmark_sentiment.brand_model import model_of
from earmark_sentiment.head import BrandModel
from earmark_sentiment.scorer import Scorer


@runtime_checkable
class Teachable(Protocol):
    """A scorer that can be given what was learned for a brand."""

    def with_brand_model(self, brand: BrandModel | None) -> Scorer:
        """Gives a scorer with the model of a brand."""
        ...


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
        if not isinstance(self.shipped, Teachable):
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
