"""What an operator relies on: precedence, errors with a place, secrets that stay secret."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_config.settings import Settings, load_settings, secret
from earmark_core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "earmark.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_without_anything_it_stays_on_this_machine(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"data_dir": tmp_path})
    assert (settings.host, settings.port) == ("127.0.0.1", 8501)
    assert settings.database_url == f"sqlite:///{tmp_path}/earmark.db"
    assert settings.allow == ()
    assert settings.user_agent.startswith("earmark/")


def test_environment_outranks_the_file_and_options_outrank_both(config) -> None:
    path = config(
        "port = 1000\nhost = 'a'\nlog_level = 'error'\n[limits]\npolls_at_once = 2\n"
        "request_seconds = 9\n"
    )
    environ = {"EARMARK_PORT": "2000", "EARMARK_HOST": "b", "EARMARK_LIMITS__POLLS_AT_ONCE": "3"}
    settings = load_settings(path, environ, {"port": 3000, "host": None})
    assert (settings.port, settings.host, settings.log_level) == (3000, "b", "error")
    assert (settings.limits.polls_at_once, settings.limits.request_seconds) == (3, 9)


def test_the_scorer_is_named_in_its_table_or_in_the_environment(config) -> None:
    path = config("[sentiment]\nscorer = 'head'\n")
    assert load_settings(None, {}).sentiment.scorer == "default"
    assert load_settings(path, {}).sentiment.scorer == "head"
    assert load_settings(path, {"EARMARK_SENTIMENT__SCORER": "embed"}).sentiment.scorer == "embed"
    with pytest.raises(ConfigError, match='did you mean "scorer"'):
        load_settings(config("[sentiment]\nscorers = 'head'\n"), {})
    with pytest.raises(ConfigError, match="did you mean EARMARK_SENTIMENT__SCORER"):
        load_settings(None, {"EARMARK_SENTIMENT__SCORRER": "head"})


def test_the_process_environment_is_not_read_behind_our_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EARMARK_PORT", "4000")
    assert load_settings(None, {}).port == 8501
    assert load_settings(None).port == 4000


def test_a_list_in_the_environment_is_written_with_commas() -> None:
    settings = load_settings(None, {"EARMARK_ALLOW": "127.0.0.1:80, [::1]:8080"})
    assert settings.allow == ("127.0.0.1:80", "[::1]:8080")


def test_a_relative_folder_in_the_file_is_beside_the_file(config) -> None:
    path = config('data_dir = "here"\n')
    assert load_settings(path, {}).data_dir == path.parent / "here"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\nport = 8501\n\ndatabse_url = 'x'\n", 4, 'key "databse_url" is not known; did you mean '
         '"database_url"?'),
        ("[limits]\n# why\nrequest_second = 3\n", 3, 'did you mean "request_seconds"?'),
        ("zzz = 1\n", 1, 'key "zzz" is not known; known here: database_url, data_dir'),
        ("host = 'a'\nport = 'x'\n", 2, 'key "port" must be a whole number, not "x"; for example: '
         "port = 8501"),
        ("port = 70000\n", 1, 'key "port" must be at most 65535, not 70000'),
        ("limits = 3\n", 1, 'key "limits" must be a table, not 3'),
        ("log_level = 'loud'\n", 1, "must be 'debug', 'info', 'warning' or 'error', not \"loud\""),
        ("allow = [\n  '127.0.0.1:1',\n  'x',\n]\n", 1, 'has "x", which is not host:port'),
        ("contact = \"a\\nX-Evil: 1\"\n", 1, "on one line"),
        ("port = \n", 1, "is not valid TOML: invalid value"),
        ("a = 1\nport 3\n", 2, "is not valid TOML: expected '='"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_key_and_what_is_right(config, text, line, words) -> None:
    path = config(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(path, {})
    assert f"{path} line {line}" in str(raised.value)
    assert words in str(raised.value)


def test_all_faults_are_told_at_once(config) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings(config("prot = 1\nport = 'x'\n"), {})
    assert len(str(raised.value).splitlines()) == 2


def test_a_wrong_variable_is_named_and_a_misspelt_one_refused() -> None:
    with pytest.raises(ConfigError, match="EARMARK_PORT in the environment"):
        load_settings(None, {"EARMARK_PORT": "x"})
    with pytest.raises(ConfigError, match="EARMARK_LIMITS__POLLS_AT_ONCE in the environment"):
        load_settings(None, {"EARMARK_LIMITS__POLLS_AT_ONCE": "0"})
    with pytest.raises(ConfigError, match="did you mean EARMARK_DATABASE_URL"):
        load_settings(None, {"EARMARK_DATABSE_URL": "x"})
    with pytest.raises(ConfigError, match="option --port"):
        load_settings(None, {}, {"port": 0})


def test_variables_for_other_ends_are_left_alone() -> None:
    environ = {"EARMARK_MASTODON_TOKEN": "t", "EARMARK_PAYLOADS": "/x", "EARMARK_VENV": "/y"}
    assert load_settings(None, environ).port == 8501


@pytest.mark.parametrize("content", [b"\xff\xfe", b"port = 1 \xe9\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(path, {})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, {})


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "earmark.toml"
    path.write_bytes(b"\xef\xbb\xbfport = 9\r\n")
    assert load_settings(path, {}).port == 9


def test_a_password_in_the_file_is_refused_and_never_repeated(config) -> None:
    path = config("\ndatabase_url = 'postgresql://me:hunter2@db/earmark'\n")
    with pytest.raises(ConfigError) as raised:
        load_settings(path, {})
    assert "line 2" in str(raised.value)
    assert "env:DATABASE_URL" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    with pytest.raises(ConfigError, match="option --database-url"):
        load_settings(None, {}, {"database_url": "postgresql://me:hunter2@db/earmark"})


def test_a_password_by_reference_is_used_and_shown_nowhere(config, tmp_path: Path) -> None:
    path = config("database_url = 'env:DB'\n")
    settings = load_settings(path, {"DB": "postgres://me:hunter2@db/earmark"})
    assert settings.database_url == "postgresql://me:hunter2@db/earmark"
    assert "hunter2" not in repr(settings) + str(settings) + settings.database_name
    hidden = tmp_path / "url"
    hidden.write_text("postgresql://me:hunter2@db/earmark\n")
    hidden.chmod(0o600)
    by_file = load_settings(config(f"database_url = 'file:{hidden}'\n"), {})
    assert by_file.database_url == settings.database_url
    in_environ = load_settings(None, {"EARMARK_DATABASE_URL": settings.database_url})
    assert in_environ.database_url == settings.database_url


@pytest.mark.parametrize("url", ["mysql://h/x", "nonsense", "postgresql://h:port/x", "://"])
def test_an_address_of_no_database_is_refused(config, url: str) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        load_settings(config(f"database_url = '{url}'\n"), {})


def test_the_example_for_operators_is_valid_and_shows_every_setting_as_it_is() -> None:
    path = ROOT / "config" / "earmark.toml"
    if not path.is_file():
        pytest.skip("installed without the repository")
    text = path.read_text()
    settings = load_settings(path, {})
    data = ROOT / "data"  # the one value it sets: beside the repository's own folders
    plain = load_settings(None, {}, {"data_dir": data})
    assert settings == plain
    for key in (*Settings.model_fields, *type(plain.limits).model_fields):
        assert key in text
    for key in ("host", "port", "log_level", "person", "demo"):
        uncommented = f"\n# {key} = "
        shown = text.split(uncommented)[1].splitlines()[0].strip('"')
        assert shown == str(getattr(plain, key)).replace("True", "true")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as raised:
        secret(f"file:{path}")
    assert "s3cret" not in str(raised.value)
    path.chmod(0o600)
    assert secret(f"file:{path}") == "s3cret"


def test_a_secret_that_is_not_there_is_named_by_its_reference(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="env:NOWHERE"):
        secret("env:NOWHERE", {})
    with pytest.raises(ConfigError, match="file:"):
        secret(f"file:{tmp_path / 'none'}")
    (tmp_path / "empty").touch(mode=0o600)
    with pytest.raises(ConfigError, match="is empty"):
        secret(f"file:{tmp_path / 'empty'}")
    with pytest.raises(ConfigError, match="not a file"):
        secret(f"file:{tmp_path}")


@given(st.text())
def test_what_is_no_reference_may_be_a_secret_and_is_never_repeated(value: str) -> None:
    if value.startswith(("env:", "file:")):
        return
    with pytest.raises(ConfigError) as raised:
        secret(f"hunter2{value}", {})
    assert "hunter2" not in str(raised.value)


@given(st.text(max_size=200))
def test_any_text_gives_settings_or_a_plain_error(tmp_path_factory, value: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(value, encoding="utf-8", errors="ignore")
    with contextlib.suppress(ConfigError):
        load_settings(path, {})
