"""Rules about channels: what may be saved, how stored text is read. Pure."""

import json
from typing import Any

import msgspec

from oneapi_app.channels.schemas import ChannelDraft, ChannelRecord, ProbeResult
from oneapi_app.errors import InvalidInput
from oneapi_app.kit.text import is_storable
from oneapi_app.models import Channel

MAX_GROUP_CHARS = 32
"""The column is varchar(32), as in the original: the whole comma list, and each group among the abilities."""
MAX_MAPPING_CHARS = 1024
MAX_SHORT_CHARS = 191
"""Name, base URL and each model: varchar(191) on MySQL."""
MAX_TEXT_BYTES = 65_535
"""Credential and system prompt: ``text`` on MySQL."""
MAX_LIST_BYTES = 1 << 20
MAX_NUMBER = 2**31 - 1

SECRET_CONFIG = ("sk", "vertex_ai_adc")
"""Fields of ``config`` that are credentials: they go in like the key, and as little come out."""

_TEXTS = ("key", "name", "models", "group", "config", "base_url", "model_mapping", "system_prompt", "other")


def split_list(text: str | None) -> tuple[str, ...]:
    """A stored comma list without blanks and repetitions, in its order."""
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def read_texts(text: str | None) -> dict[str, str]:
    """A JSON object of texts; anything else counts as empty, for old rows hold all sorts of things."""
    try:
        found: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str)}


def to_record(channel: Channel) -> ChannelRecord:
    return ChannelRecord(
        id=channel.id or 0,
        type=channel.type or 0,
        name=channel.name or "",
        key=(channel.key or "").strip(),
        base_url=(channel.base_url or "").strip().rstrip("/"),
        config=read_texts(channel.config),
        other=channel.other or "",
        models=split_list(channel.models),
        groups=split_list(channel.group),
        model_mapping=read_texts(channel.model_mapping),
        priority=channel.priority or 0,
        weight=channel.weight or 0,
        status=channel.status or 0,
        system_prompt=channel.system_prompt or "",
    )


def split_keys(key: str) -> list[str]:
    """One credential per line; a service account's JSON stays whole."""
    if key.strip().startswith("{"):
        return [key.strip()]
    return [line.strip() for line in key.splitlines() if line.strip()]


def public_config(config: str) -> str:
    """The stored text as it may be shown: word for word, or without the credentials in it."""
    if not any(name in config for name in SECRET_CONFIG):
        return config
    try:
        fields: Any = json.loads(config)
    except (ValueError, RecursionError):
        return "{}"
    if not isinstance(fields, dict):
        return "{}"
    shown = {name: value for name, value in fields.items() if name not in SECRET_CONFIG}
    return json.dumps(shown, ensure_ascii=False)


def merged_config(stored: str, sent: str) -> str:
    """What is sent, with the credentials that were there where none are sent."""
    before, after = read_texts(stored), read_texts(sent)
    kept = {name: before[name] for name in SECRET_CONFIG if before.get(name) and not after.get(name)}
    if not kept:
        return sent
    return json.dumps(json.loads(sent) | kept, ensure_ascii=False)


def describe_result(result: ProbeResult) -> str:
    """A test's outcome in the words of the original's API and log: the answer, or status and error."""
    if result.ok or result.local:
        return result.message
    return f"http status code: {result.status}, error message: {result.message}"


def check_draft(draft: ChannelDraft) -> None:
    """Raises InvalidInput naming the field at fault. What the original accepts and can use stays accepted."""
    for name in _TEXTS:
        value = getattr(draft, name)
        if isinstance(value, str) and not is_storable(value):
            raise InvalidInput(
                f"参数错误：{name} 含有无效字符", f"{name} holds characters that cannot be stored"
            )
    _check_number("type", draft.type, 0)
    _check_number("weight", draft.weight, 0)
    _check_number("priority", draft.priority, -MAX_NUMBER)
    _check_chars("name", draft.name, MAX_SHORT_CHARS)
    _check_bytes("system_prompt", draft.system_prompt, MAX_TEXT_BYTES)
    _check_bytes("models", draft.models, MAX_LIST_BYTES)
    _check_bytes("config", draft.config, MAX_LIST_BYTES)
    _check_bytes("other", draft.other, MAX_LIST_BYTES)
    for key in split_keys(draft.key):
        _check_bytes("key", key, MAX_TEXT_BYTES)
    for model in split_list(draft.models):
        _check_chars("models", model, MAX_SHORT_CHARS)
    check_groups(draft.group)
    _check_base_url(draft.base_url)
    if isinstance(draft.model_mapping, str) and draft.model_mapping.strip():
        check_mapping(draft.model_mapping)
    if draft.config:
        _object(draft.config, "config")


def check_groups(group: str) -> str:
    """The comma list as it is stored. Raises InvalidInput."""
    stored = ",".join(split_list(group))
    if len(stored) > MAX_GROUP_CHARS:
        raise InvalidInput(
            f"参数错误：分组总长度不能超过 {MAX_GROUP_CHARS}",
            f"groups: at most {MAX_GROUP_CHARS} characters in all",
        )
    return stored


def check_mapping(text: str) -> None:
    """Raises InvalidInput unless it is a JSON object of texts."""
    if len(text) > MAX_MAPPING_CHARS:
        raise InvalidInput(
            f"参数错误：model_mapping 不能超过 {MAX_MAPPING_CHARS} 个字符",
            f"model mapping: at most {MAX_MAPPING_CHARS} characters",
        )
    if not all(isinstance(value, str) for value in _object(text, "model_mapping").values()):
        raise InvalidInput(
            "参数错误：model_mapping 的值必须是字符串", "model mapping: values must be names of models"
        )


def check_routing(priority: int | None, weight: int | None) -> None:
    """Raises InvalidInput for numbers the columns cannot hold."""
    _check_number("priority", priority, -MAX_NUMBER)
    _check_number("weight", weight, 0)


def _check_base_url(value: str | msgspec.UnsetType | None) -> None:
    if not isinstance(value, str) or not value.strip():
        return
    rest = value.strip().lower().removeprefix("http://").removeprefix("https://")
    if rest == value.strip().lower() or not rest.strip("/"):
        raise InvalidInput(
            "参数错误：base_url 必须以 http:// 或 https:// 开头", "base URL: expected http:// or https://"
        )
    if any(character.isspace() for character in value.strip()):
        raise InvalidInput("参数错误：base_url 含有空格", "base URL: it holds a space")
    _check_chars("base_url", value, MAX_SHORT_CHARS)


def _check_number(name: str, value: int | msgspec.UnsetType | None, least: int) -> None:
    if isinstance(value, int) and not least <= value <= MAX_NUMBER:
        raise InvalidInput(
            f"参数错误：{name} 必须在 {least} 到 {MAX_NUMBER} 之间",
            f"{name}: expected {least} to {MAX_NUMBER}",
        )


def _check_chars(name: str, value: str, most: int) -> None:
    if len(value) > most:
        raise InvalidInput(f"参数错误：{name} 不能超过 {most} 个字符", f"{name}: at most {most} characters")


def _check_bytes(name: str, value: str | msgspec.UnsetType | None, most: int) -> None:
    if isinstance(value, str) and len(value.encode()) > most:
        raise InvalidInput(f"参数错误：{name} 过长", f"{name}: at most {most} bytes")


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(f"参数错误：{name} 不是合法的 JSON 对象", f"{name}: expected a JSON object")
    return found
