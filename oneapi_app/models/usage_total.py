"""Our own: the hourly figures of days gone by, summed up once more, so that years of them still answer at once.

Each view leaves out some of the columns (they are 0 or empty there):

    BY_HOUR     per hour:  model
    BY_CHANNEL  per day:   channel and model
    BY_TOKEN    per day:   user and token
    BY_USER     per day:   user and model
"""

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER, name_text

BY_HOUR = 1
BY_CHANNEL = 2
BY_TOKEN = 3
BY_USER = 4


class UsageTotal(SQLModel, table=True):
    __tablename__ = "oneapi_usage_totals"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    view: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    user_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    hour: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    """Unix seconds at the start of the hour, or of the UTC day."""
    username: str = Field(sa_column=Column(name_text(64), primary_key=True))
    token_name: str = Field(sa_column=Column(name_text(64), primary_key=True))
    model_name: str = Field(sa_column=Column(name_text(191), primary_key=True))
    channel_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    requests: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    quota: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    prompt_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    completion_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    cached_tokens: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    elapsed_ms: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    first_token_ms: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
    streams: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
