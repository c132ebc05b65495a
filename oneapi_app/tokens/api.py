"""REST routes of tokens (contract §5.3): always the caller's own."""

from fastapi import APIRouter, Request, Response

from oneapi_app.rest.body import read_id, read_int, read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.envelope import ok
from oneapi_app.tokens import service
from oneapi_app.tokens.schemas import TokenDraft

router = APIRouter(prefix="/api/token", tags=["tokens"])


class _Edit(TokenDraft, frozen=True):
    id: int = 0
    status: int | None = None

    def draft(self) -> TokenDraft:
        return TokenDraft(
            name=self.name,
            expired_time=self.expired_time,
            remain_quota=self.remain_quota or 0,
            unlimited_quota=self.unlimited_quota,
            models=self.models,
            subnet=self.subnet,
        )


@router.get("")
async def list_tokens(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    query = request.query_params
    found = await runtime.database.read(
        service.list_own, actor, page=read_int(query.get("p")), order=query.get("order", "")
    )
    return ok(found)


@router.get("/search")
async def search_tokens(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    keyword = request.query_params.get("keyword", "")
    return ok(await runtime.database.read(service.search_own, actor, prefix=keyword))


@router.get("/{token_id}")
async def get_token(token_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get_own, actor, token_id=read_id(token_id)))


@router.post("")
async def create_token(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    draft = await read_json(request, TokenDraft)
    return ok(await runtime.database.run(service.create, actor, draft=draft))


@router.put("")
async def update_token(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    """All editable fields, missing ones as zero values; with ``?status_only=true`` the status alone."""
    edit = await read_json(request, _Edit)
    if request.query_params.get("status_only"):
        row = await runtime.database.run(service.set_status, actor, token_id=edit.id, status=edit.status or 0)
    else:
        row = await runtime.database.run(
            service.update, actor, token_id=edit.id, draft=edit.draft(), status=edit.status
        )
    return ok(row)


@router.delete("/{token_id}")
async def delete_token(token_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, token_id=read_id(token_id))
    return ok()
