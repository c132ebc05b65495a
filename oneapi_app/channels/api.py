"""REST routes of channels, groups and models (contract §5.4)."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from oneapi_app.actor import ADMIN, COMMON, require_role
from oneapi_app.channels import service
from oneapi_app.channels.policy import describe_result
from oneapi_app.channels.schemas import ChannelDraft
from oneapi_app.providers.model_list import full_catalogue
from oneapi_app.providers.registry import models_by_type
from oneapi_app.rest.body import read_id, read_int, read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.envelope import failed, json_response, ok

router = APIRouter(prefix="/api")


@router.get("/models")
async def models(actor: CurrentActor) -> Response:
    require_role(actor, COMMON)
    return ok(models_by_type())


@router.get("/group")
async def groups(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return ok(sorted(runtime.options.group_ratio))


@router.get("/channel")
async def list_channels(runtime: CurrentRuntime, actor: CurrentActor, p: str | None = None) -> Response:
    return ok(await runtime.database.read(service.list_newest, actor, page=read_int(p)))


@router.get("/channel/search")
async def search(runtime: CurrentRuntime, actor: CurrentActor, keyword: str = "") -> Response:
    return ok(await runtime.database.read(service.search, actor, keyword=keyword))


@router.get("/channel/models")
async def catalogue(actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return json_response(full_catalogue())


@router.get("/channel/test")
async def test_all(runtime: CurrentRuntime, actor: CurrentActor, scope: str = "all") -> Response:
    runtime.prober.start_all(actor, disabled_only=scope == "disabled")
    return ok()


@router.get("/channel/test/{channel_id}")
async def test(channel_id: str, runtime: CurrentRuntime, actor: CurrentActor, model: str = "") -> Response:
    result, _asked = await runtime.prober.test(actor, read_id(channel_id), model)
    more: dict[str, Any] = {"time": result.elapsed_ms / 1000 if result.ok else 0, "modelName": model}
    if result.ok:
        return json_response(msgspec.json.encode({"message": result.message, "success": True, **more}))
    return failed(describe_result(result), **more)


@router.get("/channel/update_balance")
async def update_all_balances(actor: CurrentActor, runtime: CurrentRuntime) -> Response:
    runtime.balances.start_all(actor)
    return ok()


@router.get("/channel/update_balance/{channel_id}")
async def update_balance(channel_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(balance=await runtime.balances.update(actor, read_id(channel_id)))


@router.get("/channel/{channel_id}")
async def get(channel_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get, actor, channel_id=read_id(channel_id)))


@router.post("/channel")
async def create(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    await runtime.database.run(service.create, actor, draft=await read_json(request, ChannelDraft))
    return ok()


@router.put("/channel")
async def update(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return ok(await runtime.database.run(service.update, actor, draft=await read_json(request, ChannelDraft)))


@router.delete("/channel/disabled")
async def delete_disabled(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.delete_disabled, actor))


@router.delete("/channel/{channel_id}")
async def delete(channel_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, channel_ids=[read_id(channel_id)])
    return ok()
