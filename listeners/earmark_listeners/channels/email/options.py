"""What a person sets for a mailbox."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from earmark_listeners.contract import ChannelOptions

_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\"\\]{1,64}@[A-Za-z0-9.-]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Security = Literal["tls", "starttls", "none"]


def _plain(value: object) -> object:
    """Refuses what could end a line of IMAP, SMTP or a header."""
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("must be one line of text")
    return value


Plain = Annotated[str, BeforeValidator(_plain)]


class EmailOptions(ChannelOptions):
    """Options of a mailbox."""

    address: Plain = Field(description="our address: what is sent from it is our own")
    aliases: tuple[Plain, ...] = Field(default=(), description="further addresses of ours")
    imap_host: Plain = Field(description="the server that mail is read from", min_length=1)
    imap_port: int = Field(default=993, ge=1, le=65_535, description="its port")
    imap_security: Security = Field(
        default="tls", description="tls, starttls, or none where the operator allows host:port"
    )
    ca_file: Plain = Field(
        default="",
        description="a file of certificates (PEM) that are trusted beside the system's, for "
        "servers with an authority of their own",
    )
    user: Plain = Field(default="", description="who logs in; left out: the address")
    password: Plain = Field(
        default="",
        description="the password or app password, as env:NAME or file:/path",
        json_schema_extra={"secret": True},
    )
    token_url: Plain = Field(
        default="", description="where OAuth tokens are given, for Gmail and Microsoft 365"
    )
    client_id: Plain = Field(default="", description="the OAuth client")
    client_secret: Plain = Field(
        default="",
        description="its secret, if it has one",
        json_schema_extra={"secret": True},
    )
    refresh_token: Plain = Field(
        default="",
        description="the OAuth refresh token; with it no password is needed",
        json_schema_extra={"secret": True},
    )
    folder: Plain = Field(default="INBOX", min_length=1, description="the folder that is read")
    first_days: int = Field(
        default=14, ge=0, le=3_650, description="days of history that the first poll reads"
    )
    max_mails: int = Field(default=200, ge=1, le=5_000, description="mails per poll at most")
    max_kilobytes: int = Field(
        default=1_024, ge=16, le=20_000, description="how much of one mail is fetched at most"
    )
    notifications_from: tuple[Plain, ...] = Field(
        default=(),
        description="senders (address or domain) whose automatic mail is heard like any other",
    )
    smtp_host: Plain = Field(default="", description="the server that replies go through")
    smtp_port: int = Field(default=465, ge=1, le=65_535, description="its port, 587 for starttls")
    smtp_security: Security = Field(default="tls", description="as imap_security")
    smtp_login: bool = Field(default=True, description="log in there as for reading")
    from_name: Plain = Field(default="", max_length=100, description="the name on our replies")
    sent_folder: Plain = Field(
        default="", description="where sent mail is kept; left out: the folder marked so, or Sent"
    )
    server_files_sent: bool = Field(
        default=False,
        description="the server files what is sent by itself, as Gmail and Microsoft 365 do",
    )

    @field_validator("address", "aliases")
    @classmethod
    def _is_address(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(one):
                raise ValueError("this should be an address such as care@acme.example")
        return value

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if not self.password and not self.refresh_token:
            raise ValueError("password is missing (or refresh_token, where the server wants OAuth)")
        if self.refresh_token and not (self.token_url and self.client_id):
            raise ValueError("token_url or client_id is missing (refresh_token needs both)")
        return self

    @property
    def own(self) -> frozenset[str]:
        """Gives our addresses in small letters."""
        return frozenset(one.lower() for one in (self.address, *self.aliases))

    @property
    def domain(self) -> str:
        """Gives what stands behind the @ of our address."""
        return self.address.rpartition("@")[2].lower()
