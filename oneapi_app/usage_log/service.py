"""Reading and writing the usage log; rows of consumption are written by the ledger, everything else here.

People see their own rows, admins see all. Names of other people's channels and attempts are for admins.
"""

from collections.abc import Sequence

import msgspec

from oneapi_app.actor import ADMIN, COMMON, Actor, require_role
from oneapi_app.errors import NotFound
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.kit.paging import offset_of
from oneapi_app.kit.text import is_storable
from oneapi_app.models import Log, LogDetail, RelayFailure
from oneapi_app.usage_log import policy
from oneapi_app.usage_log.repository import rows
from oneapi_app.usage_log.schemas import (
    FailureRecord,
    LogDetails,
    LogEntry,
    LogFilter,
    LogPage,
    LogRow,
)

PAGE_SIZE = 10
"""Of the REST API; fixed by the original."""
MAX_PAGE_SIZE = 100
MAX_FOUND = 100
"""Rows a search answers with."""
MAX_COUNTED = 10_000
"""Matching rows are counted no further, so that a page never waits for a count."""
MAX_EXPORTED = 10_000
_ADMIN_DETAIL = ("attempts", "problem")
"""They name channels and where those lead."""


def write_log(
    uow: UnitOfWork,
    type: int,
    user_id: int,
    username: str,
    content: str,
    quota: int = 0,
    *,
    channel_id: int = 0,
    model_name: str = "",
    token_name: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    elapsed_ms: int = 0,
    is_stream: bool = False,
    request_id: str = "",
) -> None:
    """One row of type top-up, manage, system or test (``models.log``). Belongs to the caller's unit of work."""
    rows.insert(
        uow.log_session,
        Log(
            user_id=user_id,
            created_at=now_s(),
            type=type,
            content=_clean(content),
            username=username,
            token_name=token_name,
            model_name=_clean(model_name)[:191],
            quota=quota,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            channel_id=channel_id,
            request_id=request_id or new_request_id(),
            elapsed_time=elapsed_ms,
            is_stream=is_stream,
        ),
    )


def record_failures(uow: UnitOfWork, records: Sequence[FailureRecord]) -> None:
    """A batch of failed requests; texts longer than their columns are cut."""
    rows.insert_failures(
        uow.log_session,
        [
            RelayFailure(
                created_at=record.created_at,
                request_id=record.request_id[:64],
                user_id=record.user_id,
                token_name=_clean(record.token_name)[:64],
                model_name=_clean(record.model_name)[:191],
                channel_id=record.channel_id,
                status=record.status,
                kind=_clean(record.kind)[:64],
                message=_clean(record.message)[:500],
            )
            for record in records
        ],
    )


def list_all(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter, page: int = 0) -> list[LogRow]:
    """One page of ten of everybody's rows, newest first."""
    require_role(actor, ADMIN)
    return _list(uow, _for_admin(uow, chosen), page)


def list_own(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter, page: int = 0) -> list[LogRow]:
    """One page of ten of the caller's rows. Their ``id`` is 0, as in the original."""
    require_role(actor, COMMON)
    return [_without_id(row) for row in _list(uow, _for_owner(actor, chosen), page)]


def search_all(uow: UnitOfWork, actor: Actor, *, keyword: str) -> list[LogRow]:
    """Rows of the type the keyword names, or whose content begins with it; the latest hundred."""
    require_role(actor, ADMIN)
    if not is_storable(keyword):
        return []
    found = rows.find_by_text(
        uow.log_session,
        type=policy.type_in_search(keyword),
        prefix=keyword,
        user_id=None,
        limit=MAX_FOUND,
    )
    return [_row(row) for row in found]


def search_own(uow: UnitOfWork, actor: Actor, *, keyword: str) -> list[LogRow]:
    """The caller's rows of the type the keyword names; the latest hundred."""
    require_role(actor, COMMON)
    found = rows.find_by_text(
        uow.log_session,
        type=policy.type_in_search(keyword),
        prefix="",
        user_id=actor.user_id,
        limit=MAX_FOUND,
    )
    return [_without_id(_row(row)) for row in found]


def page_entries(
    uow: UnitOfWork, actor: Actor, *, chosen: LogFilter, page: int = 0, size: int = 20
) -> LogPage:
    """For the console: everybody's rows for admins, one's own otherwise, with a count."""
    chosen = _for_console(uow, actor, chosen)
    size = min(max(size, 1), MAX_PAGE_SIZE)
    if not _is_possible(chosen):
        return LogPage([], 0)
    offset = offset_of(page, size)
    ids = rows.find_ids(uow.log_session, chosen, offset=offset, limit=size, now=now_s())
    total = rows.count(uow.log_session, chosen, most=MAX_COUNTED)
    return LogPage(_entries(uow, ids), total)


def newer_entries(
    uow: UnitOfWork, actor: Actor, *, chosen: LogFilter, after_id: int, limit: int = MAX_PAGE_SIZE
) -> list[LogEntry]:
    """Rows written since, newest first: for following the log."""
    chosen = _for_console(uow, actor, chosen)
    if not _is_possible(chosen):
        return []
    ids = rows.find_newer(uow.log_session, chosen, after_id=max(after_id, 0), limit=min(limit, MAX_PAGE_SIZE))
    return _entries(uow, ids)


def export_entries(uow: UnitOfWork, actor: Actor, *, chosen: LogFilter) -> list[LogEntry]:
    """The latest ``MAX_EXPORTED`` matching rows."""
    chosen = _for_console(uow, actor, chosen)
    if not _is_possible(chosen):
        return []
    ids = rows.find_ids(uow.log_session, chosen, offset=0, limit=MAX_EXPORTED, now=now_s())
    step = 500
    return [entry for at in range(0, len(ids), step) for entry in _entries(uow, ids[at : at + step])]


def read_details(uow: UnitOfWork, actor: Actor, *, log_id: int) -> LogDetails:
    """How one request was served and billed. Which channels were tried is for admins."""
    require_role(actor, COMMON)
    found = rows.read_rows(uow.log_session, [log_id] if 0 < log_id < 2**63 else [])
    if not found or not (actor.is_admin or found[0].user_id == actor.user_id):
        raise NotFound
    row = _row(found[0])
    stored = rows.read_details(uow.log_session, [row.request_id]).get(row.request_id)
    detail = _read_detail(stored)
    if not actor.is_admin:
        detail = {name: value for name, value in detail.items() if name not in _ADMIN_DETAIL}
    return LogDetails(_entry(row, stored), detail)


def _list(uow: UnitOfWork, chosen: LogFilter, page: int) -> list[LogRow]:
    if not _is_possible(chosen):
        return []
    offset = offset_of(page, PAGE_SIZE)
    ids = rows.find_ids(uow.log_session, chosen, offset=offset, limit=PAGE_SIZE, now=now_s())
    return [_row(row) for row in rows.read_rows(uow.log_session, ids)]


def _for_console(uow: UnitOfWork, actor: Actor, chosen: LogFilter) -> LogFilter:
    require_role(actor, COMMON)
    return _for_admin(uow, chosen) if actor.is_admin else _for_owner(actor, chosen)


def _for_admin(uow: UnitOfWork, chosen: LogFilter) -> LogFilter:
    """A name is looked up as an id too, which has an index; rows of people long renamed are found by name alone."""
    if not chosen.username or not is_storable(chosen.username):
        return chosen
    return msgspec.structs.replace(chosen, user_ids=tuple(rows.find_user_ids(uow.session, chosen.username)))


def _for_owner(actor: Actor, chosen: LogFilter) -> LogFilter:
    return msgspec.structs.replace(chosen, user_id=actor.user_id, user_ids=(), username="")


def _is_possible(chosen: LogFilter) -> bool:
    """Whether any row can match, and the databases can be asked at all."""
    texts = (chosen.username, chosen.token_name, chosen.model_name, chosen.request_id)
    numbers = (chosen.start, chosen.end, chosen.channel)
    return (
        policy.is_known_type(chosen.type)
        and all(is_storable(text) for text in texts)
        and all(-(2**63) <= number < 2**63 for number in numbers)
    )


def _entries(uow: UnitOfWork, ids: Sequence[int]) -> list[LogEntry]:
    found = [_row(row) for row in rows.read_rows(uow.log_session, ids)]
    details = rows.read_details(uow.log_session, [row.request_id for row in found])
    return [_entry(row, details.get(row.request_id)) for row in found]


def _entry(row: LogRow, detail: LogDetail | None) -> LogEntry:
    return LogEntry(row, detail.cached_tokens if detail else 0, detail.first_token_ms if detail else 0)


def _read_detail(stored: LogDetail | None) -> dict[str, object]:
    try:
        return msgspec.json.decode(stored.detail, type=dict[str, object]) if stored else {}
    except msgspec.MsgspecError:
        return {}


def _row(log: Log) -> LogRow:
    return LogRow(
        id=log.id or 0,
        user_id=log.user_id or 0,
        created_at=log.created_at or 0,
        type=log.type or 0,
        content=log.content or "",
        username=log.username or "",
        token_name=log.token_name or "",
        model_name=log.model_name or "",
        quota=log.quota or 0,
        prompt_tokens=log.prompt_tokens or 0,
        completion_tokens=log.completion_tokens or 0,
        channel=log.channel_id or 0,
        request_id=log.request_id or "",
        elapsed_time=log.elapsed_time or 0,
        is_stream=bool(log.is_stream),
        system_prompt_reset=bool(log.system_prompt_reset),
    )


def _without_id(row: LogRow) -> LogRow:
    return msgspec.structs.replace(row, id=0)


def _clean(text: str) -> str:
    """What came from a vendor or a caller in a form every engine takes."""
    return text.replace("\0", "").encode(errors="replace").decode()
