"""REST routes of redemption codes (contract §5.2, §5.4)."""

import msgspec
from fastapi import APIRouter, Request, Response

from oneapi_app.redemptions import service
from oneapi_app.redemptions.schemas import RedemptionDraft
from oneapi_app.rest.body import read_id, read_int, read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.envelope import ok

router = APIRouter(prefix="/api", tags=["redemptions"])


class _Redeem(msgspec.Struct):
    key: str | None = None


class _Edit(msgspec.Struct):
    id: int = 0
    name: str | None = None
    quota: int | None = None
    status: int | None = None


@router.post("/user/topup")
async def redeem(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Redeems a code; the answer is the quota added."""
    body = await read_json(request, _Redeem)
    return ok(await runtime.database.run(service.redeem, actor, key=body.key or "", options=runtime.options))


@router.get("/redemption")
async def list_redemptions(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    page = read_int(request.query_params.get("p"))
    return ok(await runtime.database.read(service.list_newest, actor, page=page))


@router.get("/redemption/search")
async def search_redemptions(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    keyword = request.query_params.get("keyword", "")
    return ok(await runtime.database.read(service.search, actor, keyword=keyword))


@router.get("/redemption/{redemption_id}")
async def get_redemption(redemption_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get, actor, redemption_id=read_id(redemption_id)))


@router.post("/redemption")
async def create_redemptions(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Makes ``count`` codes; the answer is the codes."""
    draft = await read_json(request, RedemptionDraft)
    return ok(await runtime.database.run(service.create, actor, draft=draft))


@router.put("/redemption")
async def update_redemption(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Name and quota, or with ``?status_only=true`` the status."""
    edit = await read_json(request, _Edit)
    if request.query_params.get("status_only"):
        return ok(
            await runtime.database.run(
                service.set_status, actor, redemption_id=edit.id, status=edit.status or 0
            )
        )
    return ok(
        await runtime.database.run(
            service.update, actor, redemption_id=edit.id, name=edit.name or "", quota=edit.quota or 0
        )
    )


@router.delete("/redemption/{redemption_id}")
async def delete_redemption(redemption_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, redemption_id=read_id(redemption_id))
    return ok()
