"""Mentions over the fakes, without a browser: what is listed, what is said of it, who may."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from earmark_core.clock import FixedClock
from earmark_core.errors import EarmarkError, NotAllowed
from earmark_core.model import Actor, Cue, Label, LogitPart, Receipt, Role
from earmark_dashboard import bulk, figures, mention_words, services
from earmark_dashboard.mention_list import PAGE, Wanted
from earmark_queue.rows import AspectRow, Entry
from tests.dashboard.fakes import ME, FakeDesk, FakeJudging, fake_services

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def mentions() -> None:
    from earmark_dashboard.pages.mentions import page

    page()


@pytest.fixture
def desk() -> Iterator[FakeDesk]:
    made = FakeDesk(FixedClock(NOW))
    services.provide(fake_services(made))
    yield made
    services._provided.clear()


def judging() -> FakeJudging:
    found: Any = services.current().judging
    return found


def run(**state: Any) -> AppTest:
    app = AppTest.from_function(mentions, default_timeout=30)
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in app.text)


def turned(app: AppTest, view: str, status: str | None = None) -> AppTest:
    next(one for one in app.button_group if one.key == "mentions_view").set_value(view).run()
    if status:
        control = next(one for one in app.button_group if one.key == "mentions_status")
        control.set_value(status).run()
    assert not app.exception
    return app


def choose(app: AppTest, *rows: int) -> list[int]:
    """Chooses rows of the table and gives the ids of their mentions."""
    key = app.dataframe[0].key
    app.session_state[key] = {"selection": {"rows": list(rows)}}
    app.run()
    assert not app.exception
    page = app.session_state["mentions_place"]._page
    return [page.rows[row].id for row in rows]


def say(app: AppTest, menu: str, option: str) -> AppTest:
    next(one for one in app.menu_button if one.label == menu).click(option).run()
    assert not app.exception
    return app


def narrowed(desk: FakeDesk) -> tuple[Any, ...]:
    """Gives what the last page of mentions was asked with."""
    return [one for one in desk.log if one[0] == "narrowed"][-1][1:]


def test_every_mention_is_listed_newest_first_with_counts(desk: FakeDesk) -> None:
    app = run()
    view = next(one for one in app.button_group if one.key == "mentions_view")
    assert view.options == [
        "All · 2,462", "Not scored · 12", "Stars and words disagree · 1", "Not about us · 0",
    ]  # fmt: skip
    table = app.dataframe[0].value
    assert list(table.columns) == ["When (UTC)", "Tone", "Text", "Topics", "Who", "Channel"]
    assert list(table["When (UTC)"]) == sorted(table["When (UTC)"], reverse=True)
    assert "Delivery −, Screen +" in set(table["Topics"])
    start, end = next(one[2:4] for one in desk.log if one[0] == "mentions")
    assert (end - start, end) == (timedelta(days=30), NOW + timedelta(hours=1))


def test_what_has_no_score_says_why_and_in_which_language(desk: FakeDesk) -> None:
    app = turned(run(), "unscored")
    assert narrowed(desk)[3]["status"] == "unscored"
    table = app.dataframe[0].value
    assert set(table["Why"]) == {"another language"}
    assert set(table["Language"]) == {"German", "Russian"}
    assert "Detected on this page: German 4, Russian 4" in words(app)
    causes = next(one for one in app.button_group if one.key == "mentions_status")
    assert causes.options == [
        "another language · 9", "no words · 3", "scoring failed · 0", "not scored yet · 0",
    ]  # fmt: skip
    app = turned(app, "unscored", "unscored_empty")
    assert narrowed(desk)[3]["status"] == "unscored_empty"
    assert "Nothing fits these filters." in words(app)


def test_stars_that_words_contradict_have_a_view(desk: FakeDesk) -> None:
    app = turned(run(), "conflict")
    assert narrowed(desk)[1] is True
    assert set(app.dataframe[0].value["Stars"]) == {"1 of 5"}


def test_what_is_not_about_us_has_a_view(desk: FakeDesk) -> None:
    app = turned(run(), "irrelevant")
    assert narrowed(desk)[0] is False
    assert "did anybody say that it is not about the brand" in words(app)
    assert not app.dataframe


def test_filters_reach_the_service(desk: FakeDesk) -> None:
    app = run()
    for key, value in (
        ("mentions_tone", "negative"),
        ("mentions_channel", "mastodon"),
        ("mentions_topic", ("Service", "Delivery")),
    ):
        next(one for one in app.selectbox if one.key == key).set_value(value)
    app.text_input[0].set_value(" courier ").run()
    assert narrowed(desk)[3] == {
        "status": None, "topic": ("Service", "Delivery"), "channel": "mastodon",
        "search": "courier",
    }  # fmt: skip
    assert [one for one in desk.log if one[0] == "mentions"][-1][4] == "negative"
    assert all("courier" in text for text in app.dataframe[0].value["Text"])


@pytest.mark.parametrize(
    ("menu", "option", "said"),
    [
        ("Tone", "Positive", ("label", Label.positive, False)),
        ("About us?", "Not about us", ("relevance", 3, False)),
        ("About us?", "About us", ("relevance", 3, True)),
        ("Needs an answer?", "Needs an answer", ("needs_answer", True)),
        ("Needs an answer?", "Needs none", ("needs_answer", False)),
    ],
)
def test_what_is_said_of_many_reaches_the_service(
    desk: FakeDesk, menu: str, option: str, said: tuple[Any, ...]
) -> None:
    app = run()
    ids = choose(app, 1, 4, 7)
    assert "3 chosen" in words(app)
    say(app, menu, option)
    assert judging().said == [(said[0], tuple(ids), *said[1:])]
    assert "3 of 3 changed: " in words(app)


@pytest.mark.parametrize(
    ("finding", "label"), [("Negative", Label.negative), ("Not spoken of", None)]
)
def test_a_topic_is_said_of_many(desk: FakeDesk, finding: str, label: Label | None) -> None:
    app = run()
    ids = choose(app, 0, 2)
    next(one for one in app.selectbox if one.key == "judge_topic").set_value(("Product", "Screen"))
    next(one for one in app.button_group if one.key == "judge_finding").set_value(finding)
    next(one for one in app.button if one.key == "judge_topic_now").click().run()
    assert judging().said == [("aspect", tuple(ids), 3, "Product", "Screen", label)]
    assert "2 of 2 changed" in words(app)


def test_what_was_said_before_is_counted_apart(desk: FakeDesk) -> None:
    app = run()
    judging().known = 2
    choose(app, *range(14))
    say(app, "Tone", "Negative")
    assert "12 of 14 changed: the tone is negative. Of the other 2 it had been" in words(app)


def test_a_refusal_is_said_and_nothing_else_happens(desk: FakeDesk) -> None:
    app = run()
    choose(app, 0)
    judging().fail = EarmarkError("The mention is gone.", hint="Look again.")
    say(app, "About us?", "Not about us")
    assert "Nothing was changed. The mention is gone. Look again." in words(app)


def test_a_corrected_mention_shows_it_and_stays_chosen(desk: FakeDesk) -> None:
    app = run()
    choose(app, 1, 2)
    say(app, "Tone", "Positive")
    assert list(app.dataframe[0].value["Tone"][1:3]) == ["positive (corrected)"] * 2
    assert "2 chosen" in words(app)


def test_what_leaves_the_view_is_not_chosen_any_more(desk: FakeDesk) -> None:
    app = run()
    gone = choose(app, 0, 1)
    say(app, "About us?", "Not about us")
    assert "chosen" not in words(app).replace("Choose", "")
    page = app.session_state["mentions_place"]._page
    assert not {row.id for row in page.rows} & set(gone)
    view = next(one for one in app.button_group if one.key == "mentions_view")
    assert view.options[3] == "Not about us · 2"


def test_rows_stay_while_they_are_being_chosen(desk: FakeDesk) -> None:
    """What arrives meanwhile must not slip under a choice made by its place."""
    app = run()
    before = list(app.dataframe[0].value["Text"])
    newest = max(desk.cases.values(), key=lambda view: view.case.last_inbound_at)
    entry = replace(newest.entries[0], id=990, at=NOW + timedelta(hours=9), text="Just now")
    desk.cases[99] = replace(newest, entries=(entry,))
    ids = choose(app, 0)
    assert list(app.dataframe[0].value["Text"]) == before
    next(one for one in app.button if one.label == "Read again").click().run()
    assert app.dataframe[0].value["Text"][0] == "Just now"
    assert "1 chosen" not in words(app)
    assert ids != [990]


def test_pages_go_on_and_back(desk: FakeDesk) -> None:
    for number in range(PAGE):
        view = desk.cases[1000]
        entry = replace(view.entries[0], id=50_000 + number, at=NOW - timedelta(days=number + 2))
        desk.cases[5000 + number] = replace(view, entries=(entry,))
    app = run()
    first = list(app.dataframe[0].value["Text"])
    next(one for one in app.button if one.label == "Older").click().run()
    assert narrowed(desk)[2] == str(PAGE)
    assert "Page 2" in words(app)
    say_ids = choose(app, 0)
    say(app, "Tone", "Neutral")
    assert (judging().said[-1][1], "Page 2" in words(app)) == (tuple(say_ids), True)
    next(one for one in app.button if one.label == "Newer").click().run()
    assert list(app.dataframe[0].value["Text"]) == first


def test_a_viewer_sees_and_cannot_say(desk: FakeDesk) -> None:
    desk.actor = Actor("robin", Role.viewer, 1)
    app = run()
    choose(app, 0)
    assert "The whole mention" in [one.value for one in app.subheader]
    assert not app.menu_button
    assert not [one for one in app.button if one.key == "judge_topic_now"]
    assert "Correcting takes the role of a responder." in words(app)


def test_one_alone_is_read_whole_with_where_it_stands(desk: FakeDesk) -> None:
    app = run()
    choose(app, 1)
    said = words(app)
    assert "Your courier left my parcel in the rain. Ruined." in said
    for fact in ("Tone: negative", "Language: English, 97 % sure", "Scored by: head-1"):
        assert fact in said
    link = next(one for one in app.get("link_button"))
    assert link.proto.url.startswith("https://social.example/")
    next(one for one in app.toggle if one.label == "Why this tone").set_value(True).run()
    assert list(app.dataframe[1].value["Word"]) == ["unacceptable", "terrible"]


def test_what_a_label_stands_on_is_told_where_no_word_carries_a_tone(desk: FakeDesk) -> None:
    parts = (
        LogitPart("every text", -0.5, "base"),
        LogitPart("never arrived", 1.25, "word", 9, 22),
        LogitPart("length", 0.3, "number"),
    )
    told = Receipt("my order never arrived", (), 0.0, 0.0, logit=1.05, logit_parts=parts)
    services.provide(replace(services.current(), explain=lambda _actor, _mention: told))
    app = run()
    choose(app, 1)
    next(one for one in app.toggle if one.label == "Why this tone").set_value(True).run()
    assert "No word of this text carries a tone by itself." in words(app)
    assert "Probability of negative: 74 %." in words(app)
    shown = app.dataframe[1].value
    assert list(zip(shown["What"], shown["For negative"], strict=True)) == [
        ("“never arrived”", "+1.25"),
        ("Length of the text", "+0.30"),
        ("What every text about this brand starts from", "−0.50"),
        ("Sum", "+1.05"),
    ]


def test_praise_is_no_sign_that_an_answer_is_wanted() -> None:
    cues = (Cue("praise", "lovely"), Cue("question", "why"))
    row = Entry("mention", 1, NOW, "sam", "lovely, why?", cues=cues)
    assert ("Signs", "praise “lovely”, question “why”") in mention_words.facts(row)


def test_a_link_that_leads_nowhere_safe_is_not_offered(desk: FakeDesk) -> None:
    for case_id, view in desk.cases.items():
        bad = tuple(replace(entry, url="javascript:alert(1)") for entry in view.entries)
        desk.cases[case_id] = replace(view, entries=bad)
    app = run()
    choose(app, 1)
    assert not app.get("link_button")
    assert "javascript" not in words(app)


def test_another_page_can_say_what_is_to_be_seen(desk: FakeDesk) -> None:
    window = (NOW - timedelta(days=3), NOW - timedelta(days=2))
    app = run(mentions_wanted=Wanted(1, window, "negative", ("Product", "Screen")))
    assert [one for one in desk.log if one[0] == "mentions"][-1][1:] == (1, *window, "negative")
    assert narrowed(desk)[3]["topic"] == ("Product", "Screen")
    assert "27 Feb 2026 09:00 to 28 Feb 2026 09:00 UTC" in words(app)
    next(one for one in app.button if one.label == "Other periods").click().run()
    assert [one for one in desk.log if one[0] == "mentions"][-1][2] == NOW - timedelta(days=30) + (
        timedelta(hours=1)
    )
    app = run(mentions_wanted=Wanted(1, window, "unscored"))
    assert narrowed(desk)[3]["status"] == "unscored"


def test_without_a_brand_it_is_said_what_to_do(desk: FakeDesk) -> None:
    desk.own = desk.demo = False
    assert "No brand is listened for yet" in words(run())


def test_hostile_words_stay_words() -> None:
    services.provide(fake_services(FakeDesk(FixedClock(NOW), hostile=True)))
    try:
        app = run()
        choose(app, 3)
        said = [one.value for one in app.markdown]
        assert not [one for one in said if "192.0.2.1" in one or "alert(" in one]
        assert not any("\u202e" in text for text in app.dataframe[0].value["Text"])
    finally:
        services._provided.clear()


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@me", " =1", "\t=1", "|x", "＝1"])
def test_no_cell_is_a_formula(sign: str) -> None:
    assert figures.cell(sign) == f"“{sign}”"


@given(st.text(max_size=40))
def test_a_cell_never_begins_like_a_formula(text: str) -> None:
    made = figures.cell(text)
    assert made.strip("“”") == text.strip("“”")
    assert not made.lstrip().startswith(("=", "+", "-", "@"))


def test_a_mention_is_a_line_of_text_cells() -> None:
    row = Entry(
        "mention", 1, NOW, "=cmd", "  @you   are\n late ", label="neutral", channel="feed",
        aspects=(
            AspectRow("Product", "Battery", "negative", "positive"),
            AspectRow("Product", "Screen", "negative", "none"),
            AspectRow("Service", "Price", None),
        ),
    )  # fmt: skip
    line = mention_words.line(row, "all")
    assert line == {
        "When (UTC)": "02 Mar 09:00", "Tone": "neutral", "Text": "“@you are late”",
        "Topics": "Battery +, Price ?", "Who": "“=cmd”", "Channel": "feed",
    }  # fmt: skip


def test_what_is_not_known_is_not_named() -> None:
    bare = Entry("mention", 1, NOW, "Kaya", "Hm")
    assert mention_words.facts(bare) == [("Tone", "not scored"), ("Why not", "not scored yet")]
    full = replace(
        bare, label="neutral", human_label="negative", score_status="scored", lang="tlh",
        rating=4.5, is_conflict=True, cues=(Cue("question", "can i"),), is_relevant=False,
        human_needs_answer=True, model_id="head-1", revision=2,
    )  # fmt: skip
    said = dict(mention_words.facts(full))
    assert said["Tone"] == "negative (corrected)"
    assert said["Machine said"] == "neutral"
    assert said["Language"] == "tlh"
    assert said["Stars"] == "4.5 of 5"
    assert said["Signs"] == "question “can i”"
    assert said["A person says"] == "needs an answer"
    assert said["About us"] == "no, a person says"
    assert said["At the source"] == "edited"


def test_a_role_that_may_not_is_told_by_the_service(desk: FakeDesk) -> None:
    judging().fail = NotAllowed("A viewer may not correct.", hint="Ask a manager.")
    said = bulk.judge(services.current(), ME, 3, [1], bulk.Tone(Label.negative))
    assert said == "Nothing was changed. A viewer may not correct. Ask a manager."


def test_copies_are_one_line_until_somebody_wants_them_apart(desk: FakeDesk) -> None:
    desk.copied = True
    app = run()
    table = app.dataframe[0].value
    assert sorted(set(table["Copies"])) == ["", "+7 copies"]
    app.toggle(key="mentions_apart").set_value(True).run()
    assert "Copies" not in app.dataframe[0].value.columns
    assert len(app.dataframe[0].value) == len(table) + 7


def test_the_copies_of_one_text_are_shown_and_left_again(desk: FakeDesk) -> None:
    desk.copied = True
    brand_id = run().selectbox(key="mentions_brand").value
    app = run(mentions_group=(brand_id, 77))
    assert "Only the copies of one text" in words(app)
    assert len(app.dataframe[0].value) == 8
    next(one for one in app.button if one.label == "All mentions").click().run()
    assert len(app.dataframe[0].value) > 8


def test_a_mention_with_copies_offers_them(desk: FakeDesk) -> None:
    row = Entry("mention", 5, NOW, "Ann", "hi", copies=12, copy_group_id=77)
    assert ("Copies", "12 more with nearly the same words") in mention_words.facts(row)
    assert mention_words.line(row, "all", is_folded=True)["Copies"] == "+12 copies"
    assert mention_words.copies(replace(row, copies=1)) == "+1 copy"
