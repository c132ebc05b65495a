"""Abilities: the cross product of a channel's groups and models, kept for the original and for tools."""

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, SHORT_TEXT, ZERO, Flag


class Ability(SQLModel, table=True):
    __tablename__ = "abilities"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it
    __table_args__ = (
        Index("idx_abilities_channel_id", "channel_id"),
        Index("idx_abilities_priority", "priority"),
    )

    group: str = Field(sa_column=Column(String(32), primary_key=True))
    model: str = Field(sa_column=Column(SHORT_TEXT, primary_key=True))
    channel_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    enabled: bool | None = Field(default=True, sa_column=Column(Flag))
    priority: int | None = Field(default=0, sa_column=Column(BIG_INTEGER, server_default=ZERO))
