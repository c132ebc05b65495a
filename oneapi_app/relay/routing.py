"""Which channels may serve a request, in which order: priority first, then chance by weight among equals.

Pure: the table is an immutable snapshot, the clock and the dice are parameters.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from oneapi_app.channels.schemas import ChannelRecord

Tiers = tuple[tuple[ChannelRecord, ...], ...]
"""Channels of equal priority together, the highest first."""
Cooling = Callable[[int], bool]
"""Whether a channel is resting after failures."""


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Enabled channels by (group, model), in tiers of equal priority, highest first."""

    tiers: Mapping[tuple[str, str], Tiers] = field(default_factory=dict[tuple[str, str], Tiers])
    by_id: Mapping[int, ChannelRecord] = field(default_factory=dict[int, ChannelRecord])
    models_of_group: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


def build_table(channels: Iterable[ChannelRecord]) -> RoutingTable:
    """Groups enabled channels; ``channels`` may hold others, which are only found by id."""
    everything = list(channels)
    offers: dict[tuple[str, str], list[ChannelRecord]] = {}
    models: dict[str, set[str]] = {}
    for channel in everything:
        if not channel.enabled:
            continue
        for group in channel.groups:
            models.setdefault(group, set()).update(channel.models)
            for model in channel.models:
                offers.setdefault((group, model), []).append(channel)
    return RoutingTable(
        tiers={offer: _tiers(serving) for offer, serving in offers.items()},
        by_id={channel.id: channel for channel in everything},
        models_of_group={group: frozenset(names) for group, names in models.items()},
    )


def _tiers(channels: list[ChannelRecord]) -> Tiers:
    priorities = sorted({channel.priority for channel in channels}, reverse=True)
    return tuple(tuple(c for c in channels if c.priority == priority) for priority in priorities)


def only_channel(tiers: Tiers) -> ChannelRecord | None:
    """Where there is no choice."""
    return tiers[0][0] if len(tiers) == 1 and len(tiers[0]) == 1 else None


def plan(tiers: Tiers, cooling: Cooling, dice: random.Random) -> Iterator[ChannelRecord]:
    """Candidates, each once. Channels that are cooling down come last: better a try than a refusal."""
    resting: list[ChannelRecord] = []
    for tier in tiers:
        if len(tier) == 1:
            channel = tier[0]
            if cooling(channel.id):
                resting.append(channel)
            else:
                yield channel
            continue
        ready = [channel for channel in tier if not cooling(channel.id)]
        if len(ready) < len(tier):
            resting.extend(channel for channel in tier if channel not in ready)
        while ready:
            chosen = ready.pop(_draw(ready, dice)) if len(ready) > 1 else ready.pop()
            yield chosen
    yield from resting


def _draw(channels: list[ChannelRecord], dice: random.Random) -> int:
    """An index, with the chance of each channel proportional to its weight; weight 0 counts as 1."""
    weights = [channel.weight or 1 for channel in channels]
    point = dice.random() * sum(weights)
    for index, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return index
    return len(channels) - 1
