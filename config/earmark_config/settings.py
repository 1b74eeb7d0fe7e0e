"""The operator's settings: a TOML file, the environment over it, the command line over both.

What is listened for is no setting: brands, monitors and sources live in the database
(`earmark_config.seeds`).
"""

import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from earmark_config import toml_file
from earmark_config.references import is_reference, secret
from earmark_config.seed import LONGEST_DAYS
from earmark_core.errors import ConfigError

__all__ = ["Limits", "Retention", "Sentiment", "Settings", "load_settings", "secret"]

PREFIX = "EARMARK_"
_NESTED = "__"
_PORTS = 65_535


class Limits(BaseModel):
    """How much earmark does at once and how much it takes from others."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    request_seconds: float = Field(default=30, gt=0, le=300, examples=[30])
    response_bytes: int = Field(default=10_000_000, ge=10_000, le=1_000_000_000, examples=[10**7])
    polls_at_once: int = Field(default=8, ge=1, le=256, examples=[8])


class Sentiment(BaseModel):
    """How texts are scored; `scorer` is a name that `earmark_sentiment.plugins` knows."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scorer: str = Field(default="default", min_length=1, max_length=80, examples=["head"])


class Retention(BaseModel):
    """For how many days what was heard is kept, counted from when it was; 0 is for ever.

    A source can have its own, and a platform's terms may allow less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    mentions_days: int = Field(default=0, ge=0, le=LONGEST_DAYS, examples=[730])
    raw_days: int = Field(default=90, ge=0, le=LONGEST_DAYS, examples=[30])


class Settings(BaseSettings):
    """What the operator decides; made by `load_settings`, which gathers the three sources.

    `database_url` is resolved: it may hold a password, so it is in no repr and goes to no log.
    `allow` are the `host:port` pairs that may be asked although they are private addresses.
    `contact` goes into the User-Agent, so that a source can write to whoever polls it.
    `person` is the name that whoever uses this machine acts under.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=_NESTED,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str = Field(
        default="", repr=False, examples=["env:DATABASE_URL"], validate_default=True
    )
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("earmark"), examples=["/var/lib/earmark"]
    )
    host: str = Field(default="127.0.0.1", min_length=1, examples=["127.0.0.1"])
    port: int = Field(default=8501, ge=1, le=_PORTS, examples=[8501])
    allow: tuple[str, ...] = Field(default=(), examples=[["127.0.0.1:8080"]])
    contact: str = Field(default="", max_length=200, examples=["care@example.com"])
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", examples=["info"]
    )
    person: str = Field(default="You", min_length=1, max_length=80, examples=["You"])
    demo: bool = Field(default=True, examples=[True])
    limits: Limits = Limits()
    sentiment: Sentiment = Sentiment()
    retention: Retention = Retention()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leaves the gathering to `load_settings`: nothing is read behind the caller's back."""
        return (init_settings,)

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("allow")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            found = re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", entry)
            if found is None or not 1 <= int(found[1]) <= _PORTS:
                raise ValueError(f'has "{entry}", which is not host:port')
        return value

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not value.isascii() or not value.isprintable():
            raise ValueError("may hold plain letters, digits and signs only, on one line")
        return value

    @field_validator("person")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("must be a name, on one line")
        return value.strip()

    @property
    def user_agent(self) -> str:
        """How earmark names itself to the sources it polls."""
        about = f" (+{self.contact})" if self.contact else ""
        return f"earmark/{version('earmark')}{about}"

    @property
    def database_name(self) -> str:
        """The address of the database as it may be shown: without its password."""
        return make_url(self.database_url).render_as_string(hide_password=True)


def load_settings(
    path: Path | None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Gives the settings in force: the file, EARMARK_* over it, the command line over both.

    *path* None reads no file. *overrides* whose value is None are left out. A relative
    `data_dir` in the file is taken from the file's folder, elsewhere from the working folder.

    Raises:
        ConfigError: names file, line and key, or the variable or option, and what is right.
    """
    environ = os.environ if environ is None else environ
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    text = "" if path is None else toml_file.read_text(path)
    name = "" if path is None else _shown(path)
    in_file = toml_file.parse(text, name)
    if path is not None and isinstance(in_file.get("data_dir"), str):
        in_file["data_dir"] = path.parent / Path(in_file["data_dir"]).expanduser()
    in_environ = _from_environ(environ)

    def where(location: tuple[str | int, ...]) -> str:
        return _where(location, given, in_environ, (text, name))

    try:
        settings = Settings(**_merged(_merged(in_file, in_environ), given))
    except ValidationError as problem:
        raise toml_file.faults(problem, Settings, where) from None
    is_clear = "database_url" in in_environ and "database_url" not in given
    url = _database_url(settings, environ, where(("database_url",)), may_be_clear=is_clear)
    folder = settings.data_dir.expanduser().resolve()
    return settings.model_copy(
        update={"data_dir": folder, "database_url": url or f"sqlite:///{folder / 'earmark.db'}"}
    )


def _shown(path: Path) -> str:
    """Gives the path as somebody would type it: relative where that is shorter."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lays one source over another, table by table."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            value = _merged(under, value)  # noqa: PLW2901 - the table laid over the one below
        merged[key] = value
    return merged


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """Gives what EARMARK_* variables set; a misspelt one is refused, a foreign one left alone."""
    ours = {key.lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
    known = [f"{PREFIX}{key}".lower() for key in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        inner = type(field.default).model_fields if isinstance(field.default, BaseModel) else ()
        known += [f"{PREFIX}{name}{_NESTED}{key}".lower() for key in inner]
    for key in [key for key in ours if key not in known]:
        near = toml_file.close_to(
            key.removeprefix(PREFIX.lower()),
            [right.removeprefix(PREFIX.lower()) for right in known],
        )
        if near and abs(len(near) - len(key) + len(PREFIX)) <= 2:
            raise ConfigError(
                f"this variable is not known; did you mean {PREFIX}{near.upper()}?",
                subject=key.upper(),
            )
    # A list in a variable is written with commas; pydantic-settings would want JSON.
    allow = ours.pop(f"{PREFIX}allow".lower(), None)
    source = EnvSettingsSource(Settings)
    source.env_vars = {key: value for key, value in ours.items() if key in known}
    try:
        found = source()
    except SettingsError as fault:
        raise ConfigError(str(fault), subject=f"{PREFIX}* in the environment") from None
    if allow is not None:
        found["allow"] = [entry.strip() for entry in allow.split(",") if entry.strip()]
    return found


def _where(
    location: tuple[str | int, ...],
    given: Mapping[str, Any],
    in_environ: Mapping[str, Any],
    file: tuple[str, str],
) -> str:
    """Says where a wrong value came from: the option, the variable, or the line of the file."""
    top = str(location[0]) if location else ""
    if top in given:
        return f"option --{top.replace('_', '-')}"
    value: Any = in_environ
    names = []
    for part in location:
        if not isinstance(part, str) or not isinstance(value, Mapping) or part not in value:
            break
        value = value[part]
        names.append(part.upper())
    if names and not isinstance(value, Mapping):
        return f"{PREFIX}{_NESTED.join(names)} in the environment"
    return toml_file.place(file[0], file[1], location) or "settings"


def _database_url(
    settings: Settings, environ: Mapping[str, str], where: str, *, may_be_clear: bool
) -> str:
    """Resolves and checks the address; what is wrong with it is said without repeating it."""
    url = settings.database_url
    is_hidden = is_reference(url)
    if is_hidden:
        url = secret(url, environ)
    if not url:
        return ""
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise ConfigError(
            'key "database_url" cannot be read as an address',
            subject=where,
            hint="It looks like sqlite:////folder/earmark.db or postgresql://user@host/name.",
        ) from None
    if kind == "postgres":
        parsed, kind = parsed.set(drivername="postgresql"), "postgresql"
    if kind not in {"sqlite", "postgresql"}:
        raise ConfigError(
            f'key "database_url": {kind} is not a database earmark knows',
            subject=where,
            hint="Use sqlite or postgresql.",
        )
    if parsed.password and not (is_hidden or may_be_clear):
        raise ConfigError(
            'key "database_url" holds a password in clear',
            subject=where,
            hint="Put the whole address into a variable or a file and point to it: database_url "
            '= "env:DATABASE_URL" or "file:/etc/earmark/database-url".',
        )
    return parsed.render_as_string(hide_password=False)
