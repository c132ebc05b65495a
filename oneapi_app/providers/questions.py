"""What vendors can be asked besides relaying: which models they offer, and what is left on the account.

Pure: each question is a generator that yields ``Ask``s, is sent the decoded JSON answers, and returns the result.
Who drives it does the network. A malformed answer ends in KeyError, TypeError, ValueError or AttributeError.
"""

import datetime as dt
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from oneapi_app.providers.base import BalanceQuery, Dialect, Operation, Provider
from oneapi_app.providers.openai_like import build


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET. ``query`` is not encoded yet."""

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict[str, str])


class CannotTell(Exception):
    """The vendor answered, but not what was asked; the text says what it said."""


Models = Generator[Ask, Any, list[str]]
Balance = Generator[Ask, Any, float]

MAX_PAGES = 20
_OPENAI_LOOK_BACK_DAYS = 100


def ask_models(provider: Provider, base_url: str, key: str) -> Models | None:
    """The vendor's list of models for this key; None where it has none."""
    asker = _MODEL_LISTS.get(provider.dialect)
    # A vendor with addresses built in its own way has its list, if any, somewhere else too.
    plain = provider.builder is build and bool(_chat_path(provider))
    if asker is None or (provider.dialect is Dialect.OPENAI and not plain):
        return None
    return asker(provider, base_url, key)


def ask_balance(query: BalanceQuery, base_url: str, key: str, today: dt.date) -> Balance:
    """What is left, in the vendor's currency (contract §10.23)."""
    return _BALANCES[query](base_url, key, today)


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _chat_path(provider: Provider) -> str:
    path = provider.endpoints.get(Operation.CHAT, "")
    return path if path.endswith("/chat/completions") else ""


def _openai_models(provider: Provider, base: str, key: str) -> Models:
    path = _chat_path(provider).removesuffix("/chat/completions") + "/models"
    page = yield Ask(base + path, _bearer(key))
    listed: list[Any] = (
        cast("list[Any]", page) if isinstance(page, list) else page["data"]
    )  # together.ai: bare
    return [str(model["id"]) for model in listed]


def _anthropic_models(_provider: Provider, base: str, key: str) -> Models:
    """https://docs.anthropic.com/en/api/models-list"""
    names: list[str] = []
    query = {"limit": "1000"}
    for _ in range(MAX_PAGES):
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        page = yield Ask(f"{base}/v1/models", headers, query)
        names += [str(model["id"]) for model in page["data"]]
        if not page.get("has_more"):
            break
        query = {"limit": "1000", "after_id": str(page["last_id"])}
    return names


def _gemini_models(_provider: Provider, base: str, key: str) -> Models:
    """https://ai.google.dev/api/models: those that generate or embed."""
    names: list[str] = []
    query = {"pageSize": "1000"}
    for _ in range(MAX_PAGES):
        page = yield Ask(f"{base}/v1beta/models", {"x-goog-api-key": key}, query)
        names += [
            str(model["name"]).removeprefix("models/")
            for model in page["models"]
            if {"generateContent", "embedContent"} & set(model.get("supportedGenerationMethods") or ())
        ]
        if not page.get("nextPageToken"):
            break
        query = {"pageSize": "1000", "pageToken": str(page["nextPageToken"])}
    return names


def _ollama_models(_provider: Provider, base: str, key: str) -> Models:
    page = yield Ask(f"{base}/api/tags", _bearer(key))
    return [str(model["name"]) for model in page["models"]]


_MODEL_LISTS: Mapping[Dialect, Callable[[Provider, str, str], Models]] = {
    Dialect.OPENAI: _openai_models,
    Dialect.ANTHROPIC: _anthropic_models,
    Dialect.GEMINI: _gemini_models,
    Dialect.OLLAMA: _ollama_models,
}


def _openai(base: str, key: str, today: dt.date) -> Balance:
    subscription = yield Ask(f"{base}/v1/dashboard/billing/subscription", _bearer(key))
    start = today.replace(day=1)
    if not subscription.get("has_payment_method"):
        start = today - dt.timedelta(days=_OPENAI_LOOK_BACK_DAYS)
    span = {"start_date": str(start), "end_date": str(today)}
    usage = yield Ask(f"{base}/v1/dashboard/billing/usage", _bearer(key), span)
    return float(subscription.get("hard_limit_usd") or 0) - float(usage.get("total_usage") or 0) / 100


def _closeai(base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask(f"{base}/dashboard/billing/credit_grants", _bearer(key))
    return float(found["total_available"])


def _openai_sb(_base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask("https://api.openai-sb.com/sb-api/user/status", {}, {"api_key": key})
    return float(found["data"]["credit"])


def _aiproxy(_base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask("https://aiproxy.io/api/report/getUserOverview", {"api-key": key})
    return float(found["data"]["totalPoints"])


def _api2gpt(_base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask("https://api.api2gpt.com/dashboard/billing/credit_grants", _bearer(key))
    return float(found["total_remaining"])


def _aigc2d(_base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask("https://api.aigc2d.com/dashboard/billing/credit_grants", _bearer(key))
    return float(found["total_available"])


def _openrouter(_base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask("https://openrouter.ai/api/v1/credits", _bearer(key))
    return float(found["data"]["total_credits"]) - float(found["data"]["total_usage"])


def _deepseek(base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask(f"{base}/user/balance", _bearer(key))
    for info in found["balance_infos"]:
        if info["currency"] == "CNY":
            return float(info["total_balance"])
    raise CannotTell("currency CNY not found")


def _siliconflow(base: str, key: str, _today: dt.date) -> Balance:
    found = yield Ask(f"{base}/v1/user/info", _bearer(key))
    if found["code"] != 20000:
        raise CannotTell(f"code: {found['code']}")
    return float(found["data"]["totalBalance"])


_BALANCES: Mapping[BalanceQuery, Callable[[str, str, dt.date], Balance]] = {
    BalanceQuery.OPENAI: _openai,
    BalanceQuery.CLOSEAI: _closeai,
    BalanceQuery.OPENAI_SB: _openai_sb,
    BalanceQuery.AIPROXY: _aiproxy,
    BalanceQuery.API2GPT: _api2gpt,
    BalanceQuery.AIGC2D: _aigc2d,
    BalanceQuery.OPENROUTER: _openrouter,
    BalanceQuery.DEEPSEEK: _deepseek,
    BalanceQuery.SILICONFLOW: _siliconflow,
}
