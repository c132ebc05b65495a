"""REST routes of signing in with third parties and of binding them (contract §5.1.7, §5.2)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.exc import IntegrityError

from oneapi_app.accounts import sessions
from oneapi_app.accounts.schemas import UserRow
from oneapi_app.accounts.service import NameTaken
from oneapi_app.accounts.third_party import round_trip, service
from oneapi_app.accounts.third_party.identity import (
    BY_REDIRECT,
    GITHUB,
    LARK,
    OIDC,
    WECHAT,
    Identity,
    Provider,
    require_enabled,
)
from oneapi_app.actor import COMMON, require_role
from oneapi_app.errors import InvalidInput, invalid_parameter
from oneapi_app.rest.cookies import COOKIE, give_session
from oneapi_app.rest.dependencies import ClientAddress, CurrentActor, CurrentRuntime
from oneapi_app.rest.description import PUBLIC, describes
from oneapi_app.rest.envelope import ok
from oneapi_app.runtime import Runtime

router = APIRouter(prefix="/api/oauth")

MAX_CODE = 4096
_ATTEMPTS = 8
"""New users of one instant may reach for the same name, and the same person may come twice."""
_MISMATCH = {403: "The state is not the one this browser was given, or has been used."}
Invitation = Annotated[str, Query(max_length=64)]


@router.get("/state")
@describes("Begin a sign-in with a third party", role=PUBLIC, data=str)
async def state(
    request: Request, runtime: CurrentRuntime, address: ClientAddress, provider: str = ""
) -> Response:
    """A new state. With ``provider`` also ``url``, where to send the browser to."""
    leaving_for = BY_REDIRECT.get(provider)
    if leaving_for is not None:
        require_enabled(leaving_for, runtime.options)
    elif provider:
        raise invalid_parameter()
    cookie = request.cookies.get(COOKIE)
    issued, secret = await runtime.database.run(
        round_trip.depart, cookie, provider=provider, address=address, user_agent=_user_agent(request)
    )
    if secret != cookie:
        give_session(request, secret, sessions.ANONYMOUS_LIFETIME_S)
    if leaving_for is None:
        return ok(issued)
    url = await runtime.third_parties.departure(
        leaving_for, runtime.options, state=issued, verifier=round_trip.code_verifier(secret, issued)
    )
    return ok(issued, url=url)


@router.get("/github")
@describes("Sign in with GitHub, or bind it", role=PUBLIC, data=UserRow, statuses=_MISMATCH)
async def github(
    request: Request,
    runtime: CurrentRuntime,
    address: ClientAddress,
    code: str = "",
    state: str = "",
    aff: Invitation = "",
    aff_code: Invitation = "",
) -> Response:
    return await _return_from(GITHUB, request, runtime, address, code, state, aff or aff_code)


@router.get("/oidc")
@describes("Sign in with OpenID Connect, or bind it", role=PUBLIC, data=UserRow, statuses=_MISMATCH)
async def oidc(
    request: Request,
    runtime: CurrentRuntime,
    address: ClientAddress,
    code: str = "",
    state: str = "",
    aff: Invitation = "",
    aff_code: Invitation = "",
) -> Response:
    return await _return_from(OIDC, request, runtime, address, code, state, aff or aff_code)


@router.get("/lark")
@describes("Sign in with Lark, or bind it", role=PUBLIC, data=UserRow, statuses=_MISMATCH)
async def lark(
    request: Request,
    runtime: CurrentRuntime,
    address: ClientAddress,
    code: str = "",
    state: str = "",
    aff: Invitation = "",
    aff_code: Invitation = "",
) -> Response:
    return await _return_from(LARK, request, runtime, address, code, state, aff or aff_code)


@router.get("/wechat")
@describes("Sign in with WeChat", role=PUBLIC, data=UserRow)
async def wechat(
    request: Request,
    runtime: CurrentRuntime,
    address: ClientAddress,
    code: str = "",
    aff: Invitation = "",
    aff_code: Invitation = "",
) -> Response:
    """The code is the one the site's WeChat account answers with."""
    identity = await _identify(runtime, WECHAT, code)
    return await _sign_in(request, runtime, address, identity, aff or aff_code)


@router.get("/wechat/bind")
@describes("Bind WeChat")
async def bind_wechat(runtime: CurrentRuntime, actor: CurrentActor, code: str = "") -> Response:
    require_role(actor, COMMON)
    identity = await _identify(runtime, WECHAT, code)
    await runtime.database.run(service.bind, actor, identity=identity)
    return ok()


async def _return_from(
    provider: Provider,
    request: Request,
    runtime: Runtime,
    address: str,
    code: str,
    state: str,
    aff_code: str,
) -> Response:
    """The browser is back: binds where somebody is signed in, signs in where nobody is."""
    cookie = request.cookies.get(COOKIE)
    sent_by_us = await runtime.database.run(round_trip.arrive, cookie, provider=provider.name, state=state)
    actor = await runtime.database.read(sessions.actor_for_cookie, cookie)
    if actor is not None:
        require_role(actor, COMMON)
    verifier = round_trip.code_verifier(cookie, state) if cookie and sent_by_us else ""
    identity = await _identify(runtime, provider, code, verifier)
    if actor is None:
        return await _sign_in(request, runtime, address, identity, aff_code)
    await runtime.database.run(service.bind, actor, identity=identity)
    return ok(message="bind")


async def _identify(runtime: Runtime, provider: Provider, code: str, verifier: str = "") -> Identity:
    require_enabled(provider, runtime.options)
    if not code or len(code) > MAX_CODE:
        raise InvalidInput("无效的参数", "the code is missing")
    return await runtime.third_parties.identify(provider, runtime.options, code=code, verifier=verifier)


async def _sign_in(
    request: Request, runtime: Runtime, address: str, identity: Identity, aff_code: str
) -> Response:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            signed_in = await runtime.database.run(
                service.sign_in,
                identity=identity,
                options=runtime.options,
                cookie=request.cookies.get(COOKIE),
                aff_code=aff_code,
                address=address,
                user_agent=_user_agent(request),
            )
        except (IntegrityError, NameTaken):
            if attempt == _ATTEMPTS:
                raise
        else:
            give_session(request, signed_in.cookie, sessions.LIFETIME_S)
            return ok(signed_in.user)
    raise AssertionError("unreachable")


def _user_agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
