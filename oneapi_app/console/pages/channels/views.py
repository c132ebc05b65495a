"""Channels and their types as the page draws them: plain rows made from what the services answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oneapi_app.channels.policy import SECRET_CONFIG, read_texts, split_list
from oneapi_app.channels.schemas import ChannelRow, ChannelState
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED, MANUALLY_DISABLED
from oneapi_app.providers.base import Operation, Provider
from oneapi_app.providers.presentation import KEY_PAGES, balance_text, titles
from oneapi_app.providers.registry import choices, provider_for

MARK_HUES = 12
SHOWN_MODELS = 40
_KEY_KINDS: Mapping[str, str] = {
    "plain API key (sent as Bearer)": "plain",
    "Azure key (sent in api-key header)": "plain",
    "Google API key (x-goog-api-key)": "plain",
    "API key (x-api-key)": "plain",
    "APIKey|SecretKey (exchanged for access_token)": "pair",
    "id.secret (used to sign a JWT)": "dotted",
    "APPID|APISecret|APIKey": "triple",
    "APIKey-AppId (passed as-is as Bearer)": "dashed",
    "AppId|SecretId|SecretKey (TC3-HMAC-SHA256)": "tencent",
    "any non-empty text": "any",
    "full Authorization header value (sent verbatim, no Bearer added)": "header",
}
"""Key formats as providers name them -> which help line the form shows."""


@dataclass(frozen=True)
class Offer:
    """A channel type in the picker, and what its form needs."""

    id: int = 0
    title: dict[str, str] = field(default_factory=dict[str, str])
    mark: str = ""
    hue: int = 0
    base_url: str = ""
    needs_base_url: bool = False
    key_page: str = ""
    key_kind: str = "plain"
    chat_path: str = ""
    """What is added to the base URL, where that is as simple as that."""
    words: str = ""
    """What a search looks in."""


@dataclass(frozen=True)
class ConfigInput:
    """A field of ``config`` the type needs. A secret one comes empty; ``kept`` says that one is stored."""

    name: str
    value: str
    secret: bool
    kept: bool


@dataclass(frozen=True)
class ChannelView:
    """One row. ``state``: enabled, resting, manual, automatic, unknown."""

    id: int
    name: str
    type: int
    title: dict[str, str]
    mark: str
    hue: int
    state: str
    reason: str
    since: int
    enabled: bool
    groups: list[str]
    models: int
    some_models: str
    response_ms: int
    tested_at: int
    test_message: str
    balance: str
    balance_at: int
    used: int
    priority: int
    weight: int


def offers() -> list[Offer]:
    """The types that can be relayed to, in the order of the form."""
    return [offer_of(provider) for provider in choices() if provider.endpoints]


def offer_of(provider: Provider) -> Offer:
    title = titles(provider)
    return Offer(
        id=provider.id,
        title=title,
        mark=_mark(title["en"]),
        hue=provider.id % MARK_HUES,
        base_url=provider.base_url,
        needs_base_url=not provider.base_url and not _lives_in_config(provider),
        key_page=KEY_PAGES.get(provider.id, provider.docs_url),
        key_kind="unused" if _lives_in_config(provider) else _KEY_KINDS.get(provider.key_format, "plain"),
        chat_path="" if provider.config_fields else provider.endpoints.get(Operation.CHAT, ""),
        words=f"{title['zh']} {title['en']} {provider.slug} {provider.base_url}".lower(),
    )


def config_inputs(provider: Provider, config: str, *, saved: bool) -> list[ConfigInput]:
    """``saved``: the channel exists, so secret fields that are not shown may be stored."""
    values = read_texts(config)
    return [
        ConfigInput(
            name=wanted.name,
            value=values.get(wanted.name, ""),
            secret=wanted.secret or wanted.name in SECRET_CONFIG,
            kept=saved and wanted.name in SECRET_CONFIG,
        )
        for wanted in provider.config_fields
    ]


def view_of(row: ChannelRow, state: ChannelState | None, resting_s: Mapping[int, float]) -> ChannelView:
    provider = provider_for(row.type)
    title = titles(provider)
    models = split_list(row.models)
    return ChannelView(
        id=row.id,
        name=row.name,
        type=row.type,
        title=title,
        mark=_mark(title["en"]),
        hue=provider.id % MARK_HUES,
        state=_state(row, resting_s),
        reason=state.status_reason if state else "",
        since=state.status_since if state else 0,
        enabled=row.status == ENABLED,
        groups=list(split_list(row.group)),
        models=len(models),
        some_models=", ".join(models[:SHOWN_MODELS]) + (" …" if len(models) > SHOWN_MODELS else ""),
        response_ms=row.response_time,
        tested_at=row.test_time,
        test_message=state.test_message if state else "",
        balance=balance_text(provider, row.balance) if row.balance_updated_time else "",
        balance_at=row.balance_updated_time if provider.balance else -1,
        used=row.used_quota,
        priority=row.priority or 0,
        weight=row.weight or 0,
    )


def _state(row: ChannelRow, resting_s: Mapping[int, float]) -> str:
    if row.status == ENABLED:
        return "resting" if row.id in resting_s else "enabled"
    return {MANUALLY_DISABLED: "manual", AUTO_DISABLED: "automatic"}.get(row.status, "unknown")


def _mark(title: str) -> str:
    """Two letters that stand for the vendor."""
    words = [word for word in title.replace(".", " ").replace("-", " ").split() if word[:1].isalnum()]
    letters = "".join(word[0] for word in words) if len(words) > 1 else "".join(words)
    return letters[:2].upper()


def _lives_in_config(provider: Provider) -> bool:
    """Whether the credential is a field of ``config`` and the key only a placeholder."""
    return any(wanted.name in SECRET_CONFIG for wanted in provider.config_fields)
