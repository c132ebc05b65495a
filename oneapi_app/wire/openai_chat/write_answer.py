"""Chat completions and their chunks out of the hub.

Beyond OpenAI's own fields: ``reasoning_content`` (as DeepSeek has it) with the text of thoughts;
``reasoning_details`` (as OpenRouter has it) with what a vendor wants back unchanged in the next request; and on tool
calls ``extra_content.google.thought_signature`` (as Google has it).
"""

from typing import Any

import msgspec

from oneapi_app.convert import hub

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"
_END_OF_DELTA = b',"logprobs":null,"finish_reason":null}]}\n\n'
_encode = msgspec.json.Encoder().encode


def usage_object(usage: hub.Usage) -> Json:
    """OpenAI's usage: cached and written tokens are part of the prompt."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def error_frame(message: str, kind: str, code: str) -> bytes:
    """An error inside a stream that has begun, as OpenAI sends it."""
    error = {"message": message, "type": kind, "param": "", "code": code or None}
    return b"data: " + _encode({"error": error}) + b"\n\n"


class _Piece:
    """A part on its way out: ``index`` of a tool call, ``texts`` of a thought."""

    __slots__ = ("choice", "index", "kind", "texts")

    def __init__(self, kind: hub.PartKind, choice: int) -> None:
        self.kind = kind
        self.choice = choice
        self.index = 0
        self.texts: list[str] = []


class ChatWriter:
    """See ``convert.converter.AnswerWriter``. ``with_usage``: the stream ends with a chunk of usage."""

    content_type = b"application/json"

    def __init__(self, *, answer_id: str, created: int, model: str, with_usage: bool) -> None:
        self._id = answer_id
        self._created = created
        self._model = model
        self._with_usage = with_usage
        self._head = b""
        self._pieces: dict[int, _Piece] = {}
        self._calls: dict[int, int] = {}
        self._details: dict[int, int] = {}
        self._begun: set[int] = set()
        self._reasons: dict[int, hub.StopReason] = {}

    def write(self, event: hub.Event) -> bytes:
        if isinstance(event, hub.PartDelta):
            return self._more(event)
        if isinstance(event, hub.PartStart):
            return self._start(event)
        if isinstance(event, hub.PartEnd):
            return self._finish(event)
        if isinstance(event, hub.Started):
            self._id = f"chatcmpl-{event.id}" if event.id else self._id
        elif isinstance(event, hub.Stopped):
            self._reasons[event.choice] = event.reason
        return b""

    def _start(self, event: hub.PartStart) -> bytes:
        piece = self._pieces[event.part] = _Piece(event.kind, event.choice)
        if event.kind is not hub.PartKind.TOOL_CALL:
            return b""
        piece.index = self._calls.get(event.choice, 0)
        self._calls[event.choice] = piece.index + 1
        call = {"index": piece.index, **_call_entry(event.id, event.name, "", event.signature)}
        return self._delta(event.choice, {"tool_calls": [call]})

    def _more(self, event: hub.PartDelta) -> bytes:
        piece = self._pieces[event.part]
        if piece.kind is hub.PartKind.TEXT:
            return self._delta(piece.choice, {"content": event.text})
        if piece.kind is hub.PartKind.REASONING:
            piece.texts.append(event.text)
            return self._delta(piece.choice, {"reasoning_content": event.text})
        call = {"index": piece.index, "function": {"arguments": event.text}}
        return self._delta(piece.choice, {"tool_calls": [call]})

    def _finish(self, event: hub.PartEnd) -> bytes:
        piece = self._pieces.pop(event.part)
        thought = hub.Reasoning("".join(piece.texts), event.signature, event.sealed)
        detail = _reasoning_detail(thought) if piece.kind is hub.PartKind.REASONING else None
        if detail is None:
            return b""
        number = self._details.get(piece.choice, 0)
        self._details[piece.choice] = number + 1
        return self._delta(piece.choice, {"reasoning_details": [{**detail, "index": number}]})

    def _delta(self, choice: int, delta: Json) -> bytes:
        if choice not in self._begun:
            self._begun.add(choice)
            delta = {"role": "assistant", "content": "", **delta}
        return b"%b%d%b%b%b" % (self._opening(), choice, b',"delta":', _encode(delta), _END_OF_DELTA)

    def _opening(self) -> bytes:
        if not self._head:
            base = {
                "id": self._id,
                "object": "chat.completion.chunk",
                "created": self._created,
                "model": self._model,
            }
            self._head = b"data: " + _encode(base)[:-1]
        return self._head + b',"choices":[{"index":'

    def end(self, usage: hub.Usage | None) -> bytes:
        frames: list[bytes] = []
        for choice in sorted(self._begun | set(self._reasons) | {0}):
            reason = self._reasons.get(choice)
            if reason is None:
                reason = hub.StopReason.TOOL_CALLS if self._calls.get(choice) else hub.StopReason.STOP
            delta: Json = {} if choice in self._begun else {"role": "assistant", "content": ""}
            last = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": reason.value}
            frames.append(self._chunk([last]))
        if self._with_usage and usage is not None:
            frames.append(self._chunk([], usage_object(usage)))
        return b"".join(frames) + DONE

    def _chunk(self, choices: list[Json], usage: Json | None = None) -> bytes:
        self._opening()
        rest = {"choices": choices} if usage is None else {"choices": choices, "usage": usage}
        return self._head + b"," + _encode(rest)[1:] + b"\n\n"

    def fail(self, message: str, kind: str, code: str) -> bytes:
        return error_frame(message, kind, code) + DONE

    def whole(self, answer: hub.Answer) -> bytes:
        completion: Json = {
            "id": f"chatcmpl-{answer.id}" if answer.id else self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [_choice_object(index, choice) for index, choice in enumerate(answer.choices)],
        }
        if answer.usage is not None:
            completion["usage"] = usage_object(answer.usage)
        return _encode(completion)


def _choice_object(index: int, choice: hub.Choice) -> Json:
    texts: list[str] = []
    thoughts: list[str] = []
    details: list[Json] = []
    calls: list[Json] = []
    for part in choice.parts:
        match part:
            case hub.Text(text):
                texts.append(text)
            case hub.Reasoning():
                thoughts.append(part.text)
                detail = _reasoning_detail(part)
                if detail is not None:
                    details.append({**detail, "index": len(details)})
            case hub.ToolCall(call_id, name, arguments, signature):
                calls.append(_call_entry(call_id, name, arguments, signature))
    message: Json = {
        "role": "assistant",
        "content": "".join(texts) if texts or not calls else None,
        "refusal": None,
    }
    if any(thoughts):
        message["reasoning_content"] = "".join(thoughts)
    if details:
        message["reasoning_details"] = details
    if calls:
        message["tool_calls"] = calls
    return {"index": index, "message": message, "logprobs": None, "finish_reason": choice.reason.value}


def _reasoning_detail(thought: hub.Reasoning) -> Json | None:
    if thought.sealed:
        return {"type": "reasoning.encrypted", "data": thought.sealed}
    if thought.signature:
        return {"type": "reasoning.text", "text": thought.text, "signature": thought.signature}
    return None


def _call_entry(call_id: str, name: str, arguments: str, signature: str) -> Json:
    entry: Json = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    if signature:
        entry["extra_content"] = {"google": {"thought_signature": signature}}
    return entry
