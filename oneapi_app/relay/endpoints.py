"""Which path asks for which operation (contract §6.3, appendix C)."""

import re
from typing import Final

from oneapi_app.providers.base import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    "/v1/chat/completions": Operation.CHAT,
    "/v1/completions": Operation.COMPLETIONS,
    "/v1/edits": Operation.EDITS,
    "/v1/embeddings": Operation.EMBEDDINGS,
    "/v1/moderations": Operation.MODERATIONS,
    "/v1/images/generations": Operation.IMAGES,
    "/v1/audio/speech": Operation.SPEECH,
    "/v1/audio/transcriptions": Operation.TRANSCRIPTION,
    "/v1/audio/translations": Operation.TRANSLATION,
}

DEFAULT_MODELS: Final[dict[Operation, str]] = {
    Operation.MODERATIONS: "text-moderation-stable",
    Operation.IMAGES: "dall-e-2",
    Operation.TRANSCRIPTION: "whisper-1",
    Operation.TRANSLATION: "whisper-1",
}

_ENGINE_EMBEDDINGS = re.compile(r"/v1/engines/([^/]+)/embeddings$")

BILLING: Final = {
    "/dashboard/billing/subscription": "subscription",
    "/v1/dashboard/billing/subscription": "subscription",
    "/dashboard/billing/usage": "usage",
    "/v1/dashboard/billing/usage": "usage",
}

_ID = r"[^/]+"
_NOT_IMPLEMENTED: Final = tuple(
    (frozenset(methods.split()), re.compile(pattern + "$"))
    for methods, pattern in (
        ("POST", r"/v1/images/(edits|variations)"),
        ("GET POST", r"/v1/files"),
        ("GET DELETE", rf"/v1/files/{_ID}"),
        ("GET", rf"/v1/files/{_ID}/content"),
        ("GET POST", r"/v1/fine_tuning/jobs"),
        ("GET", rf"/v1/fine_tuning/jobs/{_ID}"),
        ("POST", rf"/v1/fine_tuning/jobs/{_ID}/cancel"),
        ("GET", rf"/v1/fine_tuning/jobs/{_ID}/events"),
        ("DELETE", rf"/v1/models/{_ID}"),
        ("GET POST", r"/v1/assistants"),
        ("GET POST DELETE", rf"/v1/assistants/{_ID}"),
        ("GET POST", rf"/v1/assistants/{_ID}/files"),
        ("GET DELETE", rf"/v1/assistants/{_ID}/files/{_ID}"),
        ("POST", r"/v1/threads"),
        ("GET POST DELETE", rf"/v1/threads/{_ID}"),
        ("POST", rf"/v1/threads/{_ID}/messages"),
        ("GET POST", rf"/v1/threads/{_ID}/messages/{_ID}"),
        ("GET", rf"/v1/threads/{_ID}/messages/{_ID}/files(/{_ID})?"),
        ("GET POST", rf"/v1/threads/{_ID}/runs"),
        ("GET POST", rf"/v1/threads/{_ID}/runs/{_ID}"),
        ("POST", rf"/v1/threads/{_ID}/runs/{_ID}/(submit_tool_outputs|cancel)"),
        ("GET", rf"/v1/threads/{_ID}/runs/{_ID}/steps(/{_ID})?"),
    )
)


def operation_at(method: str, path: str) -> tuple[Operation | None, str]:
    """The operation of a path and the model named in the path itself, if any."""
    if method != "POST":
        return None, ""
    operation = OPERATIONS.get(path)
    if operation is not None:
        return operation, ""
    engine = _ENGINE_EMBEDDINGS.match(path)
    return (Operation.EMBEDDINGS, engine.group(1)) if engine else (None, "")


def leads_nowhere(method: str, path: str) -> bool:
    """Whether it is neither an operation nor one that will be told that it is not implemented."""
    return operation_at(method, path)[0] is None and not _is_not_implemented(method, path)


def _is_not_implemented(method: str, path: str) -> bool:
    """Whether this is one of the paths that answer 501 after the token and channel checks."""
    return any(method in methods and pattern.match(path) for methods, pattern in _NOT_IMPLEMENTED)
