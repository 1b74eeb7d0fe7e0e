"""How right is it, and Learning: every state over fakes, and the whole way over real services."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.errors import EarmarkError
from earmark_core.jobs import JobRow
from earmark_core.model import Actor, Label, Role
from earmark_dashboard import lessons, rightness, services
from earmark_dashboard.pages import sampling
from earmark_sentiment.agreement import agreement
from earmark_sentiment.proposals import Effect
from earmark_sentiment.reports import AgreementReport
from tests.dashboard.fakes import FakeDesk, FakeJudging, fake_services
from tests.dashboard.learning_fakes import BLIND, CORRECTED, FakeLearning, FakeRescores
from tests.dashboard.learning_visits import (
    accuracy,
    buttons,
    clean,
    learning,
    metrics,
    press,
    words,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEG, NEU, POS = Label


class Room:
    """The pages over fakes of which each can be set."""

    def __init__(self) -> None:
        self.desk = FakeDesk(FixedClock(NOW))
        self.rescores, self.judging = FakeRescores(), FakeJudging()
        self.learning: Any = None
        self.stage("active")

    def stage(self, stage: str) -> FakeLearning:
        self.learning = FakeLearning(self.desk.clock, stage)
        self.provide()
        return self.learning

    def provide(self, **more: Any) -> None:
        given = {
            "learning": self.learning, "rescores": self.rescores, "judging": self.judging, **more,
        }  # fmt: skip
        services.provide(replace(fake_services(self.desk), **given))

    def be(self, role: Role) -> None:
        self.desk.actor = Actor("robin", role, 4)


@pytest.fixture
def room() -> Iterator[Room]:
    yield Room()
    services._provided.clear()


def run(page: Callable[[], None], part: str = "Versions") -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    if part != "Versions":
        app.session_state["learning_part"] = part
    return clean(app.run())


PARTS = [(accuracy, ""), (learning, "Versions"), (learning, "Words"), (learning, "Score again")]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("stage", ["empty", "few", "proposed", "worse", "active", "stale"])
@pytest.mark.parametrize(("page", "part"), PARTS)
def test_every_state_is_shown_to_every_role(
    room: Room, page: Any, part: str, stage: str, role: Role
) -> None:
    room.stage(stage)
    room.be(role)
    app = run(page, part or "Versions")
    assert words(app)


@pytest.mark.parametrize("page", [accuracy, learning])
def test_a_scorer_that_does_not_learn_is_said_in_words(room: Room, page: Any) -> None:
    room.provide(learning=None)
    app = run(page)
    assert lessons.NO_LEARNING in words(app)
    assert not app.dataframe


@pytest.mark.parametrize("page", [accuracy, learning])
def test_without_a_brand_it_is_said_what_to_do(room: Room, page: Any) -> None:
    room.desk.own = room.desk.demo = False
    assert "Add yours" in words(run(page))


# How right is it


def test_the_blind_sample_stands_first_and_each_figure_says_its_n(room: Room) -> None:
    app = run(accuracy)
    said = words(app)
    assert [one.label for one in app.metric] == ["Right labels", "Cohen’s κ"] * 2
    assert [one.value for one in app.metric][::2] == ["85 %", "62 %"]
    assert said.count("n 46") >= 3
    assert said.count("n 187") >= 2
    assert "95 %: 72 to 92 % · n 46" in said  # 39 of 46, Wilson
    assert "this looks worse than it is: 23 points below the blind sample" in said
    heads = [one.value for one in app.subheader]
    assert heads.index("Blind sample") < heads.index("All corrections")
    assert "5 labelled mentions had no score" in said


def test_the_matrix_is_a_picture_and_a_table_of_either_sample(room: Room) -> None:
    app = run(accuracy)
    app = clean(app.toggle[0].set_value(True).run())
    [matrix] = [one.value for one in app.dataframe if "Machine: negative" in one.value]
    assert matrix["Machine: neutral"].tolist() == [2, 24, 2]
    assert matrix["n"].tolist() == [5, 27, 14]
    app = clean(app.segmented_control[0].set_value("All corrections").run())
    [matrix] = [one.value for one in app.dataframe if "Machine: negative" in one.value]
    assert matrix["n"].sum() == 187
    [tones] = [one.value for one in app.dataframe if "Precision" in one.value]
    assert tones["Precision"].tolist() == ["73 % of 83", "58 % of 69", "43 % of 35"]
    assert tones["Recall"].tolist() == ["66 % of 92", "58 % of 69", "58 % of 26"]
    [models] = [one.value for one in app.dataframe if "Model" in one.value]
    assert models["n"].sum() == 187


def test_few_labels_are_said_to_be_not_firm(room: Room) -> None:
    room.stage("few")
    said = words(run(accuracy))
    assert "Only 6 are labelled: the figure is not firm" in said
    assert "Nothing of it is labelled yet" in said
    assert "what the queue passed by is hardly in it" in said


def test_nothing_labelled_leads_to_the_blind_sample(room: Room) -> None:
    room.stage("empty")
    app = run(accuracy)
    assert "Nothing can be said yet" in words(app)
    assert not app.metric
    assert "Negative" in buttons(app)


def test_the_picture_is_of_counts_and_told_in_words() -> None:
    found = agreement([pair for pair, n in BLIND.items() for _ in range(n)])
    chart = rightness.heat_map(found, "light").to_dict()
    cells = (
        next(iter(chart["datasets"].values())) if "datasets" in chart else chart["data"]["values"]
    )
    assert sum(cell["n"] for cell in cells) == 46
    assert {round(cell["share"], 2) for cell in cells if cell["person"] == "negative"} == {
        0.6, 0.4, 0.0,
    }  # fmt: skip
    assert "2 that people call negative the machine called neutral" in rightness.in_words(found)


def test_figures_without_basis_are_dashes() -> None:
    empty = agreement([])
    assert (rightness.percent(empty.accuracy), rightness.two(empty.kappa)) == ("–", "–")
    assert rightness.basis(empty) == "n 0"
    assert rightness.firmness(empty) == ""


def test_corrections_that_look_better_than_the_sample_are_said_to() -> None:
    good, bad = agreement([(NEG, NEG)] * 9 + [(NEG, NEU)]), agreement([(NEG, NEG), (NEG, NEU)])
    report = AgreementReport(good, bad, 0, ())
    assert "looks better than the blind sample here, by 40 points" in rightness.bias(report)


# The blind sample


class Counting(FakeJudging):
    """Labels what it is told, so that the sample shrinks and its n grows."""

    def __init__(self, learned: FakeLearning) -> None:
        super().__init__()
        self.learned = learned

    def label(self, actor: Actor, mention_ids: Any, label: Label, **more: Any) -> int:
        given = super().label(actor, mention_ids, label, **more)
        self.learned.waiting = [
            row for row in self.learned.waiting if row.mention_id not in mention_ids
        ]
        self.learned.sample_said += given
        return given


def test_one_mention_at_a_time_without_the_machines_word_and_n_grows(room: Room) -> None:
    room.judging = Counting(room.learning)
    room.provide()
    app = run(accuracy)
    assert "The lamp came, number 1." in words(app)
    assert "number 2." not in words(app)
    assert "46 labelled, 0 in this sitting; 7 wait." in words(app)
    app = press(app, "Neutral")
    assert room.judging.said == [("label", (1,), Label.neutral, True)]
    assert "47 labelled, 1 in this sitting; 6 wait." in words(app)
    assert "n 47" in words(app)
    assert "The lamp came, number 2." in words(app)


def test_what_is_skipped_is_kept_for_later_and_labels_nothing(room: Room) -> None:
    room.learning.waiting = room.learning.waiting[:2]
    app = press(press(run(accuracy), "Skip"), "Skip")
    assert room.judging.said == []
    assert "Nothing waits" in words(app)
    app = press(app, "Show the 2 skipped again")
    assert "number 1." in words(app)


def test_a_refused_label_is_said_and_the_next_one_comes(room: Room) -> None:
    class Refusing(FakeJudging):
        def label(self, *given: Any, **more: Any) -> int:
            raise EarmarkError("There is no such mention.", hint="Look at the mentions again.")

    room.provide(judging=Refusing())
    app = press(run(accuracy), "Positive")
    assert "There is no such mention. Look at the mentions again." in words(app)
    assert "number 2." in words(app)


def test_a_second_click_on_the_same_mention_labels_no_other(room: Room) -> None:
    sitting = sampling.Sitting(3, list(room.learning.waiting))
    sampling.say(services.current(), room.desk.actor, sitting, Label.positive)
    assert [row.mention_id for row in sitting.waiting] == [2, 3, 4, 5, 6, 7]
    empty = sampling.Sitting(3)
    sampling.say(services.current(), room.desk.actor, empty, Label.positive)
    assert len(room.judging.said) == 1


def test_a_viewer_sees_figures_but_no_sample(room: Room) -> None:
    room.be(Role.viewer)
    app = run(accuracy)
    assert "85 %" in metrics(app).values() or app.metric
    assert "You are a viewer. To label the sample takes a responder." in words(app)
    assert "Negative" not in buttons(app)
    assert "lamp came" not in words(app)


# The versions of what was learned


def test_nothing_learned_says_what_is_missing(room: Room) -> None:
    room.stage("few")
    app = run(learning)
    assert "10 corrections are needed, 6 are there." in words(app)
    assert metrics(app)["In force"] == "What ships"
    assert buttons(app)["Learn from corrections"].disabled
    assert "a version learned from 50 corrections or more would set it" in words(app)
    assert "n 0" not in words(app)


def test_the_threshold_is_told_with_what_it_is_for(room: Room) -> None:
    app = run(learning)
    assert metrics(app)["Queued as negative"] == "from 62 % on"
    assert "for a precision of 0.8 on your corrections, finds 74 % · n 187" in words(app)


def test_a_refit_is_proposed_with_figures_and_accepted_by_one_click(room: Room) -> None:
    app = press(run(learning), "Learn from corrections")
    assert ("refit", 3) in room.learning.log
    assert "Version 3 is proposed" in words(app)
    compared = app.dataframe[0].value
    assert compared["In force"].tolist() == ["0.812", "0.741", "0.620", "0.140"]
    assert compared["Proposed"].tolist() == ["0.871", "0.802", "0.710", "0.050"]
    assert set(compared["Change"]) == {"better"}
    assert "46 are of the blind sample" in words(app)
    assert "as firm as 52 equal corrections. It would queue from 62 % negative on." in words(app)
    assert "Next: look at version 3 and accept it." in words(app)
    app = press(app, "Accept version 3")
    assert ("accept", 3, 3) in room.learning.log
    assert metrics(app)["In force"] == "Version 3"
    assert "Older mentions keep their scores until history is scored again" in words(app)


def test_what_got_worse_cannot_be_accepted_and_says_why(room: Room) -> None:
    room.stage("worse")
    app = run(learning)
    assert "F1 of negative would fall from 0.741 to 0.702. What is in force stays." in words(app)
    assert app.dataframe[0].value["Change"].tolist() == [
        "as before",
        "worse",
        "as before",
        "as before",
    ]
    assert buttons(app)["Accept version 2"].disabled


def test_what_was_measured_against_another_model_cannot_be_accepted(room: Room) -> None:
    learned = room.stage("proposed")
    learned._set(2, figures={**learned.rows[0].figures, "against": 7})
    app = run(learning)
    assert "measured against a model that is no longer in force" in words(app)
    assert buttons(app)["Accept version 2"].disabled


def test_one_goes_back_to_the_version_before_or_to_what_ships(room: Room) -> None:
    app = run(learning)
    ways = app.radio[0]
    assert ways.options == ["Version 1, scale of the scores, n 64 (in force before)", "What ships"]
    app = press(app, "Go back to it")
    assert ("rollback", 3, 1) in room.learning.log
    assert "Version 1 is in force again." in words(app)
    app = clean(app.radio[0].set_value(0).run())
    app = press(app, "Go back to it")
    assert ("rollback", 3, 0) in room.learning.log
    assert metrics(app)["In force"] == "What ships"


def test_a_version_on_older_weights_is_said_to_be_out_of_use(room: Room) -> None:
    room.stage("stale")
    app = run(learning)
    assert metrics(app)["In force"] == "What ships"
    assert "stands on older weights: learn again" in words(app)


def test_a_viewer_reads_all_and_can_change_nothing(room: Room) -> None:
    room.stage("proposed")
    room.be(Role.viewer)
    for part in ("Versions", "Words", "Score again"):
        app = run(learning, part)
        assert "You are a viewer. To " in words(app)
        assert not set(buttons(app)) - {"Measure it", "Remove the demo for good"}


def test_a_refusal_of_the_service_is_shown_in_words(room: Room) -> None:
    app = run(learning)
    room.be(Role.responder)  # lost the role while the page was open
    app = press(app, "Go back to it")
    assert "A responder may not roll a model back." in words(app)


# Words


def test_a_proposal_is_shown_with_its_effect_applied_by_consent_and_undone(room: Room) -> None:
    app = run(learning, "Words")
    told = "“support” +1.7 → 0: fixes 14 of 31 corrected, breaks 1, changes 212 of 4,800 others."
    assert told in words(app)
    assert "“sick” +1.7 → −1.7" in words(app)
    assert "None. Every word weighs what the lexicon says." in words(app)
    app = clean(app.button(key="apply_proposal_0").click().run())
    assert ("apply", 3, "support", 0.0) in room.learning.log
    assert "“support” is changed." in words(app)
    assert "None. Every word" not in words(app)
    app = press(app, "Undo")
    assert ("undo", 1) in room.learning.log
    assert "“support” weighs what it did before." in words(app)


def test_any_word_is_measured_before_consent(room: Room) -> None:
    app = run(learning, "Words")
    app.text_input[0].set_value("brew")
    app.number_input[0].set_value(-2.5)
    app = press(app, "Measure it")
    assert ("measure", 3, "brew", -2.5) in room.learning.log
    assert not [one for one in room.learning.log if one[0] == "apply"]
    app = clean(app.button(key="apply_tried").click().run())
    assert ("apply", 3, "brew", -2.5) in room.learning.log


def test_a_word_that_is_none_is_refused_in_words(room: Room) -> None:
    app = press(run(learning, "Words"), "Measure it")
    assert "A change is of one word. Give it without spaces." in words(app)


def test_proposals_are_worked_out_once_until_something_is_said(room: Room) -> None:
    app = run(learning, "Words")
    app.run()
    assert len([one for one in room.learning.log if one[0] == "proposals"]) == 1


def test_word_weights_are_readable_and_text_of_others_is_text(room: Room) -> None:
    app = run(learning, "Words")
    [weights] = [one.value for one in app.dataframe]
    assert weights["Word"].tolist() == ["support", "refund", "still waiting", "<b>bold</b>"]
    assert weights["Pulls"].tolist()[:2] == ["away from negative", "towards negative"]
    room.stage("few")
    assert "weighs no words of its own" in words(run(learning, "Words"))


# Scoring history again


def test_a_rescore_is_asked_for_watched_cancelled_and_ends_with_what_changed(room: Room) -> None:
    app = run(learning, "Score again")
    assert "never scored again" in words(app)
    app = press(app, "Score history again")
    assert ("ask", 3) in room.rescores.log
    assert buttons(app)["Score history again"].disabled
    room.rescores.run(1_200, 4_812)
    app = clean(app.run())
    [bar] = app.get("progress")
    assert (bar.proto.text, bar.proto.value) == ("1,200 of 4,812 mentions", 24)
    app = press(app, "Cancel")
    assert ("cancel", 7) in room.rescores.log
    assert "Asked to stop" in words(app)
    room.rescores.finish()
    app = clean(app.run())
    before, moved = (one.value for one in app.dataframe)
    assert before["Change"].tolist() == ["+160", "−60", "−100"]
    assert moved["Mentions"].tolist() == [110, 50, 50]
    assert "210 labels changed: neutral → negative 110." in words(app)
    assert "Trends show a marker" in words(app)
    assert not buttons(app)["Score history again"].disabled


def test_a_worker_that_is_not_heard_is_said(room: Room) -> None:
    room.rescores.run(0, 0)
    room.provide(worker_heartbeat=lambda: None)
    said = words(run(learning, "Score again"))
    assert "The worker is not heard." in said


def test_the_brand_is_kept_from_page_to_page(room: Room) -> None:
    app = run(learning)
    app = clean(app.selectbox[0].set_value(1).run())
    assert app.session_state["learned_brand"] == 1


def test_the_fakes_are_as_large_as_the_pages_say() -> None:
    assert (sum(BLIND.values()), sum(CORRECTED.values())) == (46, 187)


def test_what_a_change_moves_is_said_with_a_true_minus_and_nothing_without_a_sign() -> None:
    assert Effect("stopped", -0.9, 0.0, 4, 2, 0, 0, 79).words.startswith("“stopped” −0.9 → 0:")
    payload = {"labels_before": {"unscored": 14}, "labels_after": {"unscored": 14}}
    job = JobRow(7, "rescore", payload, "done", 14, 14, "", False)
    assert [row["Change"] for row in lessons.label_rows(job)] == ["0"]
