"""What is remembered of things without keeping them: removed items, deliveries, likeness."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint
from sqlmodel import Field, SQLModel

from earmark_core.tables.columns import moment


class Tombstone(SQLModel, table=True):
    """An item that was removed and must not be taken in again.

    `digest` is a keyed hash of where it was found and what it is called there: nothing about the
    item can be read from it. `reason` says in a word why it was removed.
    """

    digest: str = Field(primary_key=True)
    source_id: int = Field(foreign_key="source.id", ondelete="CASCADE", index=True)
    reason: str
    at: datetime = moment(index=True)


class InstallationKey(SQLModel, table=True):
    """A secret of this installation, made once by whoever first needs it; opens nothing outside.

    It keeps what is hashed with it from being compared with hashes made elsewhere.
    """

    __tablename__ = "installation_key"
    name: str = Field(primary_key=True)
    secret: str
    created_at: datetime = moment()


class HookDelivery(SQLModel, table=True):
    """A delivery that was stored, so that the same one is not stored again."""

    __tablename__ = "hook_delivery"
    digest: str = Field(primary_key=True)
    source_id: int = Field(foreign_key="source.id", ondelete="CASCADE", index=True)
    at: datetime = moment(index=True)


class CopyGroup(SQLModel, table=True):
    """Mentions with nearly the same text; `n` counts them all, also those removed since."""

    __tablename__ = "copy_group"
    id: int | None = Field(default=None, primary_key=True)
    n: int = 1
    first_at: datetime = moment()
    last_at: datetime = moment()


class NearKey(SQLModel, table=True):
    """One of the keys under which a text is found by one that is nearly the same.

    A copy adds none: it is found by those of the first.
    """

    __tablename__ = "near_key"
    __table_args__ = (
        PrimaryKeyConstraint("key", "mention_id"),
        {"sqlite_with_rowid": False},
    )
    key: int = Field(sa_column=Column(BigInteger, nullable=False, autoincrement=False))
    mention_id: int = Field(
        sa_column=Column(ForeignKey("mention.id", ondelete="CASCADE"), index=True, nullable=False)
    )
