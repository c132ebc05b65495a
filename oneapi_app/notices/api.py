"""A REST route of our own: trying the mail settings."""

import msgspec
from fastapi import APIRouter, Request, Response

from oneapi_app.actor import ROOT, require_role
from oneapi_app.rest.body import read_json
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import describes
from oneapi_app.rest.envelope import ok

router = APIRouter(prefix="/api")


class MailTrial(msgspec.Struct, frozen=True):
    """``email`` empty: to your own address."""

    email: str = ""


@router.post("/option/test_mail")
@describes("Send a test message with the saved mail settings", role=ROOT, body=MailTrial, data=str)
async def send_test_mail(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ROOT)
    order = await read_json(request, MailTrial)
    return ok(await runtime.notices.send_test_letter(actor, receiver=order.email))
