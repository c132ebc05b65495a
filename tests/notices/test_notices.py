"""What operators and users are told, through a real SMTP server and a Message Pusher."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from oneapi_app.actor import ROOT
from oneapi_app.billing.batch import BalancesRead, Batch
from oneapi_app.channels import service as channels
from oneapi_app.channels.schemas import ProbeReport, Trouble
from oneapi_app.events import ChannelsChanged, ChannelSwitched
from oneapi_app.kit.database import Database
from oneapi_app.mail import smtp
from oneapi_app.mail.mailer import Mailer
from oneapi_app.models import Channel, User
from oneapi_app.models.user import DISABLED
from oneapi_app.notices import notices as module
from oneapi_app.notices.notices import Notices
from oneapi_app.options import OptionValues
from tests.support.mailbox import Mailbox, mail_server
from tests.support.people import add_user
from tests.support.pusher import Pusher, message_pusher
from tests.support.servers import free_port

OFF = ChannelSwitched(7, "Azure <b>", False, "HTTP 401: Invalid key")
ON = ChannelSwitched(7, "Azure", True, "")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def pusher() -> Iterator[Pusher]:
    with message_pusher() as running:
        yield running


@contextlib.asynccontextmanager
async def told(database: Database, **options: str) -> AsyncIterator[Notices]:
    """Notices at work; on leaving everything has been delivered or has failed."""
    values = OptionValues({"ServerAddress": "https://gate.example.com", **options})
    mailer = Mailer(lambda: values)
    notices = Notices(database, mailer, lambda: values)
    notices.start()
    try:
        yield notices
        await notices.delivered()
    finally:
        await notices.stop()
        mailer.stop()


def by_mail(box: Mailbox) -> dict[str, str]:
    return {"SMTPServer": "127.0.0.1", "SMTPPort": str(box.port), "SMTPFrom": "post@example.com"}


def add_person(database: Database, name: str, email: str = "", **fields: int) -> int:
    person = add_user(database, name, **fields)

    def set_email(uow) -> None:
        uow.session.get(User, person.user_id).email = email

    database.run_sync(set_email)
    return person.user_id


async def test_channels_by_mail_to_root(database: Database, mailbox: Mailbox):
    add_person(database, "amy", "amy@example.com")
    add_person(database, "old", "old@example.com", role=ROOT, status=DISABLED)
    add_person(database, "first", "", role=ROOT)
    add_person(database, "root", "root@example.com", role=ROOT)
    async with told(database, **by_mail(mailbox)) as notices:
        await notices.on_events([ChannelsChanged(), OFF, ON])
    off, on = mailbox.received
    assert off.receivers == on.receivers == ["root@example.com"]
    assert off.message["Subject"] == on.message["Subject"] == "渠道状态变更提醒"
    assert "渠道「Azure &lt;b&gt;」（#7）已被禁用" in off.html and "HTTP 401: Invalid key" in off.html
    assert "已被启用" in on.html and "原因" not in on.html


async def test_channels_by_message_pusher(database: Database, mailbox: Mailbox, pusher: Pusher):
    add_person(database, "root", "root@example.com", role=ROOT)
    options = {"MessagePusherAddress": pusher.url, "MessagePusherToken": "t0ken", **by_mail(mailbox)}
    async with told(database, **options) as notices:
        await notices.on_events([OFF])
    message = pusher.received[0]
    assert set(message) == {"title", "description", "content", "url", "channel", "token"}
    assert (message["title"], message["token"]) == ("渠道状态变更提醒", "t0ken")
    assert "Azure" in message["description"] and "HTTP 401" in message["content"]
    assert "<b>" not in message["content"]
    assert not mailbox.received, "one way is enough"


@pytest.mark.parametrize("answer", [b'{"success": false, "message": "no"}', b"<html>", b"[]", b""])
async def test_mail_where_the_pusher_does_not_take_it(
    database: Database, mailbox: Mailbox, pusher: Pusher, answer: bytes
):
    add_person(database, "root", "root@example.com", role=ROOT)
    pusher.answer = answer
    async with told(database, MessagePusherAddress=pusher.url, **by_mail(mailbox)) as notices:
        await notices.on_events([OFF])
    assert len(mailbox.received) == 1


async def test_mail_where_the_pusher_is_away(database: Database, mailbox: Mailbox):
    add_person(database, "root", "root@example.com", role=ROOT)
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with told(database, MessagePusherAddress=nowhere, **by_mail(mailbox)) as notices:
        await notices.on_events([OFF])
    assert len(mailbox.received) == 1


async def test_what_cannot_be_delivered_holds_up_nothing(database: Database, mailbox: Mailbox, caplog):
    async with told(database, **by_mail(mailbox)) as notices:
        await notices.on_events([OFF])
        await notices.delivered()
        add_person(database, "root", "root@example.com", role=ROOT)
        mailbox.refusing.add("root@example.com")
        await notices.on_events([OFF])
        await notices.delivered()
        mailbox.refusing.clear()
        await notices.on_events([ON])
    assert len(mailbox.received) == 1
    assert "root has no e-mail address" in caplog.text and "refused the receiver" in caplog.text


async def test_a_silent_mail_server_holds_up_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(smtp.deliver, "__kwdefaults__", {"timeout_s": 1.0})
    monkeypatch.setattr(module, "STOP_S", 0.1)
    add_person(database, "root", "root@example.com", role=ROOT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        values = OptionValues(
            {
                "SMTPServer": "127.0.0.1",
                "SMTPPort": str(silent.getsockname()[1]),
                "SMTPFrom": "post@example.com",
            }
        )
        mailer = Mailer(lambda: values)
        notices = Notices(database, mailer, lambda: values)
        notices.start()
        begun = time.monotonic()
        for _ in range(100):
            await notices.on_events([OFF])
        await notices.stop()
        mailer.stop()
        assert time.monotonic() - begun < 0.9, "neither those who tell nor the end of the process wait"


async def test_more_than_can_wait_is_dropped(
    database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog
):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    add_person(database, "root", "root@example.com", role=ROOT)
    async with told(database, **by_mail(mailbox)) as notices:
        await notices.on_events([OFF] * 10)
    assert len(mailbox.received) == 3
    assert "dropped" in caplog.text


async def test_a_channel_test_is_summed_up(database: Database, mailbox: Mailbox):
    add_person(database, "root", "root@example.com", role=ROOT)
    troubled = [Trouble(number, f"slow-{number}", "响应时间 9.00s 超过阈值 5.00s") for number in range(60)]
    async with told(database, **by_mail(mailbox)) as notices:
        notices.channel_test_finished(ProbeReport(tested=3, good=3))
        notices.channel_test_finished(ProbeReport(tested=70, good=8, switched_off=2, troubled=troubled))
    good, bad = mailbox.received
    assert good.message["Subject"] == "渠道测试完成"
    assert "共 3 个，3 个正常，没有发现新的问题" in good.html
    assert "2 个被禁用" in bad.html and "slow-0" in bad.html and "超过阈值" in bad.html
    assert "另有 10 个" in bad.html and "slow-55" not in bad.html


async def test_users_are_reminded_of_their_balance(database: Database, mailbox: Mailbox):
    amy = add_person(database, "amy", "amy@example.com")
    silent = add_person(database, "silent")
    banned = add_person(database, "banned", "banned@example.com", status=DISABLED)
    spent = Batch(users={amy: [600, 2], silent: [600, 1], banned: [600, 1]})
    async with told(database, **by_mail(mailbox)) as notices:
        notices.balances_applied(spent, BalancesRead(users={amy: 1400, silent: 900, banned: 900}))
        notices.balances_applied(spent, BalancesRead(users={amy: 800}))
        notices.balances_applied(spent, BalancesRead(users={amy: 200}))
        notices.balances_applied(spent, BalancesRead(users={amy: 0}))
    low, gone = mailbox.received
    assert low.receivers == gone.receivers == ["amy@example.com"]
    assert low.message["Subject"] == gone.message["Subject"] == "额度提醒"
    assert "您的额度即将用尽，当前剩余额度为 800（＄0.001600 额度）" in low.html
    assert "您的额度已用尽" in gone.html
    assert 'href="https://gate.example.com/topup"' in low.html


async def test_a_channel_switched_by_two_nodes_at_once_is_told_once(database: Database):
    """Each node publishes what its own transaction did, and only one transaction switches the channel."""

    def add_channel(uow) -> int:
        channel = Channel(type=1, key="k", name="one", models="m", group="default")
        uow.session.add(channel)
        uow.session.flush()
        return channel.id

    channel_id = database.run_sync(add_channel)
    seen: list[object] = []

    async def listen(events) -> None:
        seen.extend(event for event in events if isinstance(event, ChannelSwitched))

    database.subscribe(listen)
    await asyncio.gather(*(database.run(channels.auto_disable, channel_id, "dead") for _ in range(8)))
    assert seen == [ChannelSwitched(channel_id, "one", False, "dead")]
