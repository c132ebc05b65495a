"""GitHub, an OpenID provider, Lark and a wechat-server on loopback: one real HTTP server, strict about what it gets.

A code works once, for the client, address and PKCE challenge it was issued with, as the real ones have it.
"""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from oneapi_app.accounts.third_party.exchange import ProviderAddresses

CLIENT_ID, CLIENT_SECRET = "the-client", "the-secret"
WECHAT_TOKEN = "wechat-server-token"


@dataclass
class _Code:
    person: dict[str, Any]
    challenge: str = ""
    redirect_uri: str = ""


@dataclass
class IdentityProviders:
    """What tests set and look at. ``person`` is who consents when a browser is sent to the authorization page."""

    address: str
    person: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, _Code] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: str = ""
    """"status" answers 502, "page" HTML, "huge" 2 MB, "empty" an empty object, wherever a person is asked for."""
    basic_only: bool = False
    names_methods: bool = True
    """Whether the discovery document lists how clients may prove themselves; it need not where that is the header."""
    seen: list[str] = field(default_factory=list)

    def issue(self, person: dict[str, Any], **more: str) -> str:
        code = f"code-{len(self.codes) + len(self.tokens) + len(self.seen)}-{id(person)}"
        self.codes[code] = _Code(person, **more)
        return code

    def addresses(self) -> ProviderAddresses:
        return ProviderAddresses(
            github_authorize=f"{self.address}/github/authorize",
            github_token=f"{self.address}/github/token",
            github_user=f"{self.address}/github/user",
            lark_authorize=f"{self.address}/lark/authorize",
            lark_token=f"{self.address}/lark/token",
            lark_user=f"{self.address}/lark/user",
        )

    def options(self) -> dict[str, str]:
        """Everything switched on; OIDC by discovery."""
        return {
            "GitHubOAuthEnabled": "true",
            "GitHubClientId": CLIENT_ID,
            "GitHubClientSecret": CLIENT_SECRET,
            "OidcEnabled": "true",
            "OidcClientId": CLIENT_ID,
            "OidcClientSecret": CLIENT_SECRET,
            "OidcWellKnown": f"{self.address}/.well-known/openid-configuration",
            "LarkClientId": CLIENT_ID,
            "LarkClientSecret": CLIENT_SECRET,
            "WeChatAuthEnabled": "true",
            "WeChatServerAddress": self.address,
            "WeChatServerToken": WECHAT_TOKEN,
        }


class _Handler(BaseHTTPRequestHandler):
    providers: IdentityProviders

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.providers.seen.append(f"GET {url.path}")
        if url.path == "/.well-known/openid-configuration":
            self._answer(200, self._document())
        elif url.path.endswith("/authorize"):
            self._authorize(query)
        elif url.path == "/api/wechat/user":
            self._wechat(query)
        else:
            self._user()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.providers.seen.append(f"POST {self.path}")
        kind = self.headers.get("content-type", "").split(";")[0]
        wanted = "application/json" if self.path.startswith("/lark/") else "application/x-www-form-urlencoded"
        if kind != wanted:
            return self._answer(415, {"error": "invalid_request"})
        fields = json.loads(body) if "json" in kind else {n: v[0] for n, v in parse_qs(body).items()}
        return self._token(fields)

    def _document(self) -> dict[str, Any]:
        base = f"{self.providers.address}/oidc"
        document: dict[str, Any] = {
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/user",
        }
        if self.providers.names_methods:
            method = "client_secret_basic" if self.providers.basic_only else "client_secret_post"
            document["token_endpoint_auth_methods_supported"] = [method]
        return document

    def _authorize(self, query: dict[str, str]) -> None:
        assert query["response_type"] == "code" and query["client_id"] == CLIENT_ID
        target = query["redirect_uri"]
        code = self.providers.issue(
            self.providers.person, challenge=query.get("code_challenge", ""), redirect_uri=target
        )
        self.send_response(302)
        self.send_header("location", f"{target}?{urlencode({'code': code, 'state': query['state']})}")
        self.send_header("content-length", "0")
        self.end_headers()

    def _token(self, fields: dict[str, str]) -> None:
        if self.providers.basic_only:
            expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            known = self.headers.get("authorization") == f"Basic {expected}" and "client_secret" not in fields
        else:
            known = (fields.get("client_id"), fields.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not known:
            return self._answer(401, {"error": "invalid_client", "error_description": "no"})
        code = self.providers.codes.pop(fields.get("code", ""), None)
        if code is None or fields.get("grant_type") != "authorization_code":
            return self._answer(200, {"error": "bad_verification_code"})
        if code.redirect_uri and fields.get("redirect_uri") != code.redirect_uri:
            return self._answer(400, {"error": "invalid_grant"})
        if _challenge(fields.get("code_verifier", "")) != code.challenge:
            return self._answer(400, {"error": "invalid_grant"})
        token = f"token-{len(self.providers.tokens)}"
        self.providers.tokens[token] = code.person
        return self._answer(200, {"access_token": token, "token_type": "bearer"})

    def _user(self) -> None:
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        person = self.providers.tokens.get(token)
        if person is None:
            return self._answer(401, {"message": "Bad credentials"})
        match self.providers.broken:
            case "status":
                return self._answer(502, {})
            case "page":
                return self._answer(200, None)
            case "huge":
                return self._answer(200, {"sub": "x" * (2 << 20)})
            case "empty":
                return self._answer(200, {})
            case _:
                return self._answer(200, person)

    def _wechat(self, query: dict[str, str]) -> None:
        if self.headers.get("authorization") != WECHAT_TOKEN:
            return self._answer(401, {"success": False, "message": "no"})
        code = self.providers.codes.pop(query.get("code", ""), None)
        return self._answer(200, {"success": True, "message": "", "data": code.person["id"] if code else ""})

    def _answer(self, status: int, body: Any) -> None:
        encoded = b"<html>" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if body is not None else "text/html")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(encoded)

    def log_message(self, *_: Any) -> None:
        pass


def _challenge(verifier: str) -> str:
    if not verifier:
        return ""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@contextlib.contextmanager
def running_providers() -> Iterator[IdentityProviders]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    providers = IdentityProviders(f"http://127.0.0.1:{server.server_address[1]}")
    handler.providers = providers
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield providers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
