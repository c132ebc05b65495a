"""Asks the providers who came: a code against an identity. Knows no database.

Authlib makes the OAuth requests; they go out over the process's usual HTTP client, with bounds on time and size.
The environment's HTTPS_PROXY is used as the original does, RELAY_PROXY is not.
"""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from oneapi_app import __version__
from oneapi_app.accounts.policy import is_email
from oneapi_app.accounts.third_party.discovery import (
    Endpoints,
    configured_endpoints,
    discovered_endpoints,
    discovery_address,
)
from oneapi_app.accounts.third_party.identity import GITHUB, LARK, OIDC, WECHAT, Identity, Provider
from oneapi_app.errors import InvalidInput
from oneapi_app.kit.clock import now_s
from oneapi_app.kit.web_client import WebClient
from oneapi_app.options import OptionValues

TIMEOUT_S = 5.0
_DISCOVERY_LIFETIME_S = 3600
_HEADERS = {"user-agent": f"one-api/{__version__}", "accept": "application/json"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProviderAddresses:
    """Where the providers that are one for everybody live."""

    github_authorize: str = "https://github.com/login/oauth/authorize"
    github_token: str = "https://github.com/login/oauth/access_token"  # noqa: S105 - an address
    github_user: str = "https://api.github.com/user"
    lark_authorize: str = "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    lark_token: str = "https://open.feishu.cn/open-apis/authen/v2/oauth/token"  # noqa: S105 - an address
    lark_user: str = "https://passport.feishu.cn/suite/passport/oauth/userinfo"


class _Refusal(Exception):
    """The provider answered, but not with what was asked for; the text is for the operator's log."""


class ThirdParties:
    """One per process; ``aclose`` ends its connections."""

    def __init__(self, addresses: ProviderAddresses | None = None) -> None:
        self._addresses = addresses or ProviderAddresses()
        self._client = WebClient(TIMEOUT_S)
        self._documents: dict[str, tuple[int, dict[str, Any]]] = {}

    async def aclose(self) -> None:
        await self._client.aclose()

    async def departure(self, provider: Provider, options: OptionValues, *, state: str, verifier: str) -> str:
        """The address to send the browser to. Raises Unavailable where OIDC's discovery fails."""
        redirect_uri = _redirect_uri(provider, options)
        if provider is GITHUB:
            # Without an address to return to GitHub takes the one registered there.
            return prepare_grant_uri(
                self._addresses.github_authorize, options.git_hub_client_id, "code", state=state
            )
        if provider is LARK:
            return prepare_grant_uri(
                self._addresses.lark_authorize,
                options.lark_client_id,
                "code",
                redirect_uri=redirect_uri,
                state=state,
            )
        with _failures_of(provider):
            endpoints = await self._oidc_endpoints(options)
            if not endpoints.authorization:
                raise _Refusal("no authorization endpoint is known")
        return prepare_grant_uri(
            endpoints.authorization,
            options.oidc_client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=["openid", "profile", "email"],
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )

    async def identify(
        self, provider: Provider, options: OptionValues, *, code: str, verifier: str = ""
    ) -> Identity:
        """Who this code stands for. ``verifier`` is given where a challenge was sent.

        Raises Unavailable where the provider is out of reach, InvalidInput where it does not accept the code.
        """
        ask = {"github": self._github, "oidc": self._oidc, "lark": self._lark, "wechat": self._wechat}
        with _failures_of(provider):
            return await ask[provider.name](options, code, verifier)

    async def _github(self, options: OptionValues, code: str, _verifier: str) -> Identity:
        auth = ClientAuth(options.git_hub_client_id, options.git_hub_client_secret, "client_secret_post")
        token = await self._token(self._addresses.github_token, auth, {"code": code})
        user = await self._get(self._addresses.github_user, _bearer(token))
        number = user.get("id")
        if type(number) is not int or number <= 0:
            raise _Refusal("no user id")
        return Identity(
            GITHUB, _text(user, "login"), name=_text(user, "name"), email=_email(user), number=number
        )

    async def _oidc(self, options: OptionValues, code: str, verifier: str) -> Identity:
        endpoints = await self._oidc_endpoints(options)
        auth = ClientAuth(options.oidc_client_id, options.oidc_client_secret, endpoints.auth_method)
        more = {"code_verifier": verifier} if verifier else {}
        redirect_uri = _redirect_uri(OIDC, options)
        token = await self._token(endpoints.token, auth, {"code": code, "redirect_uri": redirect_uri, **more})
        user = await self._get(endpoints.userinfo, _bearer(token))
        return Identity(
            OIDC,
            _text(user, "sub"),
            name=_text(user, "name"),
            email=_email(user) if user.get("email_verified", True) in (True, "true") else "",
            username=_text(user, "preferred_username"),
        )

    async def _lark(self, options: OptionValues, code: str, _verifier: str) -> Identity:
        # Lark wants JSON where the standard has a form.
        body = {
            "client_id": options.lark_client_id,
            "client_secret": options.lark_client_secret,
            "code": code,
            "grant_type": "authorization_code",
            "redirect_uri": _redirect_uri(LARK, options),
        }
        headers = {"content-type": "application/json; charset=utf-8"}
        answer = await self._send("POST", self._addresses.lark_token, headers, json.dumps(body).encode())
        user = await self._get(self._addresses.lark_user, _bearer(_access_token(answer)))
        return Identity(LARK, _text(user, "open_id"), name=_text(user, "name"))

    async def _wechat(self, options: OptionValues, code: str, _verifier: str) -> Identity:
        """Whoever sent this code to the site's WeChat account, as the operator's wechat-server knows."""
        base = options.we_chat_server_address.rstrip("/")
        address = httpx.URL(f"{base}/api/wechat/user", params={"code": code})
        answer = await self._get(str(address), {"authorization": options.we_chat_server_token})
        subject = answer.get("data") if answer.get("success") is True else ""
        if not isinstance(subject, str) or not subject:
            raise InvalidInput("验证码错误或已过期", "the code is wrong or has expired")
        return Identity(WECHAT, subject)

    async def _oidc_endpoints(self, options: OptionValues) -> Endpoints:
        if found := configured_endpoints(options):
            return found
        address = discovery_address(options)
        expires_at, document = self._documents.get(address, (0, {}))
        if expires_at < now_s():
            document = await self._get(address)
            self._documents = {address: (now_s() + _DISCOVERY_LIFETIME_S, document)}
        return discovered_endpoints(options, document)

    async def _token(self, address: str, auth: ClientAuth, fields: Mapping[str, str]) -> str:
        body: str = prepare_token_request("authorization_code", "", **fields)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        address, headers, body = auth.prepare("POST", address, headers, body)
        return _access_token(await self._send("POST", address, headers, body.encode()))

    async def _get(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._send("GET", address, headers or {})

    async def _send(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> dict[str, Any]:
        """The JSON object of the answer, whatever its status below 500. Raises _Refusal for anything else."""
        async with asyncio.timeout(TIMEOUT_S):
            response = await self._client.request(
                method, address, headers={**_HEADERS, **headers}, content=body
            )
        if response.status_code >= 500:
            raise httpx.RequestError(f"status {response.status_code}")
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise _Refusal(f"status {response.status_code}, not a JSON object")
        return answer


@contextlib.contextmanager
def _failures_of(provider: Provider) -> Iterator[None]:
    """Tells the caller what failed, and the operator's log a little more."""
    try:
        yield
    except _Refusal as error:
        log.warning("sign-in with %s: %s", provider.en, error)
        raise provider.nameless() from None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        log.warning("sign-in with %s: %s", provider.en, type(error).__name__)
        raise provider.unreachable() from None


def _redirect_uri(provider: Provider, options: OptionValues) -> str:
    return f"{options.effective_server_address}/oauth/{provider.name}"


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _access_token(answer: dict[str, Any]) -> str:
    token = _text(answer, "access_token")
    if not token or not re.fullmatch(r"[!-~]+", token):
        raise _Refusal(_without_details(answer))
    return token


def _without_details(answer: dict[str, Any]) -> str:
    """The provider's own code for what is wrong, such as invalid_client; never its prose."""
    code = str(answer.get("error") or answer.get("code") or "no access token")
    return code if re.fullmatch(r"[\w .-]{1,64}", code) else "no access token"


def _text(answer: Mapping[str, Any], name: str) -> str:
    found = answer.get(name)
    return found.strip() if isinstance(found, str) else ""


def _email(user: Mapping[str, Any]) -> str:
    found = _text(user, "email")
    return found if is_email(found) else ""
