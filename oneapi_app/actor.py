"""Who is acting, and the roles of the original."""

from dataclasses import dataclass

from oneapi_app.errors import Forbidden

COMMON = 1
ADMIN = 10
ROOT = 100


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person (or script) a service acts for, as read from the database for this call.

    ``must_change_password`` is true for root while the password is the initial one: such an actor may only
    read itself, change its password and sign out.
    """

    user_id: int
    username: str
    role: int
    group: str
    must_change_password: bool = False
    session_id: str | None = None

    @property
    def is_admin(self) -> bool:
        return self.role >= ADMIN

    @property
    def is_root(self) -> bool:
        return self.role >= ROOT


def require_role(actor: Actor, role: int) -> None:
    """Raises Forbidden unless the actor has at least this role and has left the initial password behind."""
    if actor.must_change_password:
        raise Forbidden(
            "请先修改初始密码（PUT /api/user/self）后再进行其他操作",
            "change the initial password first (PUT /api/user/self); nothing else is allowed until then",
        )
    if actor.role < role:
        raise Forbidden("无权进行此操作，权限不足", "not allowed: your role is not sufficient")
