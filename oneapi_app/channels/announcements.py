"""What the operator is told when a channel was switched off or on by itself (contract §7.7). Pure."""

from html import escape

from oneapi_app.events import ChannelSwitched

SUBJECT = "渠道状态变更提醒"


def describe_switch(event: ChannelSwitched) -> tuple[str, str]:
    """Subject and content, HTML, of the message."""
    channel = f"渠道「{escape(event.name)}」（#{event.channel_id}）"
    if event.enabled:
        return SUBJECT, f"<p>{channel}测试通过，已被自动启用。</p>"
    return SUBJECT, f"<p>{channel}已被自动禁用。</p><p>原因：{escape(event.reason)}</p>"
