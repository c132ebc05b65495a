"""REST routes of channels, groups and models (contract §5.4)."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from oneapi_app.actor import ADMIN, COMMON, require_role
from oneapi_app.channels import service
from oneapi_app.channels.policy import describe_result
from oneapi_app.channels.schemas import Catalogue, ChannelDraft, ChannelRow
from oneapi_app.providers.model_list import full_catalogue
from oneapi_app.providers.registry import models_by_type
from oneapi_app.rest.body import read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import describes
from oneapi_app.rest.envelope import failed, json_response, ok
from oneapi_app.rest.parameters import Id, Keyword, PageNumber

router = APIRouter(prefix="/api")
Scope = Annotated[str, Query(description="`disabled`: only channels that are switched off.")]
Model = Annotated[str, Query(description="What to ask; else the first of the channel's models.")]
_TESTED = {"time": float, "modelName": str}


@router.get("/models")
@describes("Models of each channel type, by its number", data=dict[str, list[str] | None])
async def models(actor: CurrentActor) -> Response:
    require_role(actor, COMMON)
    return ok(models_by_type())


@router.get("/group")
@describes("List user groups", role=ADMIN, data=list[str])
async def groups(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return ok(sorted(runtime.options.group_ratio))


@router.get("/channel")
@describes("List channels", role=ADMIN, data=list[ChannelRow])
async def list_channels(runtime: CurrentRuntime, actor: CurrentActor, p: PageNumber = 0) -> Response:
    return ok(await runtime.database.read(service.list_newest, actor, page=p))


@router.get("/channel/search")
@describes("Search channels by id or name", role=ADMIN, data=list[ChannelRow])
async def search(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(service.search, actor, keyword=keyword))


@router.get("/channel/models")
@describes("Every model of every channel type", role=ADMIN, answer=Catalogue)
async def catalogue(actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return json_response(full_catalogue())


@router.get("/channel/test")
@describes("Test all channels in the background", role=ADMIN)
async def test_all(runtime: CurrentRuntime, actor: CurrentActor, scope: Scope = "all") -> Response:
    runtime.prober.start_all(actor, disabled_only=scope == "disabled")
    return ok()


@router.get("/channel/test/{channel_id}")
@describes("Test a channel", role=ADMIN, more=_TESTED)
async def test(channel_id: Id, runtime: CurrentRuntime, actor: CurrentActor, model: Model = "") -> Response:
    """``time`` is in seconds, ``message`` what the model said."""
    result, _asked = await runtime.prober.test(actor, channel_id, model)
    more: dict[str, Any] = {"time": result.elapsed_ms / 1000 if result.ok else 0, "modelName": model}
    if result.ok:
        return json_response(msgspec.json.encode({"message": result.message, "success": True, **more}))
    return failed(describe_result(result), **more)


@router.get("/channel/update_balance")
@describes("Ask vendors for all balances, in the background", role=ADMIN)
async def update_all_balances(actor: CurrentActor, runtime: CurrentRuntime) -> Response:
    runtime.balances.start_all(actor)
    return ok()


@router.get("/channel/update_balance/{channel_id}")
@describes("Ask the vendor for a channel's balance", role=ADMIN, more={"balance": float})
async def update_balance(channel_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(balance=await runtime.balances.update(actor, channel_id))


@router.get("/channel/{channel_id}")
@describes("One channel", role=ADMIN, data=ChannelRow)
async def get(channel_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get, actor, channel_id=channel_id))


@router.post("/channel")
@describes("Make channels, one for each line of the key", role=ADMIN, body=ChannelDraft)
async def create(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    await runtime.database.run(service.create, actor, draft=await read_json(request, ChannelDraft))
    return ok()


@router.put("/channel")
@describes("Change a channel", role=ADMIN, body=ChannelDraft, data=ChannelRow)
async def update(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ADMIN)
    return ok(await runtime.database.run(service.update, actor, draft=await read_json(request, ChannelDraft)))


@router.delete("/channel/disabled")
@describes("Delete all channels that are switched off", role=ADMIN, data=int)
async def delete_disabled(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.delete_disabled, actor))


@router.delete("/channel/{channel_id}")
@describes("Delete a channel", role=ADMIN)
async def delete(channel_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, channel_ids=[channel_id])
    return ok()
