"""What a person sets for a Discord source."""

from pydantic import Field, field_validator

from earmark_listeners.contract import ChannelOptions
from earmark_listeners.wire import server_address


class DiscordOptions(ChannelOptions):
    """Options of a Discord source."""

    token: str = Field(
        description="the bot's token, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    channel_id: str = Field(
        pattern=r"^[0-9]{5,25}$",
        description="id of the channel or thread (Copy Channel ID, with Developer Mode on)",
    )
    own: tuple[str, ...] = Field(
        default=(), max_length=200, description="accounts that speak for us, by id"
    )
    include_bots: bool = Field(
        default=False, description="take what other bots and webhooks say, too"
    )
    notify_author: bool = Field(
        default=False, description="ping who is answered; nobody else is ever pinged"
    )
    limit: int = Field(default=100, ge=1, le=100, description="messages per page")
    max_pages: int = Field(
        default=20, ge=1, le=100, description="pages per poll at most; the rest comes with the next"
    )
    user_agent: str = Field(
        default="DiscordBot (https://earmark.example, 1.0)",
        pattern=r"^DiscordBot \([!-~]+, [!-~]+\)[ -~]*$",
        max_length=200,
        description="how we introduce ourselves, in the form that Discord requires; the address "
        "should be one of yours",
    )
    base_url: str = Field(
        default="https://discord.com/api/v10", description="address of Discord's API"
    )
    site: str = Field(
        default="https://discord.com", description="address under which messages are read"
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_api(cls, value: str) -> str:
        return server_address(value, "https://discord.com/api/v10", keeps_path=True)

    @field_validator("site")
    @classmethod
    def _is_a_server(cls, value: str) -> str:
        return server_address(value, "https://discord.com")
