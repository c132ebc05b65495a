"""A site's day, over REST alone: what people of every role do, on a database that has users already or on a new one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from oneapi_app.accounts.policy import INITIAL_PASSWORD

Headers = dict[str, str]


class Visitor:
    """Calls that must succeed, as whoever the headers say."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self._client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        found = answer.json()
        assert found.get("success", True), (path, found)
        return found.get("data", found)

    async def sign_in(self, name: str, password: str) -> Headers:
        await self.call("POST", "/api/user/login", {"username": name, "password": password})
        cookie = self._client.cookies["session"]
        self._client.cookies.clear()
        return {"cookie": f"session={cookie}"}

    async def pages(self, path: str, headers: Headers) -> list[dict[str, Any]]:
        """All rows of a list that comes in pages."""
        found: list[dict[str, Any]] = []
        while rows := await self.call("GET", f"{path}?p={len(found) // 10}", **headers):
            found += rows
            if len(rows) < 10:
                break
        return found

    async def chat(self, key: str, model: str) -> Any:
        asked = {"model": model, "messages": [{"role": "user", "content": "你好"}]}
        return await self.call("POST", "/v1/chat/completions", asked, authorization=f"Bearer sk-{key}")


@asynccontextmanager
async def visiting(address: str) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield Visitor(client)


def password_of(expected: dict[str, Any], name: str) -> str:
    return next(user["password"] for user in expected["users"] if user["username"] == name)


async def settle(address: str) -> dict[str, Any]:
    """Makes of a new site one that a day can be spent at; says of it what a recording's ``expected`` says."""
    passwords = {"root": "Root-2026!", "alice": "alice-pw-1", "小猫🐱": "cat-pw-111", "dave": "dave-pw-11"}
    async with visiting(address) as visitor:
        root = await visitor.sign_in("root", INITIAL_PASSWORD)
        await visitor.call("PUT", "/api/user/self", {"password": passwords["root"]}, **root)
        root = await visitor.sign_in("root", passwords["root"])
        await visitor.call("PUT", "/api/option/", {"key": "QuotaForNewUser", "value": "1000000"}, **root)
        for name, password in passwords.items():
            if name != "root":
                await visitor.call("POST", "/api/user/register", {"username": name, "password": password})
        alice = await visitor.sign_in("alice", passwords["alice"])
        draft = {"name": "loopback", "remain_quota": 100_000, "subnet": "127.0.0.0/8"}
        token = await visitor.call("POST", "/api/token/", draft, **alice)
        draft = {"name": "新年", "quota": 250_000, "count": 1}
        codes = await visitor.call("POST", "/api/redemption/", draft, **root)
        users = await visitor.pages("/api/user/", root)
    return {
        "users": [user | {"password": passwords[user["username"]]} for user in users],
        "tokens": [{"name": "loopback", "key": token["key"]}],
        "unused_code": codes[0],
    }


async def spend_a_day(address: str, vendor: str, expected: dict[str, Any]) -> int:
    """A day of a site in half a minute; how many calls were relayed."""
    async with visiting(address) as visitor:
        call, sign_in = visitor.call, visitor.sign_in
        root, alice, _ = [
            await sign_in(name, password_of(expected, name)) for name in ("root", "alice", "小猫🐱")
        ]
        for row in await visitor.pages("/api/channel/", root):
            await call("PUT", "/api/channel/", {"id": row["id"], "base_url": vendor, "status": 2}, **root)
        draft = {
            "type": 1,
            "name": "ours 🐱",
            "key": "k1\nk2",
            "models": "gpt-4o-mini,中文",
            "base_url": vendor,
        }
        await call("POST", "/api/channel/", draft | {"group": "default,vip", "config": ""}, **root)
        made = (await call("GET", "/api/channel/?p=0", **root))[:2]
        await call("PUT", "/api/channel/", {"id": made[0]["id"], "priority": 0, "model_mapping": ""}, **root)
        await call("GET", f"/api/channel/test/{made[0]['id']}", **root)
        await call("PUT", "/api/channel/", {"id": made[1]["id"], "status": 2, "weight": 3}, **root)

        first = {"type": 1, "name": "ours first", "key": "k3", "models": "gpt-4o-mini", "base_url": vendor}
        await call("POST", "/api/channel/", first | {"group": "default,vip", "priority": 5}, **root)

        await call("PUT", "/api/option/", {"key": "RetryTimes", "value": "1"}, **root)
        await call("PUT", "/api/option/", {"key": "QuotaForInviter", "value": "10"}, **root)
        aff = await call("GET", "/api/user/aff", **alice)
        person = {"username": "newcomer", "password": "password-1", "aff_code": aff}
        await call("POST", "/api/user/register", person)
        newcomer = await sign_in("newcomer", "password-1")
        await call("PUT", "/api/user/self", {"display_name": "新人", "password": "password-2"}, **newcomer)
        newcomer = await sign_in("newcomer", "password-2")
        await call("GET", "/api/user/token", **newcomer)
        await call("POST", "/api/user/", {"username": "leaver", "password": "password-1"}, **root)
        await call("POST", "/api/user/manage", {"username": "leaver", "action": "delete"}, **root)
        await call("POST", "/api/user/manage", {"username": "newcomer", "action": "promote"}, **root)
        dave = next(user for user in expected["users"] if user["username"] == "dave")
        await call(
            "PUT", "/api/user/", {"id": dave["id"], "quota": dave["quota"] + 5, "group": "vip"}, **root
        )
        await call("POST", "/api/topup", {"user_id": dave["id"], "quota": 5, "remark": "付"}, **root)
        await call("POST", "/api/user/topup", {"key": expected["unused_code"]}, **alice)
        codes = await call("POST", "/api/redemption/", {"name": "新", "quota": 0, "count": 2}, **root)
        await call("POST", "/api/user/topup", {"key": codes[0]}, **newcomer)

        keys: list[str] = []
        for draft in ({"name": "bare"}, {"name": "full", "models": "gpt-4o-mini", "subnet": "127.0.0.0/8"}):
            token = await call("POST", "/api/token/", draft | {"remain_quota": 100_000}, **alice)
            keys.append(token["key"])
        edit = {
            "id": token["id"],
            "name": "full 2",
            "remain_quota": 90_000,
            "expired_time": -1,
            "subnet": None,
        }
        await call("PUT", "/api/token/", edit, **alice)
        keys += [found["key"] for found in expected["tokens"] if found["name"] == "loopback"]
        calls = [key for key in keys for _ in range(3)]
        for key in calls:
            await visitor.chat(key, "gpt-4o-mini")
        return len(calls)
