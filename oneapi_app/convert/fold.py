"""A whole answer out of the events of its stream."""

from collections.abc import Iterable

from oneapi_app.convert import hub


class _OpenPart:
    __slots__ = ("sealed", "signature", "start", "texts")

    def __init__(self, start: hub.PartStart) -> None:
        self.start = start
        self.texts: list[str] = []
        self.signature = start.signature
        self.sealed = ""

    def finished(self) -> hub.Text | hub.Reasoning | hub.ToolCall:
        text = "".join(self.texts)
        match self.start.kind:
            case hub.PartKind.TEXT:
                return hub.Text(text)
            case hub.PartKind.REASONING:
                return hub.Reasoning(text, self.signature, self.sealed)
            case hub.PartKind.TOOL_CALL:
                return hub.ToolCall(self.start.id, self.start.name, text or "{}", self.signature)


def fold(events: Iterable[hub.Event]) -> hub.Answer:
    """Choices without a stop reason have stopped by themselves, or to call tools."""
    answer_id = ""
    usage: hub.Usage | None = None
    parts: dict[int, _OpenPart] = {}
    reasons: dict[int, hub.StopReason] = {}
    for event in events:
        match event:
            case hub.Started(answer_id):
                pass
            case hub.PartStart():
                parts[event.part] = _OpenPart(event)
            case hub.PartDelta(number, text):
                parts[number].texts.append(text)
            case hub.PartEnd(number, signature, sealed):
                part = parts[number]
                part.signature = signature or part.signature
                part.sealed = sealed
            case hub.Counted(usage):
                pass
            case hub.Stopped(reason, choice):
                reasons[choice] = reason
            case hub.Failed():
                pass
    numbers = sorted({part.start.choice for part in parts.values()} | set(reasons) | {0})
    choices = (_choice(number, parts, reasons) for number in numbers)
    return hub.Answer(answer_id, tuple(choices), usage)


def _choice(number: int, parts: dict[int, _OpenPart], reasons: dict[int, hub.StopReason]) -> hub.Choice:
    mine = tuple(part.finished() for part in parts.values() if part.start.choice == number)
    reason = reasons.get(number)
    if reason is None:
        calls = any(isinstance(part, hub.ToolCall) for part in mine)
        reason = hub.StopReason.TOOL_CALLS if calls else hub.StopReason.STOP
    return hub.Choice(mine, reason)
