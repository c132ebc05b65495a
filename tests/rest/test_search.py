"""Searches take every character literally, on the three engines."""

import pytest

from oneapi_app.models import Channel, Redemption, Token, User
from tests.support.site import NUMBER

PLACES = {
    "/api/token/search": lambda name: Token(user_id=NUMBER["admin"], key=f"k{abs(hash(name))}"[:48], name=name),
    "/api/user/search": lambda name: User(username=name, password="", role=1, status=1, aff_code=name[:30],
                                          access_token=f"a{abs(hash(name))}"[:32]),
    "/api/channel/search": lambda name: Channel(name=name, type=1, key="k", models="m"),
    "/api/redemption/search": lambda name: Redemption(name=name, user_id=1, key=f"r{abs(hash(name))}"[:32]),
}  # fmt: skip
NAMES = (
    "100%",
    "100x",
    "a_b",
    "axb",
    "back\\slash",
    "backslash",
    "it's",
    'say "x"',
    "中文",
    "--x",
    "1' OR '1'='1",
)
FIELD = {"/api/user/search": "username"}


@pytest.mark.parametrize("path", PLACES)
async def test_names_begin_with_what_is_searched_for(site, path):
    def add(uow):
        for name in NAMES:
            uow.session.add(PLACES[path](name))

    site.database.run_sync(add)
    field = FIELD.get(path, "name")

    async def found(keyword):
        answer = (await site.client("admin").get(path, params={"keyword": keyword})).json()
        assert answer["success"], (keyword, answer)
        return {row[field] for row in answer["data"]} & set(NAMES)

    for name in NAMES:
        assert await found(name) == {name}
    assert await found("100%") == {"100%"}
    assert await found("a_") == {"a_b"}
    assert await found("back\\") == {"back\\slash"}
    assert await found("back") == {"back\\slash", "backslash"}
    for nothing in (
        "%",
        "_",
        "%%",
        "\\",
        "'; DROP TABLE users; --",
        "' OR '1'='1",
        "\0",
        "x%",
        "中_",
        "*",
        "?",
    ):
        assert await found(nothing) == set(), nothing


async def test_the_log_is_searched_literally(site):
    for keyword in ("%", "_", "'", "\\", "\0", "log%"):
        answer = (await site.client("admin").get("/api/log/search", params={"keyword": keyword})).json()
        assert answer == {"success": True, "message": "", "data": []}, keyword
    answer = (await site.client("admin").get("/api/log/search", params={"keyword": "log of"})).json()
    assert len(answer["data"]) == len(NUMBER)


async def test_filters_are_compared_whole(site):
    for name in ("%", "use_", "user%", "' OR 1=1 --", "user\0", "user'"):
        answer = (await site.client("admin").get("/api/log", params={"username": name})).json()
        assert answer["data"] == [], name
    answer = (await site.client("admin").get("/api/log", params={"username": "user"})).json()
    assert {row["username"] for row in answer["data"]} == {"user"}
