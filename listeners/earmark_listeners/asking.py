"""What a channel asks of a person before it can listen: a form made from its options. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from earmark_listeners import registry
from earmark_listeners.contract import ChannelOptions

BY_REFERENCE: Final = (
    "Secrets are given by reference: env:NAME (a variable), file:/path (a file that only you may "
    "read) or keyring:SERVICE/NAME (the system's keyring; needs pip install 'earmark[keyring]')."
)
Kind = Literal["text", "secret", "number", "yes or no", "choice", "list"]


@dataclass(frozen=True, slots=True)
class Question:
    """One option of a channel as a person is asked for it.

    `default` is what holds when nothing is said, as text. A secret is answered with a reference,
    `env:NAME`, `file:/path` or `keyring:SERVICE/NAME`; a list with commas between.
    """

    key: str
    words: str
    kind: Kind
    is_required: bool
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """A channel that a source can be of, with all it asks."""

    channel: str
    summary: str
    needs: str
    cannot: str
    is_off_by_default: bool
    interval_seconds: int
    questions: tuple[Question, ...]

    @property
    def warning(self) -> str:
        """Says why a source of it is made paused, "" where it is not."""
        if not self.is_off_by_default:
            return ""
        return (
            "This channel costs money or much traffic, or is easily misused: its source is made "
            "paused and is polled only once you resume it."
        )

    @property
    def introduction(self) -> tuple[str, ...]:
        """Gives what a person is told before the questions, a line each."""
        has_secret = any(question.kind == "secret" for question in self.questions)
        lines = (
            f"{self.channel}: {self.summary}.",
            f"Needs: {self.needs}.",
            f"Does not hear: {self.cannot}." if self.cannot else "",
            self.warning,
            BY_REFERENCE if has_secret else "",
        )
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source that somebody asks for; an interval of 0 seconds is the channel's own.

    `include` and `exclude` are queries over what it brings; `takes_all` gives all of it to the
    brand, matched by a monitor or not.
    """

    brand_id: int
    channel: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    takes_all: bool = False
    include: str = ""
    exclude: str = ""
    interval_seconds: int = 0


def choice(channel: str) -> ChannelChoice:
    """Gives a channel with its questions, those that must be answered first.

    Raises:
        ConfigError: there is no such channel; it names those that exist.
    """
    kind = registry.channel(channel)
    return ChannelChoice(
        channel=channel,
        summary=kind.summary,
        needs=kind.needs,
        cannot=kind.cannot,
        is_off_by_default=kind.off_by_default,
        interval_seconds=kind.rules.default_interval_seconds,
        questions=questions(kind.options_type),
    )


def paused_because(channel: str) -> str:
    """Says in words why a new source of a channel is made paused, "" where it is not."""
    return choice(channel).warning


def choices() -> tuple[ChannelChoice, ...]:
    """Gives every channel that can be polled, in the order of the names."""
    return tuple(choice(name) for name in registry.channels())


def questions(options: type[ChannelOptions]) -> tuple[Question, ...]:
    """Gives what the options ask: what is required, then secrets, then the rest."""
    asked = [_question(key, field) for key, field in options.model_fields.items()]
    return tuple(sorted(asked, key=lambda q: (not q.is_required, q.kind != "secret")))


def answers(channel: ChannelChoice, said: Mapping[str, str]) -> dict[str, Any]:
    """Gives options from what a person typed; what is empty or the default is left out.

    Nothing is checked here: the channel checks its options, and says what is wrong in words.
    """
    kinds = {question.key: question for question in channel.questions}
    options: dict[str, Any] = {}
    for key, value in said.items():
        question = kinds.get(key)
        text = value.strip()
        if question is not None and text in {"", question.default}:
            continue
        is_list = question is not None and question.kind == "list"
        options[key] = _parts(text) if is_list else text
    return options


def _parts(line: str) -> list[str]:
    return [part.strip() for part in line.split(",") if part.strip()]


def _question(key: str, field: FieldInfo) -> Question:
    kind, named = _kind(field)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return Question(
        key=key,
        words=field.description or key.replace("_", " "),
        kind=kind,
        is_required=field.is_required(),
        default=_shown(default),
        choices=named,
    )


def _kind(field: FieldInfo) -> tuple[Kind, tuple[str, ...]]:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("secret") is True:
        return "secret", ()
    wanted = _not_none(field.annotation)
    if get_origin(wanted) is Literal:
        return "choice", tuple(str(value) for value in get_args(wanted))
    if wanted is bool:
        return "yes or no", ()
    if wanted in {int, float}:
        return "number", ()
    return ("list" if get_origin(wanted) in {tuple, list, set, frozenset} else "text"), ()


def _not_none(annotation: Any) -> Any:
    """Gives X of `X | None`."""
    if get_origin(annotation) not in {Union, UnionType}:
        return annotation
    some = [each for each in get_args(annotation) if each is not NoneType]
    return some[0] if len(some) == 1 else annotation


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, list | tuple | set | frozenset):
        return ", ".join(str(each) for each in default)
    return str(default)
