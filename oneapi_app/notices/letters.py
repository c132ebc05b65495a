"""What operators and users are told: of channels, of balances. Pure."""

from oneapi_app.channels.schemas import ProbeReport
from oneapi_app.events import ChannelSwitched
from oneapi_app.mail.letter import Letter, link, paragraph

MOST_CHANNELS = 50
"""Listed one by one in the summary of a test."""


def channel_letter(event: ChannelSwitched) -> Letter:
    what, english = ("启用", "enabled") if event.enabled else ("禁用", "disabled")
    summary = f"渠道「{event.name}」（#{event.channel_id}）已被{what}"
    body = paragraph(f"{summary}。")
    if event.reason:
        summary += f"，原因：{event.reason}"
        body += paragraph(f"原因：{event.reason}")
    body += paragraph(
        f'Channel "{event.name}" (#{event.channel_id}) was {english} automatically'
        + (f", because of: {event.reason}" if event.reason else "."),
        quiet=True,
    )
    return Letter("渠道状态变更提醒", summary, body)


def report_letter(report: ProbeReport) -> Letter:
    summary = f"渠道测试完成：共 {report.tested} 个，{report.good} 个正常"
    if report.switched_off:
        summary += f"，{report.switched_off} 个被禁用"
    if not report.troubled and not report.switched_off:
        summary += "，没有发现新的问题"
    body = paragraph(f"{summary}。")
    for channel in report.troubled[:MOST_CHANNELS]:
        body += paragraph(f"渠道「{channel.name}」（#{channel.channel_id}）：{channel.reason}")
    if len(report.troubled) > MOST_CHANNELS:
        body += paragraph(f"另有 {len(report.troubled) - MOST_CHANNELS} 个渠道存在问题。")
    body += paragraph(
        f"Channel test finished: {report.tested} tested, {report.good} answered, "
        f"{report.switched_off} switched off, {len(report.troubled)} with other trouble.",
        quiet=True,
    )
    return Letter("渠道测试完成", summary, body)


def quota_letter(balance: int, amount: str, server_address: str) -> Letter:
    """``balance`` in quota units, ``amount`` the same as the site shows it."""
    used_up = balance <= 0
    text = "您的额度已用尽" if used_up else "您的额度即将用尽"
    english = "Your quota is used up." if used_up else "Your quota is almost used up."
    left = f"当前剩余额度为 {balance}" + (f"（{amount}）" if amount else "")
    return Letter(
        "额度提醒",
        f"{text}，{left}",
        paragraph(f"{text}，{left}。为了不影响您的使用，请及时充值。")
        + link(f"{server_address}/topup", "充值 / Top up")
        + paragraph(f"{english} What is left: {balance}. Please top up.", quiet=True),
    )


def trial_letter(site: str) -> Letter:
    return Letter(
        f"{site} 测试邮件",
        f"{site} 的邮件设置可以正常使用",
        paragraph(f"收到这封邮件，说明 {site} 的邮件设置可以正常使用。")
        + paragraph(f"If you can read this, {site} is able to send mail.", quiet=True),
    )
