"""Assembles the management API from the domains' routers."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from starlette.exceptions import HTTPException

from oneapi_app import __version__
from oneapi_app.accounts import api as accounts
from oneapi_app.accounts import mail_api as account_mail
from oneapi_app.accounts.third_party import api as third_party
from oneapi_app.channels import api as channels
from oneapi_app.errors import AppError, RateLimited, invalid_parameter
from oneapi_app.kit.request_uri import request_uri
from oneapi_app.limits.limits import retry_after
from oneapi_app.notices import api as notices
from oneapi_app.redemptions import api as redemptions
from oneapi_app.rest.docs_page import router as docs_page
from oneapi_app.rest.envelope import failed, json_response
from oneapi_app.rest.front import Front
from oneapi_app.rest.openapi import describe_api
from oneapi_app.runtime import Runtime
from oneapi_app.system import api as system
from oneapi_app.tokens import api as tokens
from oneapi_app.usage_log import api as usage_log

log = logging.getLogger(__name__)


class _ManagementApi(FastAPI):
    """Describes itself with what ``rest.description`` holds."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe_api(self)
        return self.openapi_schema


def create_rest_app(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """The ASGI app behind ``/api``."""
    return Front(create_api(runtime), runtime)


def create_api(runtime: Runtime) -> FastAPI:
    """The routes, without what every request passes first."""
    app = _ManagementApi(
        title="One API management API",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.runtime = runtime
    # The log's /api/user/dashboard stands before accounts' /api/user/{user_id}.
    for domain in (
        system,
        notices,
        usage_log,
        redemptions,
        account_mail,
        accounts,
        third_party,
        tokens,
        channels,
    ):
        app.include_router(domain.router)
    app.include_router(docs_page)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _unmatched)
    app.add_exception_handler(Exception, _broken)
    return app


async def _app_error(request: Request, error: Any) -> Response:
    """AppErrors in the envelope, HTTP 200 but for a few (contract §5.0).

    ``message`` is the original's, in Chinese; who asks for English gets ``message_en`` beside it.
    """
    assert isinstance(error, AppError)
    message = error.zh
    language = request.headers.get("accept-language", "").lower()
    if error.localised and not language.startswith("zh"):
        message = error.en
    in_english = {"message_en": error.en} if language.startswith("en") else {}
    response = failed(message, error.http_status, **in_english)
    if isinstance(error, RateLimited):
        name, value = retry_after(error.retry_after_s)
        response.headers[name.decode()] = value.decode()
    return response


async def _not_valid(request: Request, _error: Any) -> Response:
    return await _app_error(request, invalid_parameter())


async def _unmatched(request: Request, error: Any) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        elsewhere = request.app.state.runtime.settings.pages_elsewhere
        if elsewhere:
            return Response(status_code=301, headers={"location": elsewhere + request_uri(request.scope)})
        return json_response(invalid_url(request.method, request.url.path), 404)
    return failed(str(error.detail), error.status_code)


async def _broken(request: Request, _error: Any) -> Response:
    """A fault of ours. The front, which sees it next, writes it to the log."""
    return failed(f"服务器内部错误 (request id: {request.scope['request_id']})", 500)


def invalid_url(method: str, path: str) -> bytes:
    """The body of an unmatched path (contract §5.6)."""
    error = {
        "message": f"Invalid URL ({method} {path})",
        "type": "invalid_request_error",
        "param": "",
        "code": "",
    }
    return msgspec.json.encode({"error": error})
