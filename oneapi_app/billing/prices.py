"""What a token of each model costs: the operator's tables over the built-in ones (contract §8.1).

A ratio of 1 is US$0.002 per 1,000 tokens, one quota unit per token. Knows nothing of requests or balances.
"""

import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from oneapi_app.options import OptionValues

log = logging.getLogger(__name__)

UNKNOWN_MODEL_RATIO = 30.0
"""Dear on purpose: a model without a price must be noticed, not given away."""
_REMEMBERED = 10_000
_ONLINE_SEARCH = "-internet"


_SHOWN = {"model_ratio": "model", "group_ratio": "group", "completion_ratio": "completion"}


class Price(msgspec.Struct, frozen=True, gc=False, rename=_SHOWN, omit_defaults=True):
    """Ratios that apply to one model on one channel type for one group; as JSON, what a log row's detail has.

    ``known`` is false where no table has the model.
    """

    model_ratio: float
    group_ratio: float
    completion_ratio: float
    known: bool = True

    @property
    def ratio(self) -> float:
        """Quota units per prompt token."""
        return self.model_ratio * self.group_ratio


@cache
def built_in_model_ratios() -> Mapping[str, float]:
    """The original's table, 566 models. One entry is negative there; see ``PriceTable``."""
    return _data("model_ratios.json")


@cache
def built_in_completion_ratios() -> Mapping[str, float]:
    """The original's explicit entries; most completion ratios follow from patterns."""
    return _data("completion_ratios.json")["explicit"]


def table_text(ratios: Mapping[str, float]) -> str:
    """A ratio table as the original writes it into the ``options`` table: sorted, compact JSON."""
    entries = (f"{json.dumps(name, ensure_ascii=False)}:{_plain(r)}" for name, r in sorted(ratios.items()))
    return "{" + ",".join(entries) + "}"


def _plain(number: float) -> str:
    """Without an exponent and without ``.0``."""
    return format(Decimal(int(number) if float(number).is_integer() else repr(number)), "f")


class PriceTable:
    """Immutable; made anew when options change. A negative ratio counts as no entry, for nobody is paid to ask."""

    def __init__(
        self,
        model_ratios: Mapping[str, float],
        completion_ratios: Mapping[str, float],
        group_ratios: Mapping[str, float],
    ) -> None:
        self._model_ratios = (_priced(model_ratios), _priced(built_in_model_ratios()))
        self._completion_ratios = (_priced(completion_ratios), _priced(built_in_completion_ratios()))
        self._group_ratios = _priced(group_ratios)
        self._prices: dict[tuple[str, int, str], Price] = {}

    @classmethod
    def from_options(cls, options: OptionValues) -> "PriceTable":
        return cls(options.model_ratio, options.completion_ratio, options.group_ratio)

    def price(self, model: str, channel_type: int, group: str) -> Price:
        """``model`` as the channel maps it."""
        key = (model, channel_type, group)
        found = self._prices.get(key)
        if found is None:
            found = self._look_up(model, channel_type, group)
            if len(self._prices) >= _REMEMBERED:
                self._prices.clear()
            self._prices[key] = found
        return found

    def knows(self, model: str, channel_type: int) -> bool:
        return self._model_ratio(model, channel_type) is not None

    def group_ratio(self, group: str) -> float:
        return self._group_ratios.get(group, 1.0)

    def _look_up(self, model: str, channel_type: int, group: str) -> Price:
        model_ratio = self._model_ratio(model, channel_type)
        if model_ratio is None:
            log.warning("no price for model %.100r, billing it at ratio %g", model, UNKNOWN_MODEL_RATIO)
        return Price(
            UNKNOWN_MODEL_RATIO if model_ratio is None else model_ratio,
            self.group_ratio(group),
            self._completion_ratio(model, channel_type),
            known=model_ratio is not None,
        )

    def _model_ratio(self, model: str, channel_type: int) -> float | None:
        if model.startswith(("qwen-", "command-")):
            model = model.removesuffix(_ONLINE_SEARCH)
        return _find(self._model_ratios, model, channel_type)

    def _completion_ratio(self, model: str, channel_type: int) -> float:
        if model.startswith("qwen-"):
            model = model.removesuffix(_ONLINE_SEARCH)
        ratio = _find(self._completion_ratios, model, channel_type)
        return _patterned_completion_ratio(model) if ratio is None else ratio


def _find(tables: tuple[Mapping[str, float], ...], model: str, channel_type: int) -> float | None:
    """``name(type)`` in each table, then ``name`` in each: a price for the channel type wins."""
    for name in (f"{model}({channel_type})", model):
        for table in tables:
            if name in table:
                return table[name]
    return None


def _patterned_completion_ratio(model: str) -> float:
    rules = _data("completion_ratios.json")
    for rule in rules["patterns"]:
        if "equals" in rule:
            matches = model == rule["equals"]
        else:
            matches = model.startswith(rule.get("prefix", "")) and model.endswith(rule.get("suffix", ""))
        if matches:
            return float(rule["ratio"])
    return float(rules["fallback"].get(model, 1.0))


def _priced(ratios: Mapping[str, float]) -> Mapping[str, float]:
    return {name: float(ratio) for name, ratio in ratios.items() if ratio >= 0}


@cache
def _data(name: str) -> Any:
    return json.loads((Path(__file__).parent / "data" / name).read_text(encoding="utf-8"))
