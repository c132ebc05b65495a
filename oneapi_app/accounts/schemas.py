"""What goes into and comes out of the account service. Password hashes never come out."""

import msgspec


class UserRow(msgspec.Struct, frozen=True):
    """A user in the fields of the REST API. ``password`` is always empty, ``access_token`` too for others."""

    id: int
    username: str
    password: str
    display_name: str
    role: int
    status: int
    email: str
    github_id: str
    wechat_id: str
    lark_id: str
    oidc_id: str
    verification_code: str
    access_token: str
    quota: int
    used_quota: int
    request_count: int
    group: str
    aff_code: str
    inviter_id: int


class Credentials(msgspec.Struct, frozen=True):
    """What somebody signs in with: a name or an e-mail address."""

    username: str = ""
    password: str = ""


class Registration(msgspec.Struct, frozen=True):
    username: str = ""
    password: str = ""
    email: str = ""
    verification_code: str = ""
    aff_code: str = ""


class SelfPatch(msgspec.Struct, frozen=True):
    """Empty means unchanged."""

    username: str = ""
    display_name: str = ""
    password: str = ""


class UserDraft(msgspec.Struct, frozen=True):
    """A new user as an admin enters it."""

    username: str = ""
    password: str = ""
    display_name: str = ""
    role: int = 1


class UserPatch(msgspec.Struct, frozen=True):
    """An admin's edit: zero values are left alone, as in the original."""

    id: int = 0
    username: str = ""
    password: str = ""
    display_name: str = ""
    role: int = 0
    status: int = 0
    email: str = ""
    github_id: str = ""
    wechat_id: str = ""
    lark_id: str = ""
    oidc_id: str = ""
    quota: int = 0
    group: str = ""


class Manage(msgspec.Struct, frozen=True):
    username: str = ""
    action: str = ""


class AdminTopUp(msgspec.Struct, frozen=True):
    user_id: int = 0
    quota: int = 0
    remark: str = ""


class UserQuery(msgspec.Struct, frozen=True):
    """One page for the console. ``sort`` is a column, with ``-`` in front for descending; 0 means any."""

    page: int = 0
    size: int = 20
    search: str = ""
    status: int = 0
    role: int = 0
    group: str = ""
    sort: str = "-id"


class UserPage(msgspec.Struct, frozen=True):
    rows: list[UserRow]
    total: int


class SessionRow(msgspec.Struct, frozen=True):
    """A signed-in browser. ``id`` is the hash of its secret, useless for signing in."""

    id: str
    user_agent: str
    address: str
    created_at: int
    seen_at: int
    expires_at: int
    current: bool


class SignedIn(msgspec.Struct, frozen=True):
    """``cookie`` is the session's secret and exists only here and in the browser."""

    user: UserRow
    cookie: str
    must_change_password: bool
