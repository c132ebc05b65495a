"""The relay's front: paths, CORS, request ids, bodies, and errors in the caller's form.

Knows nothing of prices or channels beyond asking for one; what happens to a request is told in ``flow``.
"""

import logging
import re
from urllib.parse import unquote

from oneapi_app.billing.errors import LedgerRefusal, TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.kit.clock import monotonic_ms, now_s
from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.kit.request_uri import request_uri
from oneapi_app.providers.base import ClientRequest, Dialect, Operation
from oneapi_app.relay import admission, catalogue, endpoints
from oneapi_app.relay.body import (
    check_max_tokens,
    check_messages,
    check_speech,
    check_stream,
    read_body,
    read_json,
)
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.flow import named_channel, relay_call
from oneapi_app.relay.presence import Presence
from oneapi_app.relay.refusals import Refusal, invalid_request, no_channel, unknown_channel
from oneapi_app.relay.reply import ClientGone, Receive, Reply, Scope, Send
from oneapi_app.tokens import service as tokens
from oneapi_app.tokens.schemas import CallerRecord

log = logging.getLogger(__name__)

_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET,POST,PUT,DELETE,OPTIONS"),
    (b"access-control-max-age", b"43200"),
]
_MAY_BE_FORMS = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION, None})
_STREAMED = frozenset({Operation.CHAT, Operation.COMPLETIONS})
_CHANNEL_ID = re.compile(r"[0-9]{1,18}")
_FOR_PROVIDERS = frozenset({b"content-type", b"accept", b"anthropic-version", b"anthropic-beta"})


class RelayApp:
    """ASGI application for ``/v1`` and the billing paths."""

    def __init__(self, context: RelayContext) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        request_id = new_request_id()
        reply = Reply(send, request_id)
        activity = self._context.activity
        activity.in_flight += 1
        try:
            await self._answer(scope, receive, send, reply, request_id)
        except Refusal as refusal:
            activity.failed += 1
            await _refuse(reply, refusal, request_id)
        except UserQuotaExceeded:
            await _refuse(
                reply, Refusal(403, "user quota is not enough", code="insufficient_user_quota"), request_id
            )
        except TokenQuotaExceeded:
            await _refuse(
                reply, Refusal(403, "令牌额度不足", code="pre_consume_token_quota_failed"), request_id
            )
        except LedgerRefusal as error:
            await _refuse(reply, Refusal(503, str(error), code="ledger_unavailable"), request_id)
        except ClientGone:
            pass
        except Exception as error:
            activity.failed += 1
            log.exception("request %s failed: %s", request_id, type(error).__name__)
            await _refuse(reply, Refusal(500, "internal error", code="internal_error"), request_id)
        finally:
            activity.in_flight -= 1

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, reply: Reply, request_id: str
    ) -> None:
        method: str = scope["method"]
        path: str = scope["path"]
        if method == "OPTIONS":
            await _preflight(scope, send)
            return
        headers = dict(scope["headers"])
        reply.from_a_page = b"origin" in headers
        context = self._context
        if path in endpoints.BILLING and method == "GET":
            wait_s = await context.limits.general.hit(context.client_address(scope))
            if wait_s is not None:
                await reply.whole(429, b"", retry_after_s=wait_s)
                return
            caller = await self._admit(scope, headers)
            await reply.whole(200, await catalogue.billing(context, caller, endpoints.BILLING[path]))
            return
        if method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
            caller = await self._admit(scope, headers)
            name = unquote(path[len("/v1/models/") :])
            await reply.whole(200, catalogue.model(name) if name else catalogue.models(context, caller))
            return
        operation, model_in_path = endpoints.operation_at(path) if method == "POST" else (None, "")
        if operation is None and not endpoints.is_not_implemented(method, path):
            await self._unmatched(scope, reply)
            return
        started_ms = monotonic_ms()
        credential = admission.read_credential(headers.get(b"authorization"))
        caller = await self._admit(scope, headers, credential)
        gzipped = headers.get(b"content-encoding", b"").lower() == b"gzip"
        body = await read_body(receive, context.settings.max_body_mb << 20, gzipped)
        request = _read_request(scope, headers, operation, model_in_path, body)
        request.enforce_usage = context.settings.enforce_include_usage
        admission.check_model(caller, request.model)
        admission.check_channel_choice(caller, credential)
        pinned = _channel_id(credential)
        self._require_route(caller, pinned, request.model)
        if operation is None:
            await reply.whole(501, catalogue.NOT_IMPLEMENTED)
            return
        _check(request)
        call = Call(request_id, caller, request, pinned, started_ms, now_s())
        presence = Presence(receive, context.watch)
        try:
            await relay_call(context, call, reply, presence)
        finally:
            presence.close()

    async def _unmatched(self, scope: Scope, reply: Reply) -> None:
        elsewhere = self._context.settings.pages_elsewhere
        if elsewhere:
            await reply.redirect(elsewhere + request_uri(scope))
        else:
            await reply.whole(404, catalogue.invalid_url(scope["method"], scope["path"]))

    def _require_route(self, caller: CallerRecord, pinned: int | None, model: str) -> None:
        """Before the body is checked in depth, as the original orders its stages."""
        table = self._context.snapshot.table
        if pinned is not None:
            named_channel(table, pinned)
        elif (caller.group, model) not in table.tiers:
            raise no_channel(caller.group, model)

    async def _admit(
        self, scope: Scope, headers: dict[bytes, bytes], credential: admission.Credential | None = None
    ) -> CallerRecord:
        context = self._context
        credential = credential or admission.read_credential(headers.get(b"authorization"))
        caller = await admission.authenticate(context.callers, credential)
        if admission.has_expired(caller):
            context.in_background(context.database.run(tokens.mark_expired, caller.token_id))
            raise admission.unauthorized("该令牌已过期")
        ledger = context.ledger
        if not ledger.has_account(caller.user_id, caller.token_id):
            await ledger.open_account(caller.user_id, caller.token_id)
        spent = not caller.unlimited and ledger.token_balance(caller.token_id) <= 0
        if spent and await ledger.is_spent(caller.token_id):
            context.in_background(context.database.run(tokens.mark_exhausted, caller.token_id))
            raise admission.unauthorized("该令牌额度已用尽")
        admission.check_user_and_network(caller, lambda: context.client_address(scope))
        return caller


def _read_request(
    scope: Scope, headers: dict[bytes, bytes], operation: Operation | None, model_in_path: str, body: bytes
) -> ClientRequest:
    content_type = headers.get(b"content-type", b"").lower()
    fields = None
    model = ""
    if content_type.startswith(b"application/json"):
        fields = read_json(body) if body or operation is not None else {}
        model = fields.get("model") or ""
    elif operation not in _MAY_BE_FORMS:
        # Whatever the caller calls it: what is sent on must be what is checked and priced.
        fields = read_json(body)
        model = fields.get("model") or ""
    model = model or model_in_path or endpoints.DEFAULT_MODELS.get(operation, "") if operation else model
    return ClientRequest(
        dialect=Dialect.OPENAI,
        operation=operation or Operation.CHAT,
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        body=body,
        json=fields,
        model=model,
        stream=False,
        headers={name: value for name, value in headers.items() if name in _FOR_PROVIDERS},
        media={},
        enforce_usage=False,
    )


def _check(request: ClientRequest) -> None:
    """The original's validation of the body, which comes after a channel was found."""
    fields = request.json
    if fields is None:
        return
    check_max_tokens(fields)
    match request.operation:
        case Operation.CHAT:
            check_messages(fields)
        case Operation.COMPLETIONS if fields.get("prompt") == "":
            raise invalid_request("field prompt is required")
        case Operation.EDITS if not fields.get("instruction"):
            raise invalid_request("field instruction is required")
        case Operation.MODERATIONS if fields.get("input") == "":
            raise invalid_request("field input is required")
        case Operation.SPEECH:
            check_speech(fields)
        case _:
            pass
    if request.operation in _STREAMED:
        request.stream = check_stream(fields)


def _channel_id(credential: admission.Credential) -> int | None:
    if credential.channel is None:
        return None
    if not _CHANNEL_ID.fullmatch(credential.channel):
        raise unknown_channel()
    return int(credential.channel)


async def _preflight(scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"]).get(b"access-control-request-headers", b"*")
    headers = [*_PREFLIGHT, (b"access-control-allow-headers", asked)]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(reply: Reply, refusal: Refusal, request_id: str) -> None:
    if not reply.committed:
        await reply.whole(refusal.status, refusal.body(request_id), retry_after_s=refusal.retry_after_s)
