"""What every vendor with a dialect of its own needs: the caller's request in the hub, and a way back for the answer."""

import base64
from collections.abc import Mapping

import msgspec

from oneapi_app.convert import hub
from oneapi_app.convert.converter import AnswerReader, Translation
from oneapi_app.errors import ConversionError
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.ids import hex32
from oneapi_app.providers.base import ClientRequest, Media, Route
from oneapi_app.wire.openai_chat.read_request import image_links, read_request
from oneapi_app.wire.openai_chat.write_answer import ChatWriter

_IMAGE_STARTS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def neutral_request(request: ClientRequest, route: Route) -> hub.Request:
    """With the channel's model and system prompt, and fetched media in the place of links. Raises ConversionError."""
    if request.json is None:
        raise ConversionError("the body must be a JSON object")
    read = read_request(request.json, route.model, stream=request.stream)
    turns = read.turns
    if route.system_prompt:
        turns = _with_system_prompt(turns, route.system_prompt)
    if request.media:
        turns = tuple(_with_media(turn, request.media) for turn in turns)
    return msgspec.structs.replace(read, turns=turns)


def chat_links(request: ClientRequest) -> list[str]:
    """The images to fetch for vendors that want them inside the request."""
    return image_links(request.json or {})


def translation(request: ClientRequest, reader: AnswerReader) -> Translation:
    """From the vendor's answer to the caller's dialect."""
    options = (request.json or {}).get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True  # pyright: ignore[reportUnknownMemberType]
    writer = ChatWriter(
        answer_id=f"chatcmpl-{hex32()}",
        created=now_s(),
        model=request.model,
        with_usage=asked or request.enforce_usage,
    )
    return Translation(reader, writer)


def new_call_ids() -> str:
    """A beginning for the ids of tool calls, for vendors that give none."""
    return f"call_{hex32()[:16]}_"


def _with_system_prompt(turns: tuple[hub.Turn, ...], prompt: str) -> tuple[hub.Turn, ...]:
    """Instead of the caller's first system turn, or before everything (contract §6.5)."""
    forced = hub.Turn(hub.Role.SYSTEM, (hub.Text(prompt),))
    if turns and turns[0].role is hub.Role.SYSTEM:
        return (forced, *turns[1:])
    return (forced, *turns)


def _with_media(turn: hub.Turn, media: Mapping[str, Media]) -> hub.Turn:
    if not any(isinstance(part, hub.Image | hub.ToolResult) for part in turn.parts):
        return turn
    return hub.Turn(turn.role, tuple(_inlined(part, media) for part in turn.parts))


def _inlined(part: hub.Part, media: Mapping[str, Media]) -> hub.Part:
    if isinstance(part, hub.ToolResult):
        shown = tuple(_inlined_image(p, media) if isinstance(p, hub.Image) else p for p in part.parts)
        return msgspec.structs.replace(part, parts=shown)
    return _inlined_image(part, media) if isinstance(part, hub.Image) else part


def _inlined_image(image: hub.Image, media: Mapping[str, Media]) -> hub.Image:
    fetched = media.get(image.url) if image.url else None
    if fetched is None:
        return image
    data = base64.b64encode(fetched.data).decode()
    return hub.Image(media_type=_image_type(fetched), data=data, detail=image.detail)


def _image_type(media: Media) -> str:
    """Servers often do not know what they serve; vendors insist on the right name."""
    if media.data[8:12] == b"WEBP":
        return "image/webp"
    return next(
        (name for start, name in _IMAGE_STARTS.items() if media.data.startswith(start)), media.media_type
    )
