"""Vendors' own types as judges of what we send and answer."""

from collections.abc import Iterator
from typing import Any

from anthropic.types import MessageCreateParams
from anthropic.types.message_create_params import MessageCreateParamsBase
from google.genai import types as google
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.create_embedding_response import CreateEmbeddingResponse
from pydantic import TypeAdapter

_MESSAGES: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
_SAMPLING = {"temperature", "top_p", "top_k"}
"""Gone from the newest version of Anthropic's API, part of the one we speak."""
_GOOGLE = {
    "contents": google.Content,
    "tools": google.Tool,
    "safetySettings": google.SafetySetting,
    "systemInstruction": google.Content,
    "toolConfig": google.ToolConfig,
    "generationConfig": google.GenerationConfig,
}


def judge_anthropic(body: dict[str, Any]) -> None:
    assert body.keys() <= MessageCreateParamsBase.__annotations__.keys() | _SAMPLING | {"stream"}
    _walk(_MESSAGES.validate_python({k: v for k, v in body.items() if k not in _SAMPLING}))


def judge_google(body: dict[str, Any]) -> None:
    """Google's models refuse fields they do not know."""
    for name, value in body.items():
        model = _GOOGLE[name]
        for item in value if isinstance(value, list) else [value]:
            model.model_validate(item)


def judge_chunk(chunk: dict[str, Any]) -> None:
    ChatCompletionChunk.model_validate(chunk, strict=True)


def judge_completion(completion: dict[str, Any]) -> None:
    ChatCompletion.model_validate(completion, strict=True)


def judge_embeddings(answer: dict[str, Any]) -> None:
    vectors = [entry["embedding"] for entry in answer["data"]]
    if not any(isinstance(vector, str) for vector in vectors):
        CreateEmbeddingResponse.model_validate({"usage": {"prompt_tokens": 0, "total_tokens": 0}, **answer})


def _walk(value: Any) -> None:
    """Pydantic checks iterables only when they are read."""
    if isinstance(value, dict):
        for item in value.values():
            _walk(item)
    elif isinstance(value, Iterator | list | tuple) or type(value).__name__ == "ValidatorIterator":
        for item in value:
            _walk(item)
