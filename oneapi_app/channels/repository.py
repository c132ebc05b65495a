"""SQL of channels, their abilities and their states."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, func, insert, literal, or_, update
from sqlmodel import Session, col, select

from oneapi_app.channels.policy import split_list
from oneapi_app.channels.schemas import ChannelQuery
from oneapi_app.kit.paging import offset_of
from oneapi_app.models import Ability, Channel, ChannelState
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED, MANUALLY_DISABLED

_SORTABLE = {
    "id": Channel.id,
    "name": Channel.name,
    "type": Channel.type,
    "status": Channel.status,
    "priority": Channel.priority,
    "weight": Channel.weight,
    "used_quota": Channel.used_quota,
    "response_time": Channel.response_time,
    "balance": Channel.balance,
}


def all_channels(session: Session) -> Sequence[Channel]:
    return session.exec(select(Channel).order_by(col(Channel.id))).all()


def find(session: Session, channel_id: int) -> Channel | None:
    return session.get(Channel, channel_id)


def newest(session: Session, offset: int, limit: int) -> Sequence[Channel]:
    return session.exec(select(Channel).order_by(col(Channel.id).desc()).offset(offset).limit(limit)).all()


def search(session: Session, keyword: str) -> Sequence[Channel]:
    """By id, or by the beginning of the name; oldest first, as the original lists them."""
    matches: list[ColumnElement[bool]] = [col(Channel.name).startswith(keyword, autoescape=True)]
    if keyword.isdecimal() and len(keyword) < 18:
        matches.append(col(Channel.id) == int(keyword))
    return session.exec(select(Channel).where(or_(*matches)).order_by(col(Channel.id))).all()


def page(session: Session, query: ChannelQuery) -> tuple[Sequence[Channel], int]:
    conditions: list[ColumnElement[bool]] = []
    if query.search:
        wanted = [col(Channel.name).icontains(query.search, autoescape=True)]
        wanted.append(col(Channel.base_url).icontains(query.search, autoescape=True))
        if query.search.isdecimal() and len(query.search) < 18:
            wanted.append(col(Channel.id) == int(query.search))
        conditions.append(or_(*wanted))
    if query.status:
        conditions.append(col(Channel.status) == query.status)
    if query.type:
        conditions.append(col(Channel.type) == query.type)
    for column, value in ((Channel.group, query.group), (Channel.models, query.model)):
        if value:
            listed = literal(",") + col(column) + ","
            conditions.append(listed.contains(f",{value},", autoescape=True))
    total = session.exec(select(func.count()).select_from(Channel).where(*conditions)).one()
    column = col(_SORTABLE.get(query.sort.lstrip("-"), Channel.id))
    order = column.desc() if query.sort.startswith("-") else column.asc()
    statement = select(Channel).where(*conditions).order_by(order, col(Channel.id).desc())
    rows = session.exec(statement.offset(offset_of(query.page, query.size)).limit(query.size)).all()
    return rows, total


def offers(session: Session) -> Sequence[tuple[int | None, str | None, str | None]]:
    """Type, groups and models of every channel."""
    return session.exec(select(Channel.type, Channel.group, Channel.models)).all()


def rebuild_abilities(session: Session, channel: Channel) -> None:
    """The cross product of groups and models, as the original and its tools expect to find it."""
    assert channel.id is not None
    session.exec(delete(Ability).where(col(Ability.channel_id) == channel.id))
    rows = [
        {
            "group": group,
            "model": model,
            "channel_id": channel.id,
            "enabled": channel.status == ENABLED,
            "priority": channel.priority,
        }
        for group in split_list(channel.group)
        for model in split_list(channel.models)
    ]
    if rows:
        # On MySQL names that differ only in case are one key: the first of them stands for all.
        session.execute(insert(Ability).prefix_with("IGNORE", dialect="mysql"), rows)


def set_status(session: Session, channel_id: int, status: int, *, only_from: Sequence[int] = ()) -> bool:
    """False where the channel does not exist or has none of the statuses in ``only_from``."""
    statement = update(Channel).where(col(Channel.id) == channel_id).values(status=status)
    if only_from:
        statement = statement.where(col(Channel.status).in_(only_from))
    if session.exec(statement).rowcount == 0:
        return False
    session.exec(
        update(Ability).where(col(Ability.channel_id) == channel_id).values(enabled=status == ENABLED)
    )
    return True


def remove(session: Session, channel_ids: Sequence[int]) -> int:
    """Channels with their abilities and states; how many there were."""
    session.exec(delete(Ability).where(col(Ability.channel_id).in_(channel_ids)))
    session.exec(delete(ChannelState).where(col(ChannelState.channel_id).in_(channel_ids)))
    return session.exec(delete(Channel).where(col(Channel.id).in_(channel_ids))).rowcount


def disabled_ids(session: Session) -> list[int]:
    statement = select(Channel.id).where(col(Channel.status).in_((MANUALLY_DISABLED, AUTO_DISABLED)))
    return [found for found in session.exec(statement).all() if found is not None]


def set_priority(session: Session, channel_ids: Sequence[int], priority: int) -> None:
    session.exec(update(Channel).where(col(Channel.id).in_(channel_ids)).values(priority=priority))
    session.exec(update(Ability).where(col(Ability.channel_id).in_(channel_ids)).values(priority=priority))


def set_weight(session: Session, channel_ids: Sequence[int], weight: int) -> None:
    session.exec(update(Channel).where(col(Channel.id).in_(channel_ids)).values(weight=weight))


def existing(session: Session, channel_ids: Sequence[int]) -> Sequence[Channel]:
    return session.exec(select(Channel).where(col(Channel.id).in_(channel_ids))).all()


def states(session: Session, channel_ids: Sequence[int]) -> Sequence[ChannelState]:
    return session.exec(select(ChannelState).where(col(ChannelState.channel_id).in_(channel_ids))).all()


def state_of(session: Session, channel_id: int) -> ChannelState:
    """The channel's state row, made if missing and part of the session."""
    found = session.get(ChannelState, channel_id)
    if found is None:
        found = ChannelState(channel_id=channel_id)
        session.add(found)
    return found
