"""The relay's front: paths, CORS, request ids, bodies, and errors in the caller's form.

Knows nothing of prices or channels beyond asking for one; what happens to a request is told in ``flow``.
"""

import logging
from urllib.parse import unquote

from oneapi_app.billing.errors import LedgerRefusal, TokenQuotaExceeded, UserQuotaExceeded
from oneapi_app.kit.clock import monotonic_ns, now_s
from oneapi_app.kit.ids import request_id as new_request_id
from oneapi_app.kit.request_uri import request_uri
from oneapi_app.providers.base import ClientRequest, Dialect, Operation
from oneapi_app.relay import admission, catalogue, endpoints
from oneapi_app.relay.body import (
    answer_limit,
    check_max_tokens,
    check_messages,
    check_speech,
    check_stream,
    read_body,
    read_chat,
    read_json,
    too_large,
)
from oneapi_app.relay.call import Call
from oneapi_app.relay.context import RelayContext
from oneapi_app.relay.flow import named_channel
from oneapi_app.relay.lanes import Way
from oneapi_app.relay.plain import serve
from oneapi_app.relay.refusals import Refusal, invalid_request, no_channel
from oneapi_app.relay.reply import ClientGone, Receive, Reply, Scope, Send
from oneapi_app.relay.routing import only_channel
from oneapi_app.tokens import service as tokens

log = logging.getLogger(__name__)

_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET,POST,PUT,DELETE,OPTIONS"),
    (b"access-control-max-age", b"43200"),
]
_MAY_BE_FORMS = frozenset({Operation.TRANSCRIPTION, Operation.TRANSLATION, None})
_STREAMED = frozenset({Operation.CHAT, Operation.COMPLETIONS})
_CHAT = Operation.CHAT  # looking a member up in its enumeration costs as much as ten of these
_OPENAI = Dialect.OPENAI
_JSON = b"application/json"


class RelayApp:
    """ASGI application for ``/v1`` and the billing paths."""

    def __init__(self, context: RelayContext) -> None:
        self._context = context
        self._passes = admission.Passes(context.callers)
        self._max_body = context.settings.max_body_mb << 20
        self._enforce_usage = context.settings.enforce_include_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = dict(scope["headers"])
        reply = Reply(send, new_request_id(), from_a_page=b"origin" in headers)
        context = self._context
        try:
            operation = endpoints.OPERATIONS.get(scope["path"])
            model_in_path = ""
            if operation is None or scope["method"] != "POST":
                if await self._answered_otherwise(scope, headers, send, reply):
                    return
                operation, model_in_path = endpoints.operation_at(scope["method"], scope["path"])
            started_ns = monotonic_ns()
            admitted = self._passes.valid(headers.get(b"authorization", b"")) or await self._admit(
                scope, headers
            )
            message = await receive()
            body: bytes = message.get("body", b"")
            if message.get("more_body", True) or b"content-encoding" in headers:
                gzipped = headers.get(b"content-encoding", b"").lower() == b"gzip"
                body = await read_body(message, receive, self._max_body, gzipped)
            elif len(body) > self._max_body:
                raise too_large(self._max_body)
            request = self._read_request(scope, headers, operation, model_in_path, body)
            # Before the body is checked in depth, as the original orders its stages.
            way, snapshot = admitted.ways.get(request.model), context.snapshot
            if (
                way is None
                or way.table is not snapshot.table
                or way.prices is not snapshot.prices
                or operation is not _CHAT
            ):
                way = self._way(admitted, request)
            if operation is None:
                await reply.whole(501, catalogue.NOT_IMPLEMENTED)
                return
            if request.decoded is not None:
                _check(request)
            call = Call(reply.request_id, admitted.caller, request, way, started_ns, now_s())
            presence = context.watch.begin(receive, started_ns)
            try:
                await serve(context, call, reply, presence)
            finally:
                context.watch.end(presence)
        except ClientGone:
            pass
        except Exception as error:
            await self._refuse(reply, error)

    def _read_request(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        operation: Operation | None,
        model_in_path: str,
        body: bytes,
    ) -> ClientRequest:
        query = scope["query_string"].decode("latin-1")
        path, usage = scope["path"], self._enforce_usage
        if operation is _CHAT and (head := read_chat(body)) is not None:
            limit = head.max_completion_tokens or head.max_tokens
            stream = head.stream or False
            return ClientRequest(
                _OPENAI, _CHAT, path, query, body, head.model or "", stream, headers, limit, usage
            )
        content_type = headers.get(b"content-type", b"")
        is_json = content_type.lower().startswith(_JSON)
        fields = None
        model = ""
        # Whatever the caller calls it: what is sent on must be what is checked and priced.
        if is_json or operation not in _MAY_BE_FORMS:
            is_json = True
            fields = read_json(body) if body or operation is not None else {}
            model = fields.get("model") or ""
        if operation is not None and not model:
            model = model_in_path or endpoints.DEFAULT_MODELS.get(operation, "")
        return ClientRequest(
            _OPENAI,
            operation or _CHAT,
            path,
            query,
            body,
            model,
            False,
            headers,
            enforce_usage=usage,
            is_json=is_json,
            decoded=fields,
        )

    def _way(self, admitted: admission.Pass, request: ClientRequest) -> Way:
        """Raises Refusal where the token, or the caller, may not go there, and where nobody offers the model."""
        caller, snapshot = admitted.caller, self._context.snapshot
        table, prices = snapshot.table, snapshot.prices
        admission.check_model(caller, request.model)
        if admitted.channel is not None:
            named = named_channel(table, admission.pinned_channel(caller, admitted.channel))
            return Way(table, prices, ((named,),))
        tiers = table.tiers.get((caller.group, request.model))
        if tiers is None:
            raise no_channel(caller.group, request.model)
        way = Way(table, prices, tiers)
        if request.operation is _CHAT:
            if (only := only_channel(tiers)) is not None:
                way.lane = self._context.lanes.lane(caller, only, prices, request)
            admitted.ways[request.model] = way
        return way

    async def _refuse(self, reply: Reply, error: Exception) -> None:
        match error:
            case Refusal():
                self._context.activity.failed += 1
                refusal = error
            case UserQuotaExceeded():
                refusal = Refusal(403, "user quota is not enough", code="insufficient_user_quota")
            case TokenQuotaExceeded():
                refusal = Refusal(403, "令牌额度不足", code="pre_consume_token_quota_failed")
            case LedgerRefusal():
                refusal = Refusal(503, str(error), code="ledger_unavailable")
            case _:
                self._context.activity.failed += 1
                log.error("request %s failed: %s", reply.request_id, type(error).__name__, exc_info=error)
                refusal = Refusal(500, "internal error", code="internal_error")
        if not reply.committed:
            body = refusal.body(reply.request_id)
            await reply.whole(refusal.status, body, retry_after_s=refusal.retry_after_s)

    async def _answered_otherwise(
        self, scope: Scope, headers: dict[bytes, bytes], send: Send, reply: Reply
    ) -> bool:
        """Whether this was all there is to do: paths that lead to no provider."""
        method: str = scope["method"]
        path: str = scope["path"]
        context = self._context
        if method == "OPTIONS":
            await _preflight(scope, send)
        elif path in endpoints.BILLING and method == "GET":
            wait_s = await context.limits.general.hit(context.client_address(scope))
            if wait_s is not None:
                await reply.whole(429, b"", retry_after_s=wait_s)
                return True
            caller = (await self._admit(scope, headers)).caller
            await reply.whole(200, await catalogue.billing(context, caller, endpoints.BILLING[path]))
        elif method == "GET" and (path == "/v1/models" or path.startswith("/v1/models/")):
            caller = (await self._admit(scope, headers)).caller
            name = unquote(path[len("/v1/models/") :])
            await reply.whole(200, catalogue.model(name) if name else catalogue.models(context, caller))
        elif endpoints.leads_nowhere(method, path):
            elsewhere = context.settings.pages_elsewhere
            if elsewhere:
                await reply.redirect(elsewhere + request_uri(scope))
            else:
                await reply.whole(404, catalogue.invalid_url(method, path))
        else:
            return False
        return True

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> admission.Pass:
        context = self._context
        authorization = headers.get(b"authorization", b"")
        credential = admission.read_credential(authorization)
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
        return self._passes.issue(
            authorization, caller, credential.channel, ledger.token_account(caller.token_id)
        )


def _check(request: ClientRequest) -> None:
    """The original's validation of the body, which comes after a channel was found."""
    fields = request.json or {}
    check_max_tokens(fields)
    request.answer_limit = answer_limit(fields.get("max_completion_tokens"), fields.get("max_tokens"))
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


async def _preflight(scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"]).get(b"access-control-request-headers", b"*")
    headers = [*_PREFLIGHT, (b"access-control-allow-headers", asked)]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
