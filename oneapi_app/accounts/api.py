"""REST routes of accounts (contract §5.1-§5.4)."""

from fastapi import APIRouter, Request, Response

from oneapi_app.accounts import administration, service, sessions
from oneapi_app.accounts.schemas import (
    AdminTopUp,
    Credentials,
    Manage,
    Registration,
    SelfPatch,
    SignedIn,
    UserDraft,
    UserPatch,
)
from oneapi_app.errors import InvalidInput, invalid_input
from oneapi_app.rest.body import read_id, read_int, read_json
from oneapi_app.rest.dependencies import COOKIE, ClientAddress, CurrentActor, CurrentRuntime
from oneapi_app.rest.envelope import ok

router = APIRouter(prefix="/api")


@router.post("/user/login")
async def login(request: Request, runtime: CurrentRuntime, address: ClientAddress) -> Response:
    signed_in = await runtime.database.run(
        service.sign_in,
        credentials=await read_json(request, Credentials),
        options=runtime.options,
        address=address,
        user_agent=request.headers.get("user-agent", ""),
    )
    return with_session(ok(signed_in.user), request, signed_in)


def with_session(response: Response, request: Request, signed_in: SignedIn) -> Response:
    """The answer with the session's cookie."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    response.set_cookie(
        COOKIE,
        signed_in.cookie,
        max_age=sessions.LIFETIME_S,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or forwarded == "https",
    )
    return response


@router.get("/user/logout")
async def logout(request: Request, runtime: CurrentRuntime) -> Response:
    cookie = request.cookies.get(COOKIE)
    if cookie:
        await runtime.database.run(service.sign_out, cookie=cookie)
    response = ok()
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post("/user/register")
async def register(request: Request, runtime: CurrentRuntime) -> Response:
    registration = await read_json(request, Registration)
    await runtime.database.run(service.register, registration=registration, options=runtime.options)
    return ok()


@router.get("/user/self")
async def read_self(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.read_self, actor))


@router.put("/user/self")
async def update_self(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.update_self, actor, patch=await read_json(request, SelfPatch))
    return ok()


@router.delete("/user/self")
async def delete_self(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(service.delete_self, actor)
    return ok()


@router.get("/user/token")
async def new_access_token(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.new_access_token, actor))


@router.get("/user/aff")
async def invitation_code(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.run(service.invitation_code, actor))


@router.get("/user/available_models")
async def available_models(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.available_models, actor))


@router.get("/user")
async def list_users(
    runtime: CurrentRuntime, actor: CurrentActor, p: str | None = None, order: str = ""
) -> Response:
    rows = await runtime.database.read(administration.list_users, actor, page=read_int(p), order=order)
    return ok(rows)


@router.get("/user/search")
async def search_users(runtime: CurrentRuntime, actor: CurrentActor, keyword: str = "") -> Response:
    return ok(await runtime.database.read(administration.search_users, actor, keyword=keyword))


@router.post("/user/manage")
async def manage_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    order = await read_json(request, Manage)
    return ok(await runtime.database.run(administration.manage_user, actor, order=order))


@router.get("/user/{user_id}")
async def get_user(user_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(administration.get_user, actor, user_id=_id(user_id)))


@router.post("/user")
async def create_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    draft = await read_json(request, UserDraft)
    await runtime.database.run(administration.create_user, actor, draft=draft, options=runtime.options)
    return ok()


@router.put("/user")
async def update_user(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    patch = await read_json(request, UserPatch)
    await runtime.database.run(administration.update_user, actor, patch=patch, options=runtime.options)
    return ok()


@router.delete("/user/{user_id}")
async def delete_user(user_id: str, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    await runtime.database.run(administration.delete_user, actor, user_id=_id(user_id))
    return ok()


@router.post("/topup")
async def top_up(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    order = await read_json(request, AdminTopUp, invalid_input())
    await runtime.database.run(administration.top_up, actor, order=order, options=runtime.options)
    return ok()


def _id(text: str) -> int:
    found = read_id(text)
    if found <= 0:
        raise InvalidInput("无效的 id", "the id is not a number")
    return found
