"""Where an OpenID provider's endpoints are: entered by the operator, or read from its discovery document. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneapi_app.options import OptionValues

_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Endpoints:
    authorization: str
    token: str
    userinfo: str
    auth_method: str = "client_secret_post"
    """How the client proves itself: in the body, as the original does, unless the provider's document has it otherwise."""


def configured_endpoints(options: OptionValues) -> Endpoints | None:
    """What the operator entered, if that is all three, or there is no document to complete it from."""
    entered = Endpoints(
        options.oidc_authorization_endpoint, options.oidc_token_endpoint, options.oidc_userinfo_endpoint
    )
    complete = all((entered.authorization, entered.token, entered.userinfo))
    return entered if complete or not options.oidc_well_known else None


def discovery_address(options: OptionValues) -> str:
    """The document's; operators also enter the issuer alone."""
    address: str = options.oidc_well_known
    return address if "/.well-known/" in address else address.rstrip("/") + _WELL_KNOWN


def discovered_endpoints(options: OptionValues, document: Mapping[str, Any]) -> Endpoints:
    """The document's endpoints; what the operator entered goes first."""
    methods = document.get("token_endpoint_auth_methods_supported")
    # A document without the list means the header alone (OpenID Connect Discovery 1.0, section 3).
    in_body = isinstance(methods, list) and "client_secret_post" in methods
    return Endpoints(
        options.oidc_authorization_endpoint or str(document.get("authorization_endpoint") or ""),
        options.oidc_token_endpoint or str(document.get("token_endpoint") or ""),
        options.oidc_userinfo_endpoint or str(document.get("userinfo_endpoint") or ""),
        "client_secret_post" if in_body else "client_secret_basic",
    )
