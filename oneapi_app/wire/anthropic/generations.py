"""What differs between generations of Claude models, by the version in their names.

https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
https://platform.claude.com/docs/en/about-claude/models/migration-guide
"""

import re
from enum import Enum
from functools import lru_cache

import msgspec

_NAME = re.compile(r"claude-(?:(?P<first>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)")


class Off(Enum):
    """How a caller's wish for no thinking is said."""

    OMIT = "by saying nothing"
    DISABLED = "disabled"
    BETWEEN_TOOLS = "between_tools"
    LOW_EFFORT = "as low effort: it cannot be switched off"


class Generation(msgspec.Struct, frozen=True):
    sampling: bool
    """temperature, top_p and top_k are accepted."""
    one_sampling: bool
    """... but not temperature and top_p together."""
    adaptive: bool
    """Thinking is asked for by effort; before, by a budget of tokens."""
    thinks: bool
    off: Off
    efforts: tuple[str, ...]
    json_schema: bool
    """Answers can be bound to a JSON schema."""
    max_tokens: int
    """Sent where the caller sets no limit, since the field is required."""


_EFFORTS = ("low", "medium", "high")
_CANNOT_STOP_THINKING = frozenset({"fable", "mythos"})


@lru_cache(maxsize=512)
def generation_of(model: str) -> Generation:
    """Of a name without a version: the widely imitated form of Claude 3.7 and 4."""
    found = _NAME.search(model)
    if found is None:
        return Generation(
            sampling=True,
            one_sampling=False,
            adaptive=False,
            thinks=True,
            off=Off.OMIT,
            efforts=(),
            json_schema=True,
            max_tokens=4096,
        )
    family = found["first"] or ""
    version = (int(found["major"]), int(found["minor"] or 0))
    adaptive = version >= (4, 6)
    newest = version >= (4, 7)
    efforts = (
        (*_EFFORTS, *(("xhigh",) if newest else ()), *(("max",) if adaptive else ())) if adaptive else ()
    )
    return Generation(
        sampling=not newest,
        one_sampling=version >= (4, 1),
        adaptive=adaptive,
        thinks=version >= (3, 7),
        off=_off(family, version) if adaptive else Off.OMIT,
        efforts=efforts,
        json_schema=version >= (4, 5),
        max_tokens=4096 if version < (4, 0) else 32_000,
    )


def _off(family: str, version: tuple[int, int]) -> Off:
    if family in _CANNOT_STOP_THINKING or (family == "opus" and version >= (5, 5)):
        return Off.LOW_EFFORT
    if family == "sonnet" and version >= (5, 5):
        return Off.BETWEEN_TOOLS
    return Off.DISABLED if version <= (5, 5) else Off.LOW_EFFORT
