"""Options: read by everything, written by root, checked as a whole before anything is saved."""

import msgspec

from oneapi_app.actor import ROOT, Actor, require_role
from oneapi_app.billing.prices import built_in_completion_ratios, built_in_model_ratios, table_text
from oneapi_app.errors import InvalidInput
from oneapi_app.events import OptionsChanged
from oneapi_app.kit.database import UnitOfWork
from oneapi_app.kit.text import is_storable
from oneapi_app.options import OPTIONS, THEMES, OptionValues, check_option
from oneapi_app.settings import Settings
from oneapi_app.system import repository
from oneapi_app.system.policy import check_prerequisites


class OptionRow(msgspec.Struct, frozen=True):
    key: str
    value: str


def load_option_values(uow: UnitOfWork) -> OptionValues:
    """All options as they are now; rows that cannot be read count as missing."""
    return OptionValues(repository.all_options(uow.session))


def list_options(uow: UnitOfWork, actor: Actor, *, settings: Settings) -> list[OptionRow]:
    """Every option but the secret ones; some only once they have been saved, as in the original."""
    require_role(actor, ROOT)
    stored = repository.all_options(uow.session)
    rows: list[OptionRow] = []
    for option in OPTIONS.values():
        if option.secret or not (option.listed or option.name in stored):
            continue
        rows.append(OptionRow(option.name, _shown(option.name, stored, settings)))
    return rows


class OptionsView(msgspec.Struct, frozen=True):
    """All options for the console. Of secrets it only says which are set."""

    values: dict[str, str]
    secrets_set: list[str]


def describe_options(uow: UnitOfWork, actor: Actor, *, settings: Settings) -> OptionsView:
    """Every option as stored, or its default."""
    require_role(actor, ROOT)
    stored = repository.all_options(uow.session)
    shown = [option.name for option in OPTIONS.values() if not option.secret]
    return OptionsView(
        {name: _shown(name, stored, settings) for name in shown},
        [option.name for option in OPTIONS.values() if option.secret and stored.get(option.name)],
    )


class StoreFacts(msgspec.Struct, frozen=True):
    """The database: ``kind`` as people call it, ``size_bytes`` where it tells."""

    kind: str
    version: str
    size_bytes: int


def read_store_facts(uow: UnitOfWork, actor: Actor) -> StoreFacts:
    require_role(actor, ROOT)
    return StoreFacts(*repository.describe_store(uow.session))


def _shown(name: str, stored: dict[str, str], settings: Settings) -> str:
    """As stored. What was emptied is shown empty where that means something else than the default."""
    text = stored.get(name, "")
    emptied = name in stored and OPTIONS[name].default and OPTIONS[name].accepts("")
    return text if text or emptied else default_text(name, settings)


def default_text(name: str, settings: Settings) -> str:
    """What the option says while nothing is saved; the price tables show the built-in ones."""
    if name == "ModelRatio":
        return table_text(built_in_model_ratios())
    if name == "CompletionRatio":
        return table_text(built_in_completion_ratios())
    if name == "Theme":
        return settings.theme
    return OPTIONS[name].default


def save_option(uow: UnitOfWork, actor: Actor, *, name: str, value: str) -> None:
    """Raises InvalidInput or Conflict, with nothing saved."""
    save_options(uow, actor, changes={name: value})


def save_options(uow: UnitOfWork, actor: Actor, *, changes: dict[str, str]) -> None:
    """Several options, all or none."""
    require_role(actor, ROOT)
    stored = repository.all_options(uow.session)
    for name, value in changes.items():
        if not is_storable(value):
            raise InvalidInput("无效的参数：含有无效字符", f"{name} holds characters that cannot be stored")
        if name == "Theme" and value not in THEMES:
            raise InvalidInput("无效的主题", "unknown theme")
        check_option(name, value)
    after = stored | changes
    check_prerequisites(changes, lambda name: after.get(name, OPTIONS[name].default))
    for name, value in changes.items():
        repository.save(uow.session, name, value)
    uow.publish(OptionsChanged(tuple(changes)))


class SiteStatus(msgspec.Struct, frozen=True):
    """What everybody may know before signing in, in the fields of ``GET /api/status``."""

    version: str
    start_time: int
    email_verification: bool
    github_oauth: bool
    github_client_id: str
    lark_client_id: str
    system_name: str
    logo: str
    footer_html: str
    wechat_qrcode: str
    wechat_login: bool
    server_address: str
    turnstile_check: bool
    turnstile_site_key: str
    top_up_link: str
    chat_link: str
    quota_per_unit: float
    display_in_currency: bool
    oidc: bool
    oidc_client_id: str
    oidc_well_known: str
    oidc_authorization_endpoint: str
    oidc_token_endpoint: str
    oidc_userinfo_endpoint: str
    redis: str | msgspec.UnsetType = msgspec.UNSET
    """Not the original's: ``connected`` or ``lost``, where this node is set up to use one."""


def status(options: OptionValues, *, version: str, started_at: int, redis: str | None = None) -> SiteStatus:
    """``GET /api/status`` (contract §5.1.1)."""
    return SiteStatus(
        version=version,
        start_time=started_at,
        email_verification=options.email_verification_enabled,
        github_oauth=options.git_hub_o_auth_enabled,
        github_client_id=options.git_hub_client_id,
        lark_client_id=options.lark_client_id,
        system_name=options.system_name,
        logo=options.logo,
        footer_html=options.footer,
        wechat_qrcode=options.we_chat_account_qr_code_image_url,
        wechat_login=options.we_chat_auth_enabled,
        server_address=options.effective_server_address,
        turnstile_check=options.turnstile_check_enabled,
        turnstile_site_key=options.turnstile_site_key,
        top_up_link=options.top_up_link,
        chat_link=options.chat_link,
        quota_per_unit=options.quota_per_unit,
        display_in_currency=options.display_in_currency_enabled,
        oidc=options.oidc_enabled,
        oidc_client_id=options.oidc_client_id,
        oidc_well_known=options.oidc_well_known,
        oidc_authorization_endpoint=options.oidc_authorization_endpoint,
        oidc_token_endpoint=options.oidc_token_endpoint,
        oidc_userinfo_endpoint=options.oidc_userinfo_endpoint,
        redis=redis or msgspec.UNSET,
    )
