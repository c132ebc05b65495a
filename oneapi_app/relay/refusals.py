"""What the relay tells a caller it will not or cannot serve, in the caller's dialect (contract §6.1, §6.4).

Two body shapes exist: refusals before a channel is chosen carry ``message`` and ``type`` only, later ones
also ``param`` and ``code``.
"""

import msgspec

from oneapi_app.convert.base import Failure

LOCAL = "one_api_error"
SATURATED = "当前分组上游负载已饱和，请稍后再试"
UNREACHED = "the provider could not be reached, or broke off"
UNANSWERED = "the provider did not answer in time"


class Refusal(Exception):
    """An error answer. ``status`` is the HTTP status the caller sees."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = LOCAL,
        code: str | int | None = None,
        param: str = "",
        with_code: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.with_code = with_code
        self.retry_after_s = retry_after_s

    def body(self, request_id: str) -> bytes:
        """The JSON body in OpenAI's form, the request id at the end of the message."""
        error: dict[str, object] = {
            "message": f"{self.message} (request id: {request_id})",
            "type": self.type,
        }
        if self.with_code:
            error["param"] = self.param
            error["code"] = self.code
        return msgspec.json.encode({"error": error})


def unauthorized(message: str) -> Refusal:
    return Refusal(401, message, with_code=False)


def forbidden(message: str) -> Refusal:
    return Refusal(403, message, with_code=False)


def bad_request(message: str) -> Refusal:
    """The body cannot be parsed, before a channel is chosen."""
    return Refusal(400, message, with_code=False)


def no_channel(group: str, model: str) -> Refusal:
    return Refusal(503, f"当前分组 {group} 下对于模型 {model} 无可用渠道", with_code=False)


def unknown_channel() -> Refusal:
    return Refusal(400, "无效的渠道 Id", with_code=False)


def invalid_request(message: str, code: str = "invalid_text_request") -> Refusal:
    return Refusal(400, message, code=code)


def refusal_of(failure: Failure) -> Refusal:
    """The last attempt's failure as the caller sees it.

    Where a provider was not reached, the failure names its address; that is for the operator's eyes, in the log.
    """
    message = failure.message
    if failure.status == 429:
        message = SATURATED
    elif failure.code == "do_request_failed":
        message = UNANSWERED if failure.status == 504 else UNREACHED
    return Refusal(
        failure.status,
        message,
        type=failure.type,
        code=failure.code,
        param=failure.param,
        retry_after_s=failure.retry_after_s,
    )
