"""Brands, what is listened for, and who works here."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import document, moment


class Brand(SQLModel, table=True):
    """What is listened for; owns monitors, sources, policies and saved replies."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    names: list[str] = document(list)
    is_competitor: bool = False
    is_demo: bool = False
    created_at: datetime = moment()


class Monitor(SQLModel, table=True):
    """A saved query of a brand; `version` counts its edits."""

    __table_args__ = (UniqueConstraint("brand_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", index=True)
    name: str
    query: str
    version: int = 1
    is_enabled: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()


class Policy(SQLModel, table=True):
    """What a brand wants done: when a mention becomes a case and how soon it is answered."""

    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", unique=True)
    queue_negative_from: float = 0.0
    queue_rating_to: float = 2.0
    first_response_minutes: int = 240
    urgent_response_minutes: int = 60
    reopen_days: int = 14
    many_followers: int = 10_000
    needs_approval: bool = False


class SavedReply(SQLModel, table=True):
    """A text with {placeholders} that a responder starts from."""

    __tablename__ = "saved_reply"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    brand_id: int = Field(foreign_key="brand.id", index=True)
    name: str
    body: str
    used: int = 0


class Person(SQLModel, table=True):
    """Somebody who works with earmark."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: str
    is_active: bool = True
    created_at: datetime = moment()
