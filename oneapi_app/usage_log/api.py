"""REST routes of the usage log and of the dashboard's figures (contract §5.2.1, §5.4)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BeforeValidator

from oneapi_app.actor import ADMIN, require_role
from oneapi_app.errors import InvalidInput
from oneapi_app.rest.body import read_int
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import describes
from oneapi_app.rest.envelope import ok
from oneapi_app.rest.parameters import Keyword, Number, PageNumber, Timestamp
from oneapi_app.usage_log import figures, service, upkeep
from oneapi_app.usage_log.schemas import DayRow, LogFilter, LogRow, QuotaSum

router = APIRouter(prefix="/api")
Name = Annotated[str, Query(description="Compared exactly; empty means any.")]
Type = Annotated[
    int,
    BeforeValidator(read_int),
    Query(description="1 top-up, 2 consumption, 3 management, 4 system, 5 test; 0 any."),
]


def _chosen(
    type: Type = 0,
    start_timestamp: Timestamp = 0,
    end_timestamp: Timestamp = 0,
    username: Name = "",
    token_name: Name = "",
    model_name: Name = "",
    channel: Number = 0,
) -> LogFilter:
    return LogFilter(type, start_timestamp, end_timestamp, username, token_name, model_name, channel)


def _chosen_of_own(
    type: Type = 0,
    start_timestamp: Timestamp = 0,
    end_timestamp: Timestamp = 0,
    token_name: Name = "",
    model_name: Name = "",
) -> LogFilter:
    return LogFilter(type, start_timestamp, end_timestamp, "", token_name, model_name)


Chosen = Annotated[LogFilter, Depends(_chosen)]


@router.get("/user/dashboard")
@describes("Your consumption of the last seven days", data=list[DayRow] | None)
async def dashboard(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """The caller's last seven UTC days by model; null where there was no consumption."""
    return ok(await runtime.database.read(figures.week_by_day, actor) or None)


@router.get("/log")
@describes("List the usage log", role=ADMIN, data=list[LogRow])
async def list_logs(
    runtime: CurrentRuntime, actor: CurrentActor, chosen: Chosen, p: PageNumber = 0
) -> Response:
    return ok(await runtime.database.read(service.list_all, actor, chosen=chosen, page=p))


@router.delete("/log")
@describes("Delete old rows of the usage log", role=ADMIN, data=int)
async def delete_logs(
    runtime: CurrentRuntime, actor: CurrentActor, target_timestamp: Timestamp = 0
) -> Response:
    """Deletes rows older than ``target_timestamp``; the answer is how many."""
    require_role(actor, ADMIN)
    if target_timestamp <= 0:
        raise InvalidInput("target timestamp is required", "target timestamp is required")
    return ok(await upkeep.clean_up(runtime.database, actor, target_timestamp))


@router.get("/log/stat")
@describes("What was consumed, in all", role=ADMIN, data=QuotaSum)
async def stat_logs(runtime: CurrentRuntime, actor: CurrentActor, chosen: Chosen) -> Response:
    usage = await runtime.database.read(figures.stat_all, actor, chosen=chosen)
    return ok(QuotaSum(usage.quota))


@router.get("/log/search")
@describes("Search the usage log by type or content", role=ADMIN, data=list[LogRow])
async def search_logs(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(service.search_all, actor, keyword=keyword))


@router.get("/log/self")
@describes("List your own usage log", data=list[LogRow])
async def list_own_logs(
    runtime: CurrentRuntime,
    actor: CurrentActor,
    chosen: Annotated[LogFilter, Depends(_chosen_of_own)],
    p: PageNumber = 0,
) -> Response:
    return ok(await runtime.database.read(service.list_own, actor, chosen=chosen, page=p))


@router.get("/log/self/stat")
@describes("What you consumed, in all", data=QuotaSum)
async def stat_own_logs(runtime: CurrentRuntime, actor: CurrentActor, chosen: Chosen) -> Response:
    usage = await runtime.database.read(figures.stat_own, actor, chosen=chosen)
    return ok(QuotaSum(usage.quota))


@router.get("/log/self/search")
@describes("Search your own usage log by type", data=list[LogRow])
async def search_own_logs(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(service.search_own, actor, keyword=keyword))
