"""REST routes of redemption codes (contract §5.2, §5.4)."""

import msgspec
from fastapi import APIRouter, Request, Response

from oneapi_app.actor import ADMIN
from oneapi_app.redemptions import service
from oneapi_app.redemptions.schemas import RedemptionDraft, RedemptionRow
from oneapi_app.rest.body import read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import describes
from oneapi_app.rest.envelope import ok
from oneapi_app.rest.parameters import Id, Keyword, PageNumber, StatusOnly

router = APIRouter(prefix="/api")


class Redeem(msgspec.Struct):
    """A code somebody was given."""

    key: str | None = None


class RedemptionEdit(msgspec.Struct):
    """A code's new name and quota, or with ``status_only`` its new status."""

    id: int = 0
    name: str | None = None
    quota: int | None = None
    status: int | None = None


@router.post("/user/topup")
@describes("Redeem a code", body=Redeem, data=int)
async def redeem(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Redeems a code; the answer is the quota added."""
    body = await read_json(request, Redeem)
    return ok(await runtime.database.run(service.redeem, actor, key=body.key or "", options=runtime.options))


@router.get("/redemption")
@describes("List codes", role=ADMIN, data=list[RedemptionRow])
async def list_redemptions(runtime: CurrentRuntime, actor: CurrentActor, p: PageNumber = 0) -> Response:
    return ok(await runtime.database.read(service.list_newest, actor, page=p))


@router.get("/redemption/search")
@describes("Search codes by id or name", role=ADMIN, data=list[RedemptionRow])
async def search_redemptions(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(service.search, actor, keyword=keyword))


@router.get("/redemption/{redemption_id}")
@describes("One code", role=ADMIN, data=RedemptionRow)
async def get_redemption(redemption_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get, actor, redemption_id=redemption_id))


@router.post("/redemption")
@describes("Make codes", role=ADMIN, body=RedemptionDraft, data=list[str])
async def create_redemptions(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """Makes ``count`` codes; the answer is the codes."""
    draft = await read_json(request, RedemptionDraft)
    return ok(await runtime.database.run(service.create, actor, draft=draft))


@router.put("/redemption")
@describes("Change a code", role=ADMIN, body=RedemptionEdit, data=RedemptionRow)
async def update_redemption(
    request: Request, runtime: CurrentRuntime, actor: CurrentActor, status_only: StatusOnly = ""
) -> Response:
    """Name and quota, or with ``?status_only=true`` the status."""
    edit = await read_json(request, RedemptionEdit)
    if status_only:
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
@describes("Delete a code", role=ADMIN)
async def delete_redemption(redemption_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, redemption_id=redemption_id)
    return ok()
