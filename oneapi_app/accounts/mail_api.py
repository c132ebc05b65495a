"""REST routes around e-mail addresses: registering, verification codes, password reset, binding (contract §5.1).

The first three ask for Turnstile where that is switched on; once passed it counts for the browser's session.
"""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from oneapi_app.accounts import sessions
from oneapi_app.accounts.schemas import Registration
from oneapi_app.rest.body import read_json
from oneapi_app.rest.cookies import COOKIE, give_session
from oneapi_app.rest.dependencies import ClientAddress, CurrentActor, CurrentRuntime
from oneapi_app.rest.description import PUBLIC, describes
from oneapi_app.rest.envelope import ok

router = APIRouter(prefix="/api")
Email = Annotated[str, Query(description="An e-mail address.")]
Code = Annotated[str, Query(description="The code that was mailed there.")]
Answer = Annotated[str, Query(description="What Turnstile gave the browser, where Turnstile is switched on.")]


class ResetOrder(msgspec.Struct, frozen=True):
    """What a reset link holds."""

    email: str = ""
    token: str = ""


async def _pass_turnstile(
    request: Request, runtime: CurrentRuntime, address: ClientAddress, turnstile: Answer = ""
) -> None:
    options = runtime.options
    if not options.turnstile_check_enabled:
        return
    cookie = request.cookies.get(COOKIE)
    if cookie and await runtime.database.read(sessions.has_passed_turnstile, cookie):
        return
    await runtime.turnstile.check(turnstile, secret=options.turnstile_secret_key, address=address)
    agent = request.headers.get("user-agent", "")
    secret = await runtime.database.run(
        sessions.note_turnstile_passed, cookie, address=address, user_agent=agent
    )
    if secret != cookie:
        give_session(request, secret, sessions.ANONYMOUS_LIFETIME_S)


@router.post("/user/register", dependencies=[Depends(_pass_turnstile)])
@describes("Register", role=PUBLIC, body=Registration)
async def register(request: Request, runtime: CurrentRuntime) -> Response:
    await runtime.proofs.register(await read_json(request, Registration))
    return ok()


@router.get("/verification", dependencies=[Depends(_pass_turnstile)])
@describes("Mail a verification code", role=PUBLIC)
async def send_code(runtime: CurrentRuntime, email: Email = "") -> Response:
    await runtime.proofs.send_code(email)
    return ok()


@router.get("/reset_password", dependencies=[Depends(_pass_turnstile)])
@describes("Mail a link to reset the password, if anybody has this address", role=PUBLIC)
async def send_reset_link(runtime: CurrentRuntime, email: Email = "") -> Response:
    await runtime.proofs.send_reset_link(email)
    return ok()


@router.post("/user/reset")
@describes("Get a new password with what the link holds", role=PUBLIC, body=ResetOrder, data=str)
async def reset_password(request: Request, runtime: CurrentRuntime) -> Response:
    order = await read_json(request, ResetOrder)
    return ok(await runtime.proofs.reset_password(order.email, order.token))


@router.get("/oauth/email/bind")
@describes("Make an address your own")
async def bind_email(
    runtime: CurrentRuntime, actor: CurrentActor, email: Email = "", code: Code = ""
) -> Response:
    await runtime.proofs.bind_email(actor, email=email, code=code)
    return ok()
