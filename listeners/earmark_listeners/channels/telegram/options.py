"""What a person sets for a Telegram source."""

from pydantic import Field, field_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class TelegramOptions(ChannelOptions):
    """Options of a Telegram source."""

    token: str = Field(
        description="the bot's token from @BotFather, as env:NAME or file:/path; a bot of its own "
        "for each source, for what one reader was given no other gets",
        json_schema_extra={"secret": True},
    )
    chats: tuple[str, ...] = Field(
        default=(),
        max_length=200,
        description="only these chats, by id (-1001234567890) or by public @name; all if empty",
    )
    own: tuple[str, ...] = Field(
        default=(),
        max_length=200,
        description="accounts and channels that speak for us, by id or by public @name",
    )
    keeps_hours: int = Field(
        default=24,
        ge=1,
        le=48,
        description="how long Telegram keeps what nobody asked for; a longer pause is a gap",
    )
    limit: int = Field(default=100, ge=1, le=100, description="updates per page")
    max_pages: int = Field(default=20, ge=1, le=100, description="pages per poll at most")
    base_url: str = Field(
        default="https://api.telegram.org", description="address of the Bot API's server"
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://api.telegram.org")

    @field_validator("chats", "own")
    @classmethod
    def _plain_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.strip().lstrip("@").casefold() for name in value if name.strip("@ "))
