"""The scorer that the settings name is the one that the whole house uses."""

import asyncio
from pathlib import Path

import pytest

from earmark.app import assemble
from earmark_config.settings import load_settings
from earmark_core.errors import ConfigError
from earmark_sentiment.plugins import chosen_scorer


def test_the_settings_say_who_scores(sqlite_url: str, tmp_path: Path) -> None:
    environ = {"EARMARK_SENTIMENT__SCORER": "head", "EARMARK_DATABASE_URL": sqlite_url}
    parts = assemble(load_settings(None, environ, {"data_dir": tmp_path}))
    assert parts.scorer.model_id == chosen_scorer("head").model_id
    asyncio.run(parts.aclose())


def test_an_unknown_scorer_stops_before_anything_is_made(tmp_path: Path) -> None:
    settings = load_settings(None, {"EARMARK_SENTIMENT__SCORER": "nobody"}, {"data_dir": tmp_path})
    with pytest.raises(ConfigError, match='There is no scorer "nobody"'):
        assemble(settings, create=True)
    assert list(tmp_path.iterdir()) == []
