"""REST routes of accounts (contract §5.1-§5.4)."""

from fastapi import APIRouter, Request, Response

from oneapi_app.accounts import administration, service, sessions
from oneapi_app.accounts.schemas import (
    AdminTopUp,
    Credentials,
    Manage,
    SelfPatch,
    UserDraft,
    UserPatch,
    UserRow,
)
from oneapi_app.actor import ADMIN
from oneapi_app.errors import InvalidInput, invalid_input
from oneapi_app.rest.body import read_json
from oneapi_app.rest.cookies import COOKIE, give_session
from oneapi_app.rest.dependencies import ClientAddress, CurrentActor, CurrentRuntime
from oneapi_app.rest.description import PUBLIC, describes
from oneapi_app.rest.envelope import ok
from oneapi_app.rest.parameters import Id, Keyword, PageNumber

router = APIRouter(prefix="/api")


@router.post("/user/login")
@describes("Sign in", role=PUBLIC, body=Credentials, data=UserRow)
async def login(request: Request, runtime: CurrentRuntime, address: ClientAddress) -> Response:
    signed_in = await runtime.database.run(
        service.sign_in,
        credentials=await read_json(request, Credentials),
        options=runtime.options,
        address=address,
        user_agent=request.headers.get("user-agent", ""),
    )
    give_session(request, signed_in.cookie, sessions.LIFETIME_S)
    return ok(signed_in.user)


@router.get("/user/logout")
@describes("Sign out", role=PUBLIC)
async def logout(request: Request, runtime: CurrentRuntime) -> Response:
    cookie = request.cookies.get(COOKIE)
    response = ok()
    if cookie:
        await runtime.database.run(service.sign_out, cookie=cookie)
        response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/user/self")
@describes("Your account", data=UserRow)
async def read_self(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.read_self, actor))


@router.put("/user/self")
@describes("Change your name or password", body=SelfPatch)
async def update_self(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.update_self, actor, patch=await read_json(request, SelfPatch))
    return ok()


@router.delete("/user/self")
@describes("Delete your account")
async def delete_self(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete_self, actor)
    return ok()


@router.get("/user/token")
@describes("Replace your access token by a new one", data=str)
async def new_access_token(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.new_access_token, actor))


@router.get("/user/aff")
@describes("Your invitation code", data=str)
async def invitation_code(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.invitation_code, actor))


@router.get("/user/available_models")
@describes("Models you may use", data=list[str])
async def available_models(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.available_models, actor))


@router.get("/user")
@describes("List users", role=ADMIN, data=list[UserRow])
async def list_users(
    runtime: CurrentRuntime, actor: CurrentActor, p: PageNumber = 0, order: str = ""
) -> Response:
    rows = await runtime.database.read(administration.list_users, actor, page=p, order=order)
    return ok(rows)


@router.get("/user/search")
@describes("Search users by id, name or e-mail", role=ADMIN, data=list[UserRow])
async def search_users(runtime: CurrentRuntime, actor: CurrentActor, keyword: Keyword = "") -> Response:
    return ok(await runtime.database.read(administration.search_users, actor, keyword=keyword))


@router.post("/user/manage")
@describes("Disable, enable, delete, promote or demote a user", role=ADMIN, body=Manage, data=UserRow)
async def manage_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    order = await read_json(request, Manage)
    return ok(await runtime.database.run(administration.manage_user, actor, order=order))


@router.get("/user/{user_id}")
@describes("One user", role=ADMIN, data=UserRow)
async def get_user(user_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(administration.get_user, actor, user_id=_id(user_id)))


@router.post("/user")
@describes("Make a user", role=ADMIN, body=UserDraft)
async def create_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    draft = await read_json(request, UserDraft)
    await runtime.database.run(administration.create_user, actor, draft=draft, options=runtime.options)
    return ok()


@router.put("/user")
@describes("Change a user", role=ADMIN, body=UserPatch)
async def update_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    patch = await read_json(request, UserPatch)
    await runtime.database.run(administration.update_user, actor, patch=patch, options=runtime.options)
    return ok()


@router.delete("/user/{user_id}")
@describes("Delete a user", role=ADMIN)
async def delete_user(user_id: Id, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(administration.delete_user, actor, user_id=_id(user_id))
    return ok()


@router.post("/topup")
@describes("Add to a user's balance", role=ADMIN, body=AdminTopUp)
async def top_up(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    order = await read_json(request, AdminTopUp, invalid_input())
    await runtime.database.run(administration.top_up, actor, order=order, options=runtime.options)
    return ok()


def _id(found: int) -> int:
    if found <= 0:
        raise InvalidInput("无效的 id", "the id is not a number")
    return found
