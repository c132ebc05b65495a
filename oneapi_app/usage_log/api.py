"""REST routes of the usage log and of the dashboard's figures (contract §5.2.1, §5.4)."""

from fastapi import APIRouter, Request, Response

from oneapi_app.actor import ADMIN, require_role
from oneapi_app.errors import InvalidInput
from oneapi_app.rest.body import read_int
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.envelope import ok
from oneapi_app.usage_log import figures, service, upkeep
from oneapi_app.usage_log.schemas import LogFilter

router = APIRouter(prefix="/api", tags=["log"])


@router.get("/user/dashboard")
async def dashboard(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """The caller's last seven UTC days by model; null where there was no consumption."""
    return ok(await runtime.database.read(figures.week_by_day, actor) or None)


@router.get("/log")
async def list_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    page = read_int(request.query_params.get("p"))
    return ok(await runtime.database.read(service.list_all, actor, chosen=_chosen(request), page=page))


@router.delete("/log")
async def delete_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Deletes rows older than ``target_timestamp``; the answer is how many."""
    require_role(actor, ADMIN)
    before = read_int(request.query_params.get("target_timestamp"))
    if before <= 0:
        raise InvalidInput("target timestamp is required", "target timestamp is required")
    return ok(await upkeep.clean_up(runtime.database, actor, before))


@router.get("/log/stat")
async def stat_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    usage = await runtime.database.read(figures.stat_all, actor, chosen=_chosen(request))
    return ok({"quota": usage.quota})


@router.get("/log/search")
async def search_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    keyword = request.query_params.get("keyword", "")
    return ok(await runtime.database.read(service.search_all, actor, keyword=keyword))


@router.get("/log/self")
async def list_own_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    page = read_int(request.query_params.get("p"))
    chosen = _chosen(request, with_channel=False)
    return ok(await runtime.database.read(service.list_own, actor, chosen=chosen, page=page))


@router.get("/log/self/stat")
async def stat_own_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    usage = await runtime.database.read(figures.stat_own, actor, chosen=_chosen(request))
    return ok({"quota": usage.quota})


@router.get("/log/self/search")
async def search_own_logs(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    keyword = request.query_params.get("keyword", "")
    return ok(await runtime.database.read(service.search_own, actor, keyword=keyword))


def _chosen(request: Request, *, with_channel: bool = True) -> LogFilter:
    query = request.query_params
    return LogFilter(
        type=read_int(query.get("type")),
        start=read_int(query.get("start_timestamp")),
        end=read_int(query.get("end_timestamp")),
        username=query.get("username", ""),
        token_name=query.get("token_name", ""),
        model_name=query.get("model_name", ""),
        channel=read_int(query.get("channel")) if with_channel else 0,
    )
