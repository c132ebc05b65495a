"""The error tree.

    AppError                  something the caller can be told, in Chinese and English
      InvalidInput            the request does not make sense
      Unauthenticated         nobody is signed in (HTTP 401 on the management API)
      Forbidden               signed in, but not allowed
      NotFound                no such object, or not the caller's
      Conflict                a name is taken, a code is used, work is already running
      RateLimited             too many requests (HTTP 429)
      Unavailable             a service we depend on did not answer
    SettingsError             the process cannot start with this configuration
    ConversionError           a request cannot be said in the provider's dialect (client error)
    UpstreamProtocolError     a provider's bytes are wrong

The management API answers AppError inside its envelope; the relay renders its own errors in the caller's
dialect (``relay.refusals``). Messages never hold secrets, prompts or database texts.
"""


class AppError(Exception):
    """An error with a text for people.

    ``zh`` is the literal of the original's API, which clients display; ``en`` is shown by the console.
    ``localised`` errors follow the caller's Accept-Language on the REST API too (contract: three of them).
    """

    http_status = 200

    def __init__(self, zh: str, en: str, *, localised: bool = False) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.localised = localised


class InvalidInput(AppError):
    """The request does not make sense."""


class Unauthenticated(AppError):
    """No session and no access token."""

    http_status = 401


class Forbidden(AppError):
    """The caller may not do this."""


class NotFound(AppError):
    """No such object, or it belongs to somebody else."""

    def __init__(self, zh: str = "record not found", en: str = "record not found") -> None:
        super().__init__(zh, en)


class Conflict(AppError):
    """The state of things forbids it: a name is taken, a code is used."""


class Unavailable(AppError):
    """A service we depend on did not answer."""


class RateLimited(AppError):
    """Too many requests from one address."""

    http_status = 429

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("请求过于频繁，请稍后再试", "too many requests, try again later")
        self.retry_after_s = retry_after_s


class SettingsError(Exception):
    """The configuration cannot be used; the text says which setting and what is expected."""


class ConversionError(Exception):
    """The request cannot be expressed in the provider's dialect; the text says which part."""


class UpstreamProtocolError(Exception):
    """The provider's bytes are not what its protocol says."""


def invalid_parameter() -> InvalidInput:
    return InvalidInput("无效的参数", "invalid parameter", localised=True)


def invalid_input() -> InvalidInput:
    return InvalidInput(
        "无效的输入，请检查您的输入", "Invalid input, please check your input", localised=True
    )
