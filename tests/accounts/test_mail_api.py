"""Registering with a verified address, binding one, resetting a password, and Turnstile: over REST, with real mail."""

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlmodel import select

from oneapi_app.accounts import service
from oneapi_app.accounts.schemas import Credentials
from oneapi_app.actor import ROOT
from oneapi_app.kit.database import Database
from oneapi_app.kit.passwords import hash_password
from oneapi_app.models import LoginSession, Option, User
from oneapi_app.models.user import DELETED
from oneapi_app.options import OptionValues
from oneapi_app.settings import Settings
from tests.support.mailbox import Mailbox, mail_server
from tests.support.management import Management, management_api
from tests.support.people import add_user
from tests.support.servers import free_port
from tests.support.siteverify import Siteverify, siteverify

TAKEN = "邮箱地址已被占用"
WRONG_CODE = "验证码错误或已过期"
WRONG_LINK = "重置链接非法或已过期"
NEW = "new+one@gmail.com"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def verifier() -> Iterator[Siteverify]:
    with siteverify() as running:
        yield running


@pytest.fixture
async def api(
    database: Database, database_settings: Settings, tmp_path, mailbox: Mailbox, verifier: Siteverify
) -> AsyncIterator[Management]:
    """With root (1) and amy (2), whose address is amy@example.com; mail goes to ``mailbox``."""
    add_user(database, "root", role=ROOT)
    add_user(database, "amy")
    set_user(database, "amy", email="amy@example.com", password=hash_password("old-password"))
    set_options(
        database,
        SMTPServer="127.0.0.1",
        SMTPPort=str(mailbox.port),
        SMTPFrom="post@example.com",
        SystemName="站点",
        ServerAddress="https://gate.example.com",
    )
    changes = {"turnstile_verify_url": verifier.url}
    async with management_api(database, database_settings, tmp_path, **changes) as made:
        yield made


def set_user(database: Database, username: str, **fields: object) -> None:
    def change(uow) -> None:
        user = uow.session.exec(select(User).where(User.username == username)).one()
        for name, value in fields.items():
            setattr(user, name, value)

    database.run_sync(change)


def set_options(database: Database, **options: str) -> None:
    def save(uow) -> None:
        for name, value in options.items():
            uow.session.merge(Option(key=name, value=value))

    database.run_sync(save)


async def switch(api: Management, database: Database, **options: str) -> None:
    set_options(database, **options)
    await api.runtime.node.memory.load()


def user_named(database: Database, username: str) -> User | None:
    return database.read_sync(
        lambda uow: uow.session.exec(select(User).where(User.username == username)).first()
    )


async def ask(client: httpx.AsyncClient, path: str, **query: str) -> str:
    """Empty for success, else the message."""
    answer = (await client.get(path, params=query)).json()
    assert answer["success"] is (answer["message"] == "")
    return answer["message"]


async def send(client: httpx.AsyncClient, path: str, **body: str) -> dict:
    return (await client.post(path, json=body)).json()


async def code_in(mailbox: Mailbox, count: int = 1) -> str:
    letter = (await mailbox.arrived(count))[-1]
    found = re.search(r">([0-9a-f]{6})<", letter.html)
    assert found, letter.html
    return found.group(1)


async def link_in(mailbox: Mailbox, count: int = 1) -> tuple[str, dict[str, str]]:
    letter = (await mailbox.arrived(count))[-1]
    found = re.search(r'href="([^"]+)"', letter.html)
    assert found, letter.html
    url = urlsplit(found.group(1).replace("&amp;", "&"))
    assert url.query.count("=") == 2
    return f"{url.scheme}://{url.netloc}{url.path}", {k: v[0] for k, v in parse_qs(url.query).items()}


async def test_register_with_a_verified_address(api: Management, database: Database, mailbox: Mailbox):
    await switch(api, database, EmailVerificationEnabled="true")
    client = api.as_("")
    assert await ask(client, "/api/verification", email=NEW) == ""
    letter = (await mailbox.arrived(1))[0]
    assert letter.message["Subject"] == "站点 邮箱验证邮件"
    assert letter.receivers == [NEW]
    assert "10 分钟内有效" in letter.html
    code = await code_in(mailbox)
    person = {"username": "newone", "password": "password-1", "email": NEW}

    missing = "管理员开启了邮箱验证，请输入邮箱地址和验证码"
    assert (await send(client, "/api/user/register", **person))["message"] == missing
    wrong = await send(client, "/api/user/register", **person, verification_code="zzzzzz")
    assert wrong["message"] == WRONG_CODE
    other = await send(
        client, "/api/user/register", **person | {"email": "x@gmail.com"}, verification_code=code
    )
    assert other["message"] == WRONG_CODE
    taken = await send(client, "/api/user/register", **person | {"username": "amy"}, verification_code=code)
    assert taken["message"] == "用户名已存在"
    good = await send(client, "/api/user/register", **person, verification_code=code)
    assert good == {"success": True, "message": ""}, "a refusal for another reason has not used up the code"
    made = user_named(database, "newone")
    assert made is not None and made.email == NEW
    again = await send(client, "/api/user/register", **person | {"username": "two"}, verification_code=code)
    assert again["message"] == WRONG_CODE


async def test_guessing_ends_soon(api: Management, database: Database, mailbox: Mailbox):
    await switch(api, database, EmailVerificationEnabled="true")
    client = api.as_("")
    await ask(client, "/api/verification", email=NEW)
    code = await code_in(mailbox)
    person = {"username": "newone", "password": "password-1", "email": NEW}
    for guess in range(5):
        await send(client, "/api/user/register", **person, verification_code=f"z{guess}")
    late = await send(client, "/api/user/register", **person, verification_code=code)
    assert late["message"] == WRONG_CODE
    assert user_named(database, "newone") is None


async def test_an_address_is_stored_only_where_it_was_verified(api: Management, database: Database):
    answer = await send(
        api.as_(""), "/api/user/register", username="newone", password="password-1", email=NEW
    )
    assert answer["success"]
    made = user_named(database, "newone")
    assert made is not None and not made.email


@pytest.mark.parametrize(
    "email", ["", "nonsense", "a@b", "a b@c.de", "a@b.c;d@e.fg", "x" * 50 + "@b.co", "a\0@b.co"]
)
async def test_addresses_that_are_none(api: Management, mailbox: Mailbox, email: str):
    for path in ("/api/verification", "/api/reset_password"):
        assert await ask(api.as_(""), path, email=email) == "invalid parameter"
    assert not mailbox.received


async def test_only_listed_domains(api: Management, database: Database, mailbox: Mailbox):
    await switch(api, database, EmailDomainRestrictionEnabled="true", EmailDomainWhitelist="gmail.com,qq.com")
    client = api.as_("")
    refused = "管理员启用了邮箱域名白名单，您的邮箱地址的域名不在白名单中"
    for email in ("a@evil.com", "a@gmail.com.evil.com", "a@xgmail.com"):
        assert await ask(client, "/api/verification", email=email) == refused
    assert await ask(client, "/api/verification", email="a@GMAIL.com") == ""
    assert len(await mailbox.arrived(1)) == 1


async def test_taken_addresses(api: Management, database: Database, mailbox: Mailbox):
    client = api.as_("")
    assert await ask(client, "/api/verification", email="amy@example.com") == TAKEN
    set_user(database, "amy", status=DELETED)
    assert await ask(client, "/api/verification", email="amy@example.com") == TAKEN
    assert not mailbox.received


async def test_bind_an_address(api: Management, database: Database, mailbox: Mailbox):
    amy = api.as_("amy")
    await ask(amy, "/api/verification", email=NEW)
    code = await code_in(mailbox)
    assert await ask(amy, "/api/oauth/email/bind", email=NEW, code="zzzzzz") == WRONG_CODE
    assert await ask(amy, "/api/oauth/email/bind", email=NEW, code=code) == ""
    assert await ask(amy, "/api/oauth/email/bind", email=NEW, code=code) == WRONG_CODE
    self_ = (await amy.get("/api/user/self")).json()["data"]
    assert self_["email"] == NEW
    assert (await api.as_("").get("/api/oauth/email/bind")).status_code == 401


async def test_an_address_somebody_took_meanwhile(api: Management, database: Database, mailbox: Mailbox):
    await ask(api.as_("amy"), "/api/verification", email=NEW)
    code = await code_in(mailbox)
    set_user(database, "root", email=NEW)
    assert await ask(api.as_("amy"), "/api/oauth/email/bind", email=NEW, code=code) == TAKEN


async def test_reset_a_password(api: Management, database: Database, mailbox: Mailbox):
    set_user(database, "amy", email="amy+x&y@example.com")
    cookie = database.run_sync(
        service.sign_in,
        credentials=Credentials("amy", "old-password"),
        options=OptionValues({}),
    ).cookie
    client = api.as_("")
    assert await ask(client, "/api/reset_password", email="amy+x&y@example.com") == ""
    letter = (await mailbox.arrived(1))[0]
    assert letter.message["Subject"] == "站点 密码重置"
    address, held = await link_in(mailbox)
    assert address == "https://gate.example.com/user/reset"
    assert held["email"] == "amy+x&y@example.com", "as it is, although it holds + and &"
    assert re.fullmatch("[0-9a-f]{32}", held["token"])

    assert (await send(client, "/api/user/reset", email=held["email"], token="0" * 32))[
        "message"
    ] == WRONG_LINK
    other = await send(client, "/api/user/reset", email="root@example.com", token=held["token"])
    assert other["message"] == WRONG_LINK
    answer = await send(client, "/api/user/reset", **held)
    assert answer["success"] and len(answer["data"]) == 12
    assert (await send(client, "/api/user/reset", **held))["message"] == WRONG_LINK

    old = await send(client, "/api/user/login", username="amy", password="old-password")
    new = await send(client, "/api/user/login", username="amy", password=answer["data"])
    assert (old["success"], new["success"]) == (False, True)
    refused = await client.get("/api/user/self", headers={"cookie": f"session={cookie}"})
    assert refused.status_code == 401, "whoever was signed in with the old password is out"


async def test_every_account_of_the_address_gets_the_new_password(
    api: Management, database: Database, mailbox: Mailbox
):
    add_user(database, "amy2")
    set_user(database, "amy2", email="amy@example.com")
    client = api.as_("")
    await ask(client, "/api/reset_password", email="amy@example.com")
    _, held = await link_in(mailbox)
    password = (await send(client, "/api/user/reset", **held))["data"]
    for name in ("amy", "amy2"):
        assert (await send(client, "/api/user/login", username=name, password=password))["success"]


async def test_nobody_learns_who_is_registered(api: Management, database: Database, mailbox: Mailbox):
    client = api.as_("")
    unknown = await client.get("/api/reset_password", params={"email": "nobody@example.com"})
    known = await client.get("/api/reset_password", params={"email": "amy@example.com"})
    assert unknown.json() == known.json() == {"success": True, "message": ""}
    assert (await mailbox.arrived(1))[0].receivers == ["amy@example.com"]
    await api.runtime.proofs.stop()
    assert len(mailbox.received) == 1


async def test_reset_without_anything(api: Management):
    for body in ({}, {"email": "amy@example.com"}, {"token": "x"}):
        assert (await send(api.as_(""), "/api/user/reset", **body))["message"] == "invalid parameter"


async def test_mail_that_cannot_be_sent(api: Management, database: Database):
    client = api.as_("")
    await switch(api, database, SMTPPort=str(free_port()))
    message = await ask(client, "/api/verification", email=NEW)
    assert message.startswith("failed to send email: ")
    chinese = await client.get(
        "/api/verification", params={"email": NEW}, headers={"accept-language": "zh-CN"}
    )
    assert chinese.json()["message"].startswith("发送邮件失败：")
    assert await ask(client, "/api/reset_password", email="amy@example.com") == ""
    await switch(api, database, SMTPServer="")
    assert "no SMTP server" in await ask(client, "/api/verification", email=NEW)
    for email in ("amy@example.com", "nobody@example.com"):
        assert "no SMTP server" in await ask(client, "/api/reset_password", email=email)


async def switch_turnstile_on(api: Management, database: Database) -> None:
    await switch(
        api, database, TurnstileCheckEnabled="true", TurnstileSiteKey="k", TurnstileSecretKey="s3cret"
    )


async def test_turnstile_lets_nobody_through_without_it(
    api: Management, database: Database, mailbox: Mailbox, verifier: Siteverify
):
    await switch_turnstile_on(api, database)
    client = api.as_("")
    empty, failed = "Turnstile token 为空", "Turnstile 校验失败，请刷新重试！"
    person = {"username": "newone", "password": "password-1"}
    for path in ("/api/verification", "/api/reset_password"):
        assert await ask(client, path, email=NEW) == empty
        assert await ask(client, path, email=NEW, turnstile="wrong") == failed
    assert (await send(client, "/api/user/register", **person))["message"] == empty
    assert (await send(client, "/api/user/register?turnstile=wrong", **person))["message"] == failed
    assert await ask(client, "/api/verification", email=NEW, turnstile="x" * 5000) == failed
    assert not mailbox.received and user_named(database, "newone") is None
    assert (await send(client, "/api/user/login", username="amy", password="old-password"))["success"]


async def test_turnstile_once_solved_counts_for_the_session(
    api: Management, database: Database, mailbox: Mailbox, verifier: Siteverify
):
    await switch_turnstile_on(api, database)
    client = api.as_("")
    bad = await client.get("/api/verification", params={"email": "nonsense", "turnstile": "right"})
    assert bad.json()["message"] == "invalid parameter"
    cookie = bad.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie, "solved, although the request was refused"
    assert verifier.asked[0]["secret"] == "s3cret" and verifier.asked[0]["remoteip"]
    assert await ask(client, "/api/verification", email=NEW) == ""
    assert (await send(client, "/api/user/register", username="newone", password="password-1"))["success"]
    assert len(verifier.asked) == 1
    assert (await client.get("/api/user/self")).status_code == 401, "such a session is nobody's"
    assert await ask(api.as_(""), "/api/verification", email=NEW, turnstile="right") != "", (
        "answers count once"
    )


async def test_turnstile_counts_for_a_signed_in_session_too(
    api: Management, database: Database, mailbox: Mailbox, verifier: Siteverify
):
    await switch_turnstile_on(api, database)
    client = api.as_("")
    await send(client, "/api/user/login", username="amy", password="old-password")
    before = client.cookies["session"]
    assert await ask(client, "/api/verification", email=NEW, turnstile="right") == ""
    assert await ask(client, "/api/verification", email="b@gmail.com") == ""
    assert client.cookies["session"] == before
    rows = database.read_sync(lambda uow: uow.session.exec(select(LoginSession)).all())
    assert [bool(row.turnstile_passed) for row in rows if row.user_id] == [True]


async def test_turnstile_out_of_reach_lets_nobody_through(
    api: Management, database: Database, verifier: Siteverify, mailbox: Mailbox
):
    await switch_turnstile_on(api, database)
    verifier.broken = True
    message = await ask(api.as_(""), "/api/verification", email=NEW, turnstile="right")
    assert message == "无法连接至 Turnstile 服务器，请稍后重试！"
    assert not mailbox.received


async def test_root_tries_the_mail_settings(api: Management, database: Database, mailbox: Mailbox):
    root = api.as_("root")
    nobody = await send(root, "/api/option/test_mail")
    assert not nobody["success"]
    sent = await send(root, "/api/option/test_mail", email="amy@example.com")
    assert sent == {"success": True, "message": "", "data": "amy@example.com"}
    assert (await mailbox.arrived(1))[0].message["Subject"] == "站点 测试邮件"
    set_user(database, "root", email="root@example.com")
    assert (await send(root, "/api/option/test_mail"))["data"] == "root@example.com"
    mailbox.refusing.add("gone@example.com")
    refused = await send(root, "/api/option/test_mail", email="gone@example.com")
    assert "550 5.1.1 nobody of that name" in refused["message"], "root hears the server's own words"
    assert not (await send(api.as_("amy"), "/api/option/test_mail", email="amy@example.com"))["success"]
    assert not (await send(root, "/api/option/test_mail", email="a@b\r\nBcc: c@d"))["success"]


async def test_registration_is_not_opened_by_an_address(api: Management, database: Database):
    await switch(api, database, RegisterEnabled="false", EmailVerificationEnabled="true")
    answer = await send(api.as_(""), "/api/user/register", username="n", password="password-1")
    assert answer["message"] == "管理员关闭了新用户注册"
