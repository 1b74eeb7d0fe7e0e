from pathlib import Path

import pytest

from earmark_sentiment.language import has_words, identify
from earmark_sentiment.prepare import prepare
from earmark_sentiment.vader import installed

HERE = Path(__file__).parent
KNOWS = installed().lexicon.__contains__


def rows(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [(kind, text) for kind, _, text in (line.partition("\t") for line in lines)]


def is_english(text: str, hint: str = "") -> bool:
    return identify(prepare(text), hint, KNOWS).is_english


MENTIONS = [*rows("mentions.tsv"), *rows("fresh.tsv"), *rows("held.tsv"), *rows("urgency.tsv")]
ENGLISH = [text for kind, text in MENTIONS if kind != "foreign"]
FOREIGN = rows("foreign.tsv")


@pytest.mark.parametrize(
    ("hint", "least"), [("", 0.96), ("en", 0.99), ("en-GB", 0.99), ("de", 0.8)]
)
def test_keeps_english(hint, least):
    kept = sum(is_english(text, hint) for text in ENGLISH) / len(ENGLISH)
    assert kept >= least


@pytest.mark.parametrize("hint", ["", "en", "own"])
def test_takes_no_other_language_for_english(hint):
    taken = [
        (lang, text) for lang, text in FOREIGN if is_english(text, lang if hint == "own" else hint)
    ]
    assert len(taken) <= 0.01 * len(FOREIGN), taken


@pytest.mark.parametrize("hint", ["", "en"])
def test_mentions_in_other_languages_stay_apart(hint):
    texts = [text for kind, text in MENTIONS if kind == "foreign"]
    assert len(texts) >= 14
    assert [text for text in texts if is_english(text, hint)] == []


@pytest.mark.parametrize("lang", ["de", "fr", "it", "es", "pt"])
def test_names_the_language(lang):
    texts = [text for code, text in FOREIGN if code == lang]
    named = sum(identify(prepare(text)).code == lang for text in texts)
    assert named >= 0.8 * len(texts)


def test_shouting_and_addresses_do_not_confuse_it():
    assert is_english("THE WORST EXPERIENCE EVER.")
    assert is_english("@kundendienst_ag https://beispiel.de/wo/ist/mein/paket where is my package")


def test_a_doubtful_word_leans_on_the_source():
    assert not is_english("total", "de")
    assert not is_english("Pizza")
    assert is_english("late again", "en")


def test_the_claim_of_the_source_is_doubted():
    assert is_english("I have been waiting for my refund for three weeks", "de")
    assert not is_english("Ich warte seit drei Wochen auf mein Geld", "en")


def test_confidence_is_a_probability():
    for _, text in FOREIGN:
        assert 0 <= identify(prepare(text)).confidence <= 1


@pytest.mark.parametrize(
    "text", ["", "😂😂", "10/10", "!!!", "@someone https://example.com", "a 1"]
)
def test_no_words(text):
    assert not has_words(prepare(text))


@pytest.mark.parametrize("text", ["ok", "好", "ça", "no 1"])
def test_words(text):
    assert has_words(prepare(text))
