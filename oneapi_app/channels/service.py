"""Channels: what admins do with them, and what the relay asks and reports.

No answer ever holds a credential. Whatever changes what can be routed publishes ChannelsChanged.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from oneapi_app.actor import ADMIN, Actor, require_role
from oneapi_app.channels import policy, repository
from oneapi_app.channels.schemas import (
    ChannelDraft,
    ChannelPage,
    ChannelQuery,
    ChannelRecord,
    ChannelRow,
    ChannelState,
    ProbeResult,
    UsedValues,
)
from oneapi_app.errors import InvalidInput, NotFound
from oneapi_app.events import ChannelsChanged, ChannelSwitched
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.paging import offset_of
from oneapi_app.kit.text import is_storable, storable
from oneapi_app.models import Channel
from oneapi_app.models.channel import AUTO_DISABLED, ENABLED, MANUALLY_DISABLED
from oneapi_app.models.log import TEST
from oneapi_app.usage_log.service import write_log

PAGE_SIZE = 10
"""Of the REST API; fixed by the original."""
MAX_PAGE_SIZE = 100
MAX_BATCH = 1000
"""Credentials in one batch."""
REASON_CHARS = 500
T = TypeVar("T")
_STATUSES = (ENABLED, MANUALLY_DISABLED, AUTO_DISABLED)


def load_records(uow: UnitOfWork) -> list[ChannelRecord]:
    """All channels with their credentials: for the relay, never for an answer."""
    return [policy.to_record(channel) for channel in repository.all_channels(uow.session)]


def load_record(uow: UnitOfWork, channel_id: int) -> ChannelRecord:
    """One channel with its credential: for tests and balance queries. Raises NotFound."""
    return policy.to_record(_find(uow, channel_id))


def list_newest(uow: UnitOfWork, actor: Actor, *, page: int = 0) -> list[ChannelRow]:
    """One page of ten, as the REST API gives it."""
    require_role(actor, ADMIN)
    found = repository.newest(uow.session, offset_of(page, PAGE_SIZE), PAGE_SIZE)
    return [_row(channel) for channel in found]


def search(uow: UnitOfWork, actor: Actor, *, keyword: str) -> list[ChannelRow]:
    require_role(actor, ADMIN)
    if not is_storable(keyword):
        return []
    return [_row(channel) for channel in repository.search(uow.session, keyword)]


def page(uow: UnitOfWork, actor: Actor, *, query: ChannelQuery) -> ChannelPage:
    """For the console: searched, filtered, sorted, with a total and the states of the rows."""
    require_role(actor, ADMIN)
    if not all(is_storable(text) for text in (query.search, query.group, query.model)):
        return ChannelPage([], {}, 0)
    size = min(max(query.size, 1), MAX_PAGE_SIZE)
    query = msgspec.structs.replace(query, size=size)
    rows, total = repository.page(uow.session, query)
    return ChannelPage(
        [_row(c) for c in rows], states(uow, actor, channel_ids=[c.id or 0 for c in rows]), total
    )


def used_values(uow: UnitOfWork, actor: Actor) -> UsedValues:
    """Types, groups and models that occur, sorted."""
    require_role(actor, ADMIN)
    types: set[int] = set()
    groups: set[str] = set()
    models: set[str] = set()
    for channel_type, group, offered in repository.offers(uow.session):
        types.add(channel_type or 0)
        groups.update(policy.split_list(group))
        models.update(policy.split_list(offered))
    return UsedValues(sorted(types), sorted(groups), sorted(models))


def states(uow: UnitOfWork, actor: Actor, *, channel_ids: Sequence[int]) -> dict[int, ChannelState]:
    require_role(actor, ADMIN)
    return {
        found.channel_id: ChannelState(
            found.channel_id, found.status_reason, found.status_since, found.tested_model, found.test_message
        )
        for found in repository.states(uow.session, channel_ids)
    }


def get(uow: UnitOfWork, actor: Actor, *, channel_id: int) -> ChannelRow:
    require_role(actor, ADMIN)
    return _row(_find(uow, channel_id))


def create(uow: UnitOfWork, actor: Actor, *, draft: ChannelDraft, like: int = 0) -> list[int]:
    """One channel per credential line; their ids. Raises InvalidInput.

    ``like`` is a channel whose credentials are taken where the draft brings none: copying never shows them.
    """
    require_role(actor, ADMIN)
    policy.check_draft(draft)
    keys, config = _credentials(uow, draft, like)
    if len(keys) > MAX_BATCH:
        raise InvalidInput(f"一次最多添加 {MAX_BATCH} 个渠道", f"at most {MAX_BATCH} channels at once")
    now = now_s()
    made: list[int] = []
    for key in keys:
        channel = Channel(
            type=draft.type,
            key=key,
            status=draft.status if draft.status in _STATUSES else ENABLED,
            name=draft.name,
            weight=_given(draft.weight) or 0,
            created_time=now,
            base_url=_given(draft.base_url) or "",
            other=_given(draft.other),
            models=draft.models,
            group=policy.check_groups(draft.group) or "default",
            model_mapping=_given(draft.model_mapping) or "",
            priority=_given(draft.priority) or 0,
            config=config,
            system_prompt=_given(draft.system_prompt),
        )
        uow.session.add(channel)
        uow.session.flush()
        repository.rebuild_abilities(uow.session, channel)
        made.append(channel.id or 0)
    uow.publish(ChannelsChanged())
    return made


def load_chosen(uow: UnitOfWork, channel_ids: Sequence[int]) -> list[ChannelRecord]:
    """Some channels with their credentials; those that are gone are left out."""
    return [policy.to_record(channel) for channel in repository.existing(uow.session, channel_ids)]


def update(uow: UnitOfWork, actor: Actor, *, draft: ChannelDraft) -> ChannelRow:
    """Writes fields that are not zero, and nullable ones that were sent at all, as the original does."""
    require_role(actor, ADMIN)
    policy.check_draft(draft)
    channel = _find(uow, draft.id)
    for name in ("type", "name", "models"):
        if value := getattr(draft, name):
            setattr(channel, name, value)
    if group := policy.check_groups(draft.group):
        channel.group = group
    if draft.config:
        channel.config = policy.merged_config(channel.config or "", draft.config)
    if draft.key.strip():
        channel.key = draft.key.strip()
    for name in ("weight", "base_url", "other", "model_mapping", "priority", "system_prompt"):
        value = getattr(draft, name)
        if value is not msgspec.UNSET and value is not None:
            setattr(channel, name, value)
    if draft.status in _STATUSES and draft.status != channel.status:
        channel.status = draft.status
        _note_status(uow, draft.id, "")
    uow.session.flush()
    repository.rebuild_abilities(uow.session, channel)
    uow.publish(ChannelsChanged())
    return _row(channel)


def adjust(
    uow: UnitOfWork,
    actor: Actor,
    *,
    channel_ids: Sequence[int],
    priority: int | None = None,
    weight: int | None = None,
    group: str | None = None,
) -> int:
    """Sets what is given on all these channels; how many there were. Raises InvalidInput."""
    require_role(actor, ADMIN)
    policy.check_routing(priority, weight)
    groups = None if group is None else policy.check_groups(group)
    if groups == "":
        raise InvalidInput("参数错误：分组不能为空", "groups: at least one")
    channels = repository.existing(uow.session, channel_ids)
    if priority is not None:
        repository.set_priority(uow.session, channel_ids, priority)
    if weight is not None:
        repository.set_weight(uow.session, channel_ids, weight)
    if groups is not None:
        for channel in channels:
            channel.group = groups
            uow.session.flush()
            repository.rebuild_abilities(uow.session, channel)
    uow.publish(ChannelsChanged())
    return len(channels)


def draft_record(uow: UnitOfWork, actor: Actor, *, draft: ChannelDraft, like: int = 0) -> ChannelRecord:
    """A channel that is not saved, for trying it: ``like`` lends its credentials as in ``create``."""
    require_role(actor, ADMIN)
    policy.check_draft(draft)
    keys, config = _credentials(uow, draft, like)
    return policy.to_record(
        Channel(
            type=draft.type,
            key=keys[0],
            base_url=_given(draft.base_url),
            other=_given(draft.other),
            models=draft.models,
            group=draft.group,
            model_mapping=_given(draft.model_mapping),
            config=config,
            system_prompt=_given(draft.system_prompt),
        )
    )


def set_enabled(uow: UnitOfWork, actor: Actor, *, channel_ids: Sequence[int], enabled: bool) -> int:
    """Switches channels on or off by hand; how many there were."""
    require_role(actor, ADMIN)
    changed = 0
    for channel_id in channel_ids:
        if repository.set_status(uow.session, channel_id, ENABLED if enabled else MANUALLY_DISABLED):
            _note_status(uow, channel_id, "")
            changed += 1
    if changed:
        uow.publish(ChannelsChanged())
    return changed


def delete(uow: UnitOfWork, actor: Actor, *, channel_ids: Sequence[int]) -> int:
    """How many there were; deleting what is gone is no error."""
    require_role(actor, ADMIN)
    removed = repository.remove(uow.session, channel_ids)
    if removed:
        uow.publish(ChannelsChanged())
    return removed


def delete_disabled(uow: UnitOfWork, actor: Actor) -> int:
    require_role(actor, ADMIN)
    return delete(uow, actor, channel_ids=repository.disabled_ids(uow.session))


def auto_disable(uow: UnitOfWork, channel_id: int, reason: str) -> str | None:
    """Switches an enabled channel off for a dead credential; its name, None where it was not enabled."""
    if not repository.set_status(uow.session, channel_id, AUTO_DISABLED, only_from=(ENABLED,)):
        return None
    return _switched(uow, channel_id, enabled=False, reason=reason)


def auto_enable(uow: UnitOfWork, channel_id: int) -> str | None:
    """Switches an automatically disabled channel on again; its name, None where it was not so disabled."""
    if not repository.set_status(uow.session, channel_id, ENABLED, only_from=(AUTO_DISABLED,)):
        return None
    return _switched(uow, channel_id, enabled=True, reason="")


def _switched(uow: UnitOfWork, channel_id: int, *, enabled: bool, reason: str) -> str:
    _note_status(uow, channel_id, reason)
    channel = _find(uow, channel_id)
    uow.session.refresh(channel)
    name = channel.name or ""
    uow.publish(ChannelsChanged())
    uow.publish(ChannelSwitched(channel_id, name, enabled, reason))
    return name


def record_test(uow: UnitOfWork, channel_id: int, model: str, result: ProbeResult) -> None:
    """Time and outcome of a test on the channel, and a log row."""
    channel = _find(uow, channel_id)
    channel.test_time = now_s()
    channel.response_time = max(1, result.elapsed_ms) if result.ok else 0  # 0 says that it failed
    state = repository.state_of(uow.session, channel_id)
    state.tested_model = storable(model)[: policy.MAX_SHORT_CHARS]
    state.test_message = "" if result.ok else storable(result.message)[:REASON_CHARS]
    outcome = "成功，响应" if result.ok else "失败，错误"
    content = f"渠道 {channel.name} 测试{outcome}：{policy.describe_result(result)}"
    write_log(
        uow, TEST, 0, "", content, channel_id=channel_id, model_name=model, elapsed_ms=result.elapsed_ms
    )


def record_balance(uow: UnitOfWork, channel_id: int, balance: float) -> None:
    channel = _find(uow, channel_id)
    channel.balance = balance
    channel.balance_updated_time = now_s()


def _credentials(uow: UnitOfWork, draft: ChannelDraft, like: int) -> tuple[list[str], str]:
    """Keys, at least one, and config. Raises InvalidInput."""
    keys, config = policy.split_keys(draft.key), draft.config
    if like:
        lender = _find(uow, like)
        keys = keys or policy.split_keys(lender.key or "")
        config = policy.merged_config(lender.config or "", config or "{}")
    if not keys:
        raise InvalidInput("empty slice found", "no key given: enter at least one")
    return keys, config


def _note_status(uow: UnitOfWork, channel_id: int, reason: str) -> None:
    state = repository.state_of(uow.session, channel_id)
    state.status_reason = storable(reason)[:REASON_CHARS]
    state.status_since = now_s()


def _find(uow: UnitOfWork, channel_id: int) -> Channel:
    channel = repository.find(uow.session, channel_id) if 0 < channel_id < 2**63 else None
    if channel is None:
        raise NotFound
    return channel


def _given(value: T | msgspec.UnsetType) -> T | None:
    return None if isinstance(value, msgspec.UnsetType) else value


def _row(channel: Channel) -> ChannelRow:
    return ChannelRow(
        id=channel.id or 0,
        type=channel.type or 0,
        key="",
        status=channel.status or 0,
        name=channel.name or "",
        weight=channel.weight,
        created_time=channel.created_time or 0,
        test_time=channel.test_time or 0,
        response_time=channel.response_time or 0,
        base_url=channel.base_url,
        other=channel.other,
        balance=channel.balance or 0,
        balance_updated_time=channel.balance_updated_time or 0,
        models=channel.models or "",
        group=channel.group or "",
        used_quota=channel.used_quota or 0,
        model_mapping=channel.model_mapping,
        priority=channel.priority,
        config=policy.public_config(channel.config or ""),
        system_prompt=channel.system_prompt,
    )
