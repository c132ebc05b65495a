"""Our own: who redeemed a code, which the original does not store."""

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from oneapi_app.models.columns import BIG_INTEGER


class Redeemer(SQLModel, table=True):
    __tablename__ = "oneapi_redeemers"  # pyright: ignore[reportAssignmentType] - as SQLModel documents it

    redemption_id: int = Field(sa_column=Column(BIG_INTEGER, primary_key=True, autoincrement=False))
    user_id: int = Field(default=0, sa_column=Column(BIG_INTEGER, nullable=False))
