"""What image models accept and how size and quality weigh in their price (contract §6.9)."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

_ALWAYS_ALLOWED = "cogview-3"
_HD_MODEL = "dall-e-3"
DEFAULT_MODEL = "dall-e-2"
DEFAULT_SIZE = "1024x1024"


class ImageRules:
    """Tables by model name as the channel maps it. Models outside the tables may do anything, at weight 1."""

    @cached_property
    def _tables(self) -> Mapping[str, Any]:
        return json.loads((Path(__file__).parent / "data" / "images.json").read_text(encoding="utf-8"))

    def knows_size(self, model: str, size: str) -> bool:
        sizes = self._tables["sizes"].get(model)
        return sizes is None or model == _ALWAYS_ALLOWED or size in sizes

    def longest_prompt(self, model: str) -> float:
        """Bytes; infinite for models without a limit of their own."""
        return self._tables["longest_prompts"].get(model, float("inf"))

    def allows_count(self, model: str, count: int) -> bool:
        """``count`` images in one request; never fewer than one, whatever the model."""
        lowest, highest = self._tables["counts"].get(model, (1, 10_000))
        return lowest <= count <= highest

    def cost_ratio(self, model: str, size: str, quality: str) -> float:
        """What one image of this size and quality costs, relative to the model's ratio × 1,000."""
        ratio = float(self._tables["sizes"].get(model, {}).get(size, 1.0))
        if model == _HD_MODEL and quality == "hd":
            ratio *= 2.0 if size == DEFAULT_SIZE else 1.5
        return ratio


IMAGE_RULES = ImageRules()
