"""Rules about channels: what may be saved, how stored text is read. Pure."""

import json
from typing import Any

from oneapi_app.channels.schemas import ChannelDraft, ChannelRecord
from oneapi_app.errors import InvalidInput
from oneapi_app.models import Channel

MAX_GROUP_CHARS = 32
"""The column is varchar(32), as in the original."""
MAX_MAPPING_CHARS = 1024
MAX_BASE_URL_CHARS = 191


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


def check_draft(draft: ChannelDraft) -> None:
    """Raises InvalidInput naming the field at fault. What the original accepts and can use stays accepted."""
    for name in (
        "key",
        "name",
        "models",
        "group",
        "config",
        "base_url",
        "model_mapping",
        "system_prompt",
        "other",
    ):
        value = getattr(draft, name)
        if isinstance(value, str) and "\0" in value:
            raise InvalidInput(f"参数错误：{name} 含有无效字符", f"{name} holds a NUL character")
    if len(draft.group) > MAX_GROUP_CHARS:
        raise InvalidInput(
            f"参数错误：分组总长度不能超过 {MAX_GROUP_CHARS}",
            f"groups: at most {MAX_GROUP_CHARS} characters in all",
        )
    if isinstance(draft.base_url, str) and draft.base_url:
        if not draft.base_url.startswith(("http://", "https://")):
            raise InvalidInput(
                "参数错误：base_url 必须以 http:// 或 https:// 开头", "base URL: expected http:// or https://"
            )
        if len(draft.base_url) > MAX_BASE_URL_CHARS:
            raise InvalidInput(
                "参数错误：base_url 过长", f"base URL: at most {MAX_BASE_URL_CHARS} characters"
            )
    if isinstance(draft.model_mapping, str) and draft.model_mapping.strip():
        _check_mapping(draft.model_mapping)
    if draft.config:
        _object(draft.config, "config")
    if isinstance(draft.weight, int) and draft.weight < 0:
        raise InvalidInput("参数错误：weight 不能为负数", "weight: at least 0")


def _check_mapping(text: str) -> None:
    if len(text) > MAX_MAPPING_CHARS:
        raise InvalidInput(
            "参数错误：model_mapping 过长", f"model mapping: at most {MAX_MAPPING_CHARS} characters"
        )
    if not all(isinstance(value, str) for value in _object(text, "model_mapping").values()):
        raise InvalidInput(
            "参数错误：model_mapping 的值必须是字符串", "model mapping: values must be names of models"
        )


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(f"参数错误：{name} 不是合法的 JSON 对象", f"{name}: expected a JSON object")
    return found
