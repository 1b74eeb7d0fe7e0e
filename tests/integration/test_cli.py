"""The terminal as its users have it: what is printed, what is written, what the exit code is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from earmark.cli.app import app
from earmark.demo.testing import demo_server
from earmark_core.errors import EarmarkError
from earmark_core.store import open_store
from earmark_core.tables import Case


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Any:
    def call(*arguments: str, stdin: bytes | None = None, at: bool = True) -> Result:
        where = ["--data", str(data)] if at else []
        return CliRunner().invoke(app, [*arguments, *where], input=stdin)

    return call


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_version_and_channels_need_no_database(run: Any) -> None:
    assert as_json(run("version", "--json", at=False))["earmark"]
    listed = {row["channel"]: row for row in as_json(run("channels", "--json", at=False))}
    assert {"feed", "hackernews", "mastodon"} <= set(listed)
    assert listed["mastodon"]["can_reply"] is True
    assert listed["mastodon"]["max_length"] == 500


def test_score_keeps_order_and_length_and_a_bad_line_loses_nothing(run: Any) -> None:
    lines = [
        b'{"id": 1, "text": "I hate this, it is awful"}',
        b"no json",
        b'{"id": "b", "text": "I love it"}',
        b'{"id": 3, "text": "Das ist wirklich ganz furchtbar schlecht", "lang": "de"}',
        b'{"id": 4, "text": ""}',
        b'{"id": 5, "text": "lovely", "rating": 1}',
        b'{"id": 6, "text": 7}',
        b'{"id": 7, "text": "\\ud800 good"}',
        b"",
    ]
    result = run("score", stdin=b"\n".join(lines), at=False)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in rows] == [1, None, "b", 3, 4, 5, 6, 7]
    assert [row["status"] for row in rows] == [
        "scored", "error", "scored", "unscored_language", "unscored_empty", "scored", "error",
        "scored",
    ]  # fmt: skip
    assert [row["label"] for row in rows] == [
        "negative", None, "positive", None, None, "negative", None, "positive",
    ]  # fmt: skip
    assert all(row["compound"] is None for row in rows if row["status"] != "scored")
    assert set(rows[0]) == {
        "id", "status", "label", "p_neg", "p_neu", "p_pos", "compound", "lang", "model_id",
    }  # fmt: skip
    first = rows[0]
    assert first["p_neg"] + first["p_neu"] + first["p_pos"] == pytest.approx(1)
    assert result.exit_code == 1
    assert "line 2" in result.stderr


def test_a_line_that_cannot_be_scored_says_why_in_plain_words_and_ends_nothing(run: Any) -> None:
    lines = {
        b'{"id": "\\ud800", "text": "bad"}': None,
        b"\xff\xfe\x00": "it is not written in UTF-8",
        b"not json": "it is not JSON",
        b"[1, 2]": "it is JSON, but no object",
        b'{"text": "bad"}': 'it has no "id"',
        b'{"id": 1}': 'it has no "text"',
        b'{"id": 1, "text": "bad", "rating": true}': "its rating is not a number from 1 to 5",
        b'{"id": 1, "text": "bad", "rating": NaN}': "its rating is not a number from 1 to 5",
    }
    result = run("score", stdin=b"\n".join(lines), at=False)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["scored", *["error"] * 7]
    assert rows[0]["id"] == "\ud800"
    said = result.stderr.splitlines()
    wanted = [(number, why) for number, why in enumerate(lines.values(), 1) if why]
    assert len(said) == len(wanted)
    for line, (number, why) in zip(said, wanted, strict=True):
        assert f"line {number} cannot be scored: {why}" in line


def test_a_receipt_adds_up_and_stands_only_where_there_is_a_compound(run: Any) -> None:
    lines = b"""{"id": 1, "text": "The screen is not great, and support never answered!!"}
{"id": 2, "text": "Meine Lieferung ist immer noch nicht angekommen, wo bleibt sie denn?"}
not json
"""
    plain, explained = (
        [
            json.loads(line)
            for line in run("score", *more, stdin=lines, at=False).stdout.splitlines()
        ]
        for more in ((), ("--explain",))
    )
    receipts = [row.pop("receipt") for row in explained]
    assert explained == plain
    assert receipts[1:] == [None, None]
    found = receipts[0]
    assert found["total"] == pytest.approx(sum(part["value"] for part in found["parts"]))
    assert found["compound"] == plain[0]["compound"]
    assert found["logit"] == pytest.approx(sum(part["value"] for part in found["logit_parts"]))
    words = {part["word"]: part for part in found["parts"]}
    assert words["great"]["rules"]


def test_a_brand_is_masked_before_it_is_scored(run: Any) -> None:
    lines = b'{"id":1,"text":"United lost my bag","brand":"United"}\n'
    [row] = [json.loads(line) for line in run("score", stdin=lines, at=False).stdout.splitlines()]
    assert row["label"] == "negative"


def test_init_shows_the_plan_saves_it_and_twice_changes_nothing(run: Any, data: Path) -> None:
    dry = run("init", "Acme Air", "--exclude", "hotel", "--dry-run")
    assert "Mastodon" in dry.stdout
    assert "Hacker News" in dry.stdout
    assert as_json(run("sources", "--json")) == []
    assert "Applied" in run("init", "Acme Air", "--exclude", "hotel").stdout
    names = {row["name"] for row in as_json(run("sources", "--json"))}
    assert "News search" in names
    assert "Nothing to change" in run("init", "Acme Air", "--exclude", "hotel").stdout
    assert run("check").exit_code == 0


def test_init_takes_what_else_is_known_of_the_brand(run: Any) -> None:
    more = ("--app-store", "284882215/de", "--github", "acme/air", "--also", "gdelt")
    dry = run("init", "Acme Air", *more, "--dry-run")
    assert "Up to 500 of the newest public reviews" in " ".join(dry.stdout.split())
    run("init", "Acme Air", *more)
    rows = {row["name"]: row for row in as_json(run("sources", "--json"))}
    assert {"App Store 284882215 de", "GitHub acme/air", "GDELT news"} < set(rows)
    wrong = run("init", "Acme Air", "--youtube", "@acme")
    assert "a name with @ is not enough" in wrong.exception.hint


def test_apply_shows_the_difference_and_names_the_line_of_a_mistake(
    run: Any, tmp_path: Path
) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text('[[brand]]\nname = "Acme"\n[[brand.monitor]]\nname = "m"\nquery = "acme"\n')
    assert "+ brand Acme" in run("apply", str(seed)).stdout
    seed.write_text(seed.read_text().replace('"acme"', '"acme OR acmeair"'))
    changed = run("apply", str(seed))
    assert "~ monitor Acme / m" in changed.stdout
    assert "'acme' -> 'acme OR acmeair'" in changed.stdout
    seed.write_text(seed.read_text().replace("query", "qurey"))
    broken = run("apply", str(seed))
    assert isinstance(broken.exception, EarmarkError)
    assert "line 5" in str(broken.exception)
    assert "query" in str(broken.exception)
    seed.write_text('[[brand]]\nname = "Acme"\n[[brand.monitor]]\nname = "m"\nquery = "(acme"\n')
    assert "line 5" in str(run("apply", str(seed)).exception)


def rows_of(data: Path, *, brand: str = "Acme") -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["export", "--brand", brand, "--data", str(data)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_import_takes_the_good_rows_names_the_bad_and_opens_cases(
    run: Any, data: Path, tmp_path: Path
) -> None:
    run("init", "Acme")
    file = tmp_path / "in.jsonl"
    file.write_text(
        '{"id": "1", "text": "My order never arrived, I want a refund", "author": "Ada"}\n'
        "{broken\n"
        '{"id": "2", "text": "Love it", "rating": 5}\n'
        '{"id": "3", "text": "fine", "rating": 9}\n'
        '{"id": "1e", "text": "old and awful", "published_at": "2011-01-01"}\n'
    )
    result = run("import", str(file), "--json")
    assert result.exit_code == 1
    total = json.loads(result.stdout)
    assert (total["new"], total["rejected"]) == (3, 2)
    assert [reject["line"] for reject in total["rejects"]] == [2, 4]
    assert "line 4" in result.stderr
    assert {row["external_id"] for row in rows_of(data)} == {"1", "2", "1e"}
    store = open_store(f"sqlite:///{data / 'earmark.db'}")
    with store.read() as session:  # what is old opens no case, what is fine neither
        assert [case.headline for case in session.exec(select(Case))] == [
            "My order never arrived, I want a refund"
        ]
    store.close()
    again = json.loads(run("import", str(file), "--json").stdout)
    assert (again["new"], again["known"]) == (0, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_spreadsheet_is_read(
    run: Any, data: Path, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    run("init", "Acme")
    file = tmp_path / "in.csv"
    rows = [["id", "text", "rating"], ["1", '"Schön, but late"', "2"], ["1.2E+18", "x", ""]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    file.write_bytes(text.encode(encoding))
    total = json.loads(run("import", str(file), "--json").stdout)
    assert (total["new"], total["rejected"]) == (1, 1)
    assert "rounded by a spreadsheet" in total["rejects"][0]["reason"]
    assert [row["text"] for row in rows_of(data)] == ["Schön, but late"]


def test_what_is_exported_runs_no_formula_and_comes_back_equal(
    run: Any, data: Path, tmp_path: Path
) -> None:
    run("init", "Acme")
    file = tmp_path / "in.jsonl"
    texts = ["=cmd|' /C calc'!A0", "+1 bad", "-1", "@acme awful", "＝1", "'quoted", "plain, text"]
    file.write_text(
        "".join(json.dumps({"id": f"={n}", "text": t}) + "\n" for n, t in enumerate(texts))
    )
    assert run("import", str(file), "--json").exit_code == 0
    out = tmp_path / "out.csv"
    assert run("export", str(out), "--brand", "Acme").exit_code == 0
    cells = out.read_text(encoding="utf-8")
    assert not [line for line in cells.splitlines() if line.startswith(("=", "+", "-", "@"))]
    other = tmp_path / "other"
    CliRunner().invoke(app, ["init", "Acme", "--data", str(other)])
    back = CliRunner().invoke(app, ["import", str(out), "--json", "--data", str(other)])
    assert back.exit_code == 0, back.output
    kept = ("external_id", "text", "label", "compound")
    assert [[row[key] for key in kept] for row in rows_of(other)] == [
        [row[key] for key in kept] for row in rows_of(data)
    ]


def test_an_export_that_cannot_be_written_replaces_nothing(run: Any, tmp_path: Path) -> None:
    run("init", "Acme")
    out = tmp_path / "out.xlsx"
    assert isinstance(run("export", str(out)).exception, EarmarkError)
    assert not out.exists()


def test_poll_hears_a_real_server_and_the_loop_ends_in_a_case(
    run: Any, data: Path, tmp_path: Path
) -> None:
    with demo_server() as demo:
        seed = tmp_path / "seed.toml"
        seed.write_text(
            '[[brand]]\nname = "Brightcup"\n[[brand.monitor]]\nname = "m"\nquery = "brightcup"\n'
            '[[brand.source]]\nname = "tag"\nchannel = "mastodon"\n'
            f'options = {{ base_url = "{demo.url}", kind = "hashtag", tag = "brightcup" }}\n'
        )
        config = tmp_path / "earmark.toml"
        config.write_text(f'allow = ["{demo.address}"]\n')
        run("apply", str(seed))
        first = as_json(run("poll", "--json", "--config", str(config)))
        assert first[0]["error"] == ""
        demo.post("My #brightcup leaks and nobody answers. Where is my refund?")
        second = as_json(run("poll", "tag", "--json", "--config", str(config)))
        assert second[0]["new_items"] == 1
        refused = run("poll", "--json")  # no allow entry: loopback is not asked
        assert refused.exit_code == 1
    [row] = rows_of(data, brand="Brightcup")
    assert row["label"] in {"negative", "neutral"}


def test_an_unknown_source_is_named_with_those_that_exist(run: Any) -> None:
    run("init", "Acme")
    error = run("poll", "nothing").exception
    assert isinstance(error, EarmarkError)
    assert "News search" in str(error)


def earmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "earmark", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_an_error_is_one_line_with_its_exit_code(tmp_path: Path) -> None:
    missing = earmark("sources", "--data", str(tmp_path / "none"))
    assert (missing.returncode, missing.stdout) == (3, "")
    assert len(missing.stderr.strip().splitlines()) == 1
    assert "no database here yet" in missing.stderr
    config = tmp_path / "c.toml"
    config.write_text('\nlog_levle = "info"\n')
    wrong = earmark("check", "--config", str(config), "--data", str(tmp_path))
    assert wrong.returncode == 2
    assert "line 2" in wrong.stderr
    assert "log_level" in wrong.stderr
    assert "Traceback" not in missing.stderr + wrong.stderr
