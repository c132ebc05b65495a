"""Where we answer otherwise than the original on purpose: (area, step) -> why. Everything else must be equal."""

_KEY = "a channel's key never leaves: the original returns it after an update"
_ACCESS_TOKEN = "other people's access tokens never leave: with root's, any admin could become root"
_NEGATIVE = "a negative quota is refused; later ids and lists in this area differ by that row"
_ERROR_IN_200 = "an error inside a 200 answer is an error to us: not billed, and retried elsewhere"
_EMPTY_MESSAGE = "the original's message is empty"
_REDIRECT = "both slash forms are answered directly instead of a redirect"

DELIBERATE: dict[tuple[str, str], str] = {
    ("channels", "update"): _KEY,
    ("channels", "disable"): _KEY,
    ("relay_errors", "make it unreachable"): _KEY,
    ("channels", "list after"): "updating all balances really does; the original's route does nothing",
    ("channels", "update missing"): "updating what does not exist is an error",
    ("options", "all"): "TurnstileSecretKey is a secret; the original lists it",
    ("options", "set Unheard"): "unknown options are refused",
    ("public", "reset mail, unknown address"): "the answer does not tell whether anybody has the address",
    ("redemptions", "create: negative quota"): _NEGATIVE,
    ("redemptions", "list"): _NEGATIVE,
    ("redemptions", "list after"): _NEGATIVE,
    ("relay_errors", "up-html"): _EMPTY_MESSAGE,
    ("relay_errors", "up-html streamed"): _EMPTY_MESSAGE,
    ("relay_errors", "up-garbage streamed"): _ERROR_IN_200,
    ("relay_errors", "up-empty streamed"): _ERROR_IN_200,
    ("relay_errors", "up-err200"): _ERROR_IN_200,
    ("relay_errors", "up-err200 streamed"): _ERROR_IN_200,
    ("relay_errors", "nothing was charged but what worked"): _ERROR_IN_200,
    ("relay_errors", "log"): _ERROR_IN_200,
    ("users_admin", "list"): _ACCESS_TOKEN,
    ("users_admin", "by quota"): _ACCESS_TOKEN,
    ("users_admin", "search by name"): _ACCESS_TOKEN,
    ("users_admin", "search by id"): _ACCESS_TOKEN,
    ("users_admin", "list after"): _ACCESS_TOKEN,
    ("tokens", "create: negative"): _NEGATIVE,
    ("tokens", "create: past expiry"): _NEGATIVE,
    ("tokens", "create: expiry 0"): _NEGATIVE,
    ("tokens", "create: given key"): _NEGATIVE,
    ("tokens", "list ?p=0"): _NEGATIVE,
    ("tokens", "list ?p=1"): _NEGATIVE,
    ("tokens", "list ?p=-1"): _NEGATIVE,
    ("tokens", "list ?p=abc"): _NEGATIVE,
    ("tokens", "list ?p=0&order=remain_quota"): _NEGATIVE,
    ("tokens", "list ?p=0&order=used_quota"): _NEGATIVE,
    ("tokens", "search %"): "% and _ in a search mean themselves",
    ("tokens", "delete with slash"): _REDIRECT,
    ("tokens", "delete"): "the redirected deletion before it has already happened here",
    ("tokens", "list without slash"): _REDIRECT,
}
