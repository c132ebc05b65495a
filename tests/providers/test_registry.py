"""The channel types: frozen numbers, nothing lost of what the original knew."""

import json
from pathlib import Path
from typing import Any

import pytest

from oneapi_app.errors import ConversionError
from oneapi_app.providers import base, registry
from oneapi_app.providers.base import ClientRequest, Dialect, Operation, Route

FROZEN = {
    1: "openai", 2: "api2d", 3: "azure", 4: "closeai", 5: "openai-sb", 6: "openai-max", 7: "ohmygpt", 8: "custom",
    9: "ails", 10: "aiproxy", 11: "palm", 12: "api2gpt", 13: "aigc2d", 14: "anthropic", 15: "baidu", 16: "zhipu",
    17: "ali", 18: "xunfei", 19: "ai360", 20: "openrouter", 21: "aiproxy-library", 22: "fastgpt", 23: "tencent",
    24: "gemini", 25: "moonshot", 26: "baichuan", 27: "minimax", 28: "mistral", 29: "groq", 30: "ollama",
    31: "lingyiwanwu", 32: "stepfun", 33: "aws", 34: "coze", 35: "cohere", 36: "deepseek", 37: "cloudflare",
    38: "deepl", 39: "together", 40: "doubao", 41: "novita", 42: "vertex-ai", 43: "proxy", 44: "siliconflow",
    45: "xai", 46: "replicate", 47: "baidu-v2", 48: "xunfei-v2", 49: "ali-bailian", 50: "openai-compatible",
    51: "gemini-openai",
}  # fmt: skip
"""Numbers are stored in people's databases: a line may be added here, never changed."""


def test_numbers_are_frozen() -> None:
    assert {number: provider.slug for number, provider in registry.providers().items()} == FROZEN


def test_every_vendor_module_is_registered() -> None:
    directory = Path(registry.__file__).parent
    modules = {
        path.stem for path in directory.glob("*.py") if "\nPROVIDER = " in path.read_text(encoding="utf-8")
    }
    registered = {name for name in modules if getattr(registry, name).PROVIDER in registry._VENDORS}
    assert modules == registered


def test_numbers_and_names_are_unique() -> None:
    vendors = registry._VENDORS
    assert len({vendor.id for vendor in vendors}) == len({vendor.slug for vendor in vendors}) == len(vendors)


def test_unknown_numbers_are_custom_channels() -> None:
    assert registry.provider_for(999).slug == "custom"
    assert registry.provider_for(0).supports(Operation.CHAT)


def test_form_offers_every_type_once() -> None:
    assert sorted(provider.id for provider in registry.choices()) == sorted(FROZEN)


@pytest.mark.parametrize("number", sorted(FROZEN))
def test_what_is_not_spoken_says_so(number: int) -> None:
    provider = registry.provider_for(number)
    if provider.endpoints:
        assert provider.supports(Operation.CHAT)
        return
    request = ClientRequest(Dialect.OPENAI, Operation.CHAT, "/v1/chat/completions", "", b"{}", "m", False, {})
    with pytest.raises(ConversionError, match="cannot be relayed to yet"):
        provider.build(request, Route(1, number, "http://x", "k", {}, "m", None))


@pytest.fixture(scope="module")
def facts(shared_dir: Path) -> dict[str, Any]:
    return json.loads((shared_dir / "oneapi" / "channel_types.json").read_text(encoding="utf-8"))


def test_nothing_of_the_original_is_lost(facts: dict[str, Any]) -> None:
    for row in facts["types"]:
        provider = registry.providers()[row["id"]]
        assert provider.title == (row["ui_label"] or row["name"])
        assert provider.base_url == row["default_base_url"]
        assert provider.owned_by == row["owned_by"]
        assert provider.key_format == row["key_format"]
        assert [field.name for field in provider.config_fields] == row["config_fields"]
        assert bool(provider.legacy_other) == bool(row["other_field"])
        assert isinstance(provider.balance, base.BalanceQuery) == bool(row["balance_query"])
    assert [provider.id for provider in registry.choices()] == facts["ui_order"]


def test_models_as_the_original_lists_them(facts: dict[str, Any]) -> None:
    assert registry.models_by_type() == {str(row["id"]): row["models"] for row in facts["types"]}


def test_catalogue_has_the_originals_order(facts: dict[str, Any]) -> None:
    """Adaptors first, in the order of their numbers, then the compatible vendors (``model_catalogue_order``)."""
    rows = {row["id"]: row for row in facts["types"]}
    first: dict[str, int] = {}
    for row in facts["types"]:
        first.setdefault(row["api_type"], row["id"])
    adaptors = sorted(facts["api_types"], key=facts["api_types"].__getitem__)
    numbers = [first[name] for name in adaptors if name != "AIProxyLibrary"]
    numbers += facts["openai_compatible_channels_in_model_catalogue"]
    expected = [(model, rows[n]["owned_by"]) for n in numbers for model in rows[n]["models"] or ()]
    assert list(registry.catalogue()) == expected


def test_models_as_recorded(shared_dir: Path) -> None:
    recorded = shared_dir / "oneapi" / "transcripts" / "channels.json"
    steps = json.loads(recorded.read_text(encoding="utf-8"))["steps"]
    listed = [step for step in steps if step["request"]["path"] == "/api/channel/models"]
    for step in listed:
        ours = [{"id": model, "owned_by": owner} for model, owner in registry.catalogue()]
        theirs = [{"id": m["id"], "owned_by": m["owned_by"]} for m in step["response"]["json"]["data"]]
        assert ours == theirs
