"""The fake vendor behind the recordings' channels: the API key picks the answer (see the transcripts' README)."""

import json
from collections.abc import Mapping
from typing import Any

RECORDED_ADDRESS = "http://127.0.0.1:9101"
_PLACES = {
    "embeddings": ":embeddings",
    "images": ":images",
    "moderations": ":moderations",
    "models": ":models",
}


def vendor_app(answers: Mapping[str, Any]) -> Any:
    """An ASGI app."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = dict(scope["headers"])
        key = (
            headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
            or headers.get(b"api-key", b"").decode()
        )
        place = next((suffix for word, suffix in _PLACES.items() if f"/{word}" in scope["path"]), "")
        asked = _object(body)
        model = str(asked.get("model", ""))
        answer = answers.get(key + place) or answers.get(key)
        if answer is None:
            answer = {
                "status": 401,
                "json": {
                    "error": {
                        "message": "unknown key",
                        "type": "invalid_request_error",
                        "code": "invalid_api_key",
                    }
                },
            }
        if asked.get("stream") and "stream" in answer:
            answer = answer["stream"]
        given = {name.lower().encode(): value.encode() for name, value in answer.get("headers", {}).items()}
        if "sse" in answer:
            content, kind = "".join(answer["sse"]), b"text/event-stream"
        elif "json" in answer:
            content, kind = json.dumps(answer["json"]), b"application/json"
        else:
            content, kind = answer.get("text", ""), b"text/plain"
        address = f"http://{headers.get(b'host', b'').decode()}"
        sent = content.replace("$model", model).replace(RECORDED_ADDRESS, address).encode()
        given.setdefault(b"content-type", kind)
        await send(
            {
                "type": "http.response.start",
                "status": answer.get("status", 200),
                "headers": list(given.items()),
            }
        )
        await send({"type": "http.response.body", "body": sent})

    return app


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
