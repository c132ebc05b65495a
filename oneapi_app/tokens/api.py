"""REST routes of tokens (contract §5.3): always the caller's own."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from oneapi_app.rest.body import read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import describes
from oneapi_app.rest.envelope import ok
from oneapi_app.rest.parameters import Id, Keyword, PageNumber, StatusOnly
from oneapi_app.tokens import service
from oneapi_app.tokens.schemas import TokenDraft, TokenRow

router = APIRouter(prefix="/api/token")


class TokenEdit(TokenDraft, frozen=True):
    """A token's new fields, or with ``status_only`` its new status."""

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


Order = Annotated[str, Query(description="`remain_quota` or `used_quota`: largest first; else newest first.")]


@router.get("")
@describes("List your tokens", data=list[TokenRow])
async def list_tokens(
    runtime: CurrentRuntime, actor: CurrentActor, p: PageNumber = 0, order: Order = ""
) -> Response:
    return ok(await runtime.database.read(service.list_own, actor, page=p, order=order))


@router.get("/search")
@describes("Search your tokens by name", data=list[TokenRow])
async def search_tokens(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(service.search_own, actor, prefix=keyword))


@router.get("/{token_id}")
@describes("One of your tokens", data=TokenRow)
async def get_token(token_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.get_own, actor, token_id=token_id))


@router.post("")
@describes("Make a token", body=TokenDraft, data=TokenRow)
async def create_token(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    draft = await read_json(request, TokenDraft)
    return ok(await runtime.database.run(service.create, actor, draft=draft))


@router.put("")
@describes("Change a token", body=TokenEdit, data=TokenRow)
async def update_token(
    request: Request, runtime: CurrentRuntime, actor: CurrentActor, status_only: StatusOnly = ""
) -> Response:
    """All editable fields, missing ones as zero values; with ``?status_only=true`` the status alone."""
    edit = await read_json(request, TokenEdit)
    if status_only:
        row = await runtime.database.run(service.set_status, actor, token_id=edit.id, status=edit.status or 0)
    else:
        row = await runtime.database.run(
            service.update, actor, token_id=edit.id, draft=edit.draft(), status=edit.status
        )
    return ok(row)


@router.delete("/{token_id}")
@describes("Delete a token")
async def delete_token(token_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete, actor, token_id=token_id)
    return ok()
