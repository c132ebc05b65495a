"""Who is calling, for route handlers: the session's cookie first, then the access token (contract §5.0.1)."""

from typing import Annotated

from fastapi import Depends, Request

from oneapi_app.accounts import sessions
from oneapi_app.actor import Actor
from oneapi_app.errors import Forbidden, Unauthenticated
from oneapi_app.kit.client_address import client_address
from oneapi_app.rest.cookies import COOKIE
from oneapi_app.runtime import Runtime


def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime


CurrentRuntime = Annotated[Runtime, Depends(_runtime)]


async def _actor(request: Request, runtime: CurrentRuntime) -> Actor:
    cookie = request.cookies.get(COOKIE)
    actor = None if cookie is None else await runtime.database.read(sessions.actor_for_request, cookie)
    if actor is not None:
        return actor
    token = request.headers.get("authorization", "")
    if not token:
        raise Unauthenticated(
            "无权进行此操作，未登录且未提供 access token", "not signed in and no access token given"
        )
    token = token.removeprefix("Bearer ")
    actor = await runtime.database.read(sessions.actor_for_access_token, token)
    if actor is None:
        raise Forbidden("无权进行此操作，access token 无效", "the access token is not valid")
    return actor


def _address(request: Request, runtime: CurrentRuntime) -> str:
    return client_address(request.scope, runtime.trusted_networks)


CurrentActor = Annotated[Actor, Depends(_actor)]
ClientAddress = Annotated[str, Depends(_address)]
