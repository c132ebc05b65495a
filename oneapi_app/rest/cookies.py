"""The session's cookie, for whichever handler opened a session. It travels with any answer, also with a refusal."""

from fastapi import Request, Response

COOKIE = "session"
SCOPE_KEY = "oneapi_cookies"
"""A list of headers in the request's scope, made and sent by ``rest.front``."""


def give_session(request: Request, secret: str, lifetime_s: int) -> None:
    """Has the answer carry the session's secret to the browser."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    carrier = Response()
    carrier.set_cookie(
        COOKIE,
        secret,
        max_age=lifetime_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" or forwarded == "https",
    )
    request.scope[SCOPE_KEY] += [header for header in carrier.raw_headers if header[0] == b"set-cookie"]
