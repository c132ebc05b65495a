"""REST routes of the site: status, public texts, options (contract §5.1, §5.5)."""

import msgspec
from fastapi import APIRouter, Request, Response

from oneapi_app import __version__
from oneapi_app.actor import ROOT, require_role
from oneapi_app.rest.body import read_bytes
from oneapi_app.rest.dependencies import CurrentActor, CurrentRuntime
from oneapi_app.rest.description import PUBLIC, describes
from oneapi_app.rest.envelope import failed, ok
from oneapi_app.system import service
from oneapi_app.system.service import OptionRow, SiteStatus

router = APIRouter(prefix="/api")


class OptionChange(msgspec.Struct):
    """An option's new value, as text whatever its kind."""

    key: str
    value: str


@router.get("/status")
@describes("How the site is set up", role=PUBLIC, data=SiteStatus)
async def status(runtime: CurrentRuntime) -> Response:
    return ok(
        service.status(
            runtime.options,
            version=f"v{__version__}",
            started_at=runtime.started_at,
            redis=runtime.node.redis_state,
        )
    )


@router.get("/notice")
@describes("The notice", role=PUBLIC, data=str)
async def notice(runtime: CurrentRuntime) -> Response:
    return ok(runtime.options.notice)


@router.get("/about")
@describes("The text of the about page", role=PUBLIC, data=str)
async def about(runtime: CurrentRuntime) -> Response:
    return ok(runtime.options.about)


@router.get("/home_page_content")
@describes("The text or address of the home page", role=PUBLIC, data=str)
async def home_page_content(runtime: CurrentRuntime) -> Response:
    return ok(runtime.options.home_page_content)


@router.get("/option")
@describes("List options, secret ones excepted", role=ROOT, data=list[OptionRow])
async def list_options(runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    return ok(await runtime.database.read(service.list_options, actor, settings=runtime.settings))


@router.put("/option")
@describes("Save an option", role=ROOT, body=OptionChange, statuses={400: "The body is none."})
async def save_option(request: Request, runtime: CurrentRuntime, actor: CurrentActor) -> Response:
    require_role(actor, ROOT)
    try:
        change = msgspec.json.decode(await read_bytes(request), type=OptionChange)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        localised = request.headers.get("accept-language", "").lower().startswith("zh")
        return failed("无效的参数" if localised else "invalid parameter", 400)
    await runtime.database.run(service.save_option, actor, name=change.key, value=change.value)
    return ok()
