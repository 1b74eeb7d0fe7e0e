"""A team brings a scorer of its own: whole, for one language, or an encoder under our head."""

import sys
from pathlib import Path

import pytest

from earmark_core.errors import ConfigError
from earmark_core.model import Label, ScoreStatus, Text
from earmark_sentiment.brand_scorers import BrandScorers
from earmark_sentiment.embed import EmbedScorer
from earmark_sentiment.plugins import chosen_scorer
from earmark_sentiment.scorer import HeadScorer, Scorer

GERMAN = "Die Lieferung kommt seit drei Wochen nicht an"

MODULE = """
import numpy as np

from earmark_core.model import Label, Receipt, Score, ScoreStatus
from earmark_sentiment.embed import EmbedScorer, Stack
from earmark_sentiment.head import Calibration, shipped


class Gloomy:
    def __init__(self, model_id="gloomy-1"):
        self.model_id = model_id

    def score_batch(self, texts):
        one = Score(
            ScoreStatus.scored, Label.negative, p_neg=1.0, p_neu=0.0, p_pos=0.0,
            model_id=self.model_id,
        )
        return [one for _ in texts]

    def explain(self, text):
        return Receipt(text.text, (), 0.0, 0.0)


def german():
    return Gloomy("gloomy-de-1")


class Shouts:
    name = "shouts"

    def encode(self, texts):
        return np.array([[text.count("!")] for text in texts], dtype=np.float32)


def loud():
    stack = Stack(
        "acme", "shouts", shipped().model_id, Calibration(), Calibration(),
        np.array([[2.0], [0.0]]),
    )
    return EmbedScorer(encoder=Shouts(), stack=stack)


def broken():
    return object()


NOT_CALLABLE = 3
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs packages as an installer leaves them: a module and the entry points beside it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "gloomy_tone.py").write_text(MODULE, encoding="utf-8")

    def brings(name: str = "gloomy", **points: str) -> None:
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{key} = gloomy_tone:{value}" for key, value in points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[earmark.scorers]", *lines]))

    yield brings
    sys.modules.pop("gloomy_tone", None)


def test_without_a_package_it_is_our_own_head():
    assert type(chosen_scorer()) is type(chosen_scorer("head")) is HeadScorer


def test_a_whole_scorer_takes_the_place_of_ours_as_the_default(install):
    install(default="Gloomy")
    scorer = chosen_scorer()
    assert isinstance(scorer, Scorer)
    (score,) = scorer.score_batch([Text("What a lovely day")])
    assert (score.label, score.model_id) == (Label.negative, "gloomy-1")
    assert type(chosen_scorer("head")) is HeadScorer


def test_a_scorer_is_chosen_by_name(install):
    install(acme_tone="Gloomy")
    assert type(chosen_scorer()) is HeadScorer
    assert chosen_scorer("acme_tone").model_id == "gloomy-1"


def test_a_scorer_for_one_language_stands_beside_ours(install):
    install(de="german", acme_tone="Gloomy")
    scorer = chosen_scorer()
    german, english, french = scorer.score_batch(
        [
            Text(GERMAN),
            Text("My order never arrived at all"),
            Text("Livraison en retard depuis trois semaines"),
        ]
    )
    assert german.model_id == "gloomy-de-1"
    assert english.model_id == scorer.model_id
    assert french.status is ScoreStatus.unscored_language
    assert scorer._languages.keys() == {"de"}


def test_an_encoder_stands_on_our_features(install):
    install(loud="loud", de="german")
    scorer = chosen_scorer("loud")
    assert isinstance(scorer, EmbedScorer)
    assert scorer.model_id.startswith("embed-acme+head-")
    calm, shouted = scorer.score_batch(
        [Text("My order has not arrived at all"), Text("My order has not arrived at all!!")]
    )
    assert shouted.p_neg > calm.p_neg
    parts = scorer.explain(Text("My order has not arrived at all!!")).logit_parts
    assert [part.value for part in parts if part.kind == "embedding"] == [4.0]


def test_a_scorer_that_cannot_learn_is_one_for_all_brands(install):
    install(default="Gloomy")
    scorers = BrandScorers(chosen_scorer())
    assert scorers.active(session=None) == {}


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("broken", "is no scorer: it lacks model_id, score_batch or explain"),
        ("missing", "cannot be loaded: .*missing"),
        ("NOT_CALLABLE", "cannot be loaded: .*not callable"),
    ],
)
def test_what_does_not_work_is_said_with_its_name(install, point, words):
    install(default=point)
    with pytest.raises(ConfigError, match=words) as caught:
        chosen_scorer()
    assert caught.value.subject == f"earmark.scorers: default = gloomy_tone:{point}"


def test_two_packages_with_one_name_are_not_chosen_between(install):
    install("gloomy", default="Gloomy")
    install("other", default="german")
    with pytest.raises(ConfigError, match='Two packages bring a scorer "default"'):
        chosen_scorer()


def test_an_unknown_name_is_told_what_there_is(install):
    install(acme_tone="Gloomy")
    with pytest.raises(ConfigError, match='There is no scorer "acme"') as caught:
        chosen_scorer("acme")
    assert '"default", "head", "embed", "acme_tone"' in caught.value.hint
