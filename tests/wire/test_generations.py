"""Names of Claude models, and what follows from them."""

import pytest

from oneapi_app.wire.anthropic.generations import Off, generation_of


@pytest.mark.parametrize(
    ("model", "sampling", "adaptive", "json_schema", "off"),
    [
        ("claude-2.1", True, False, False, Off.OMIT),
        ("claude-instant-1.2", True, False, False, Off.OMIT),
        ("claude-3-5-sonnet-20241022", True, False, False, Off.OMIT),
        ("claude-3-7-sonnet-latest", True, False, False, Off.OMIT),
        ("claude-sonnet-4-20250514", True, False, False, Off.OMIT),
        ("claude-opus-4-1-20250805", True, False, False, Off.OMIT),
        ("claude-haiku-4-5-20251001", True, False, True, Off.OMIT),
        ("claude-opus-4-6", True, True, True, Off.DISABLED),
        ("claude-opus-4.8", False, True, True, Off.DISABLED),
        ("claude-sonnet-5", False, True, True, Off.DISABLED),
        ("claude-opus-5", False, True, True, Off.DISABLED),
        ("claude-sonnet-5-5", False, True, True, Off.BETWEEN_TOOLS),
        ("claude-haiku-5-5", False, True, True, Off.DISABLED),
        ("claude-opus-5-5", False, True, True, Off.LOW_EFFORT),
        ("claude-fable-5-1", False, True, True, Off.LOW_EFFORT),
        ("claude-opus-6", False, True, True, Off.LOW_EFFORT),
        ("anthropic.claude-sonnet-4-6-v1:0", True, True, True, Off.DISABLED),
        ("my-own-name", True, False, True, Off.OMIT),
    ],
)
def test_generation(model: str, sampling: bool, adaptive: bool, json_schema: bool, off: Off) -> None:
    generation = generation_of(model)
    assert generation.sampling is sampling
    assert generation.adaptive is adaptive
    assert generation.json_schema is json_schema
    assert generation.off is off


def test_efforts() -> None:
    assert generation_of("claude-opus-4-6").efforts == ("low", "medium", "high", "max")
    assert "xhigh" in generation_of("claude-opus-4-7").efforts
    assert generation_of("claude-opus-4-5").efforts == ()
