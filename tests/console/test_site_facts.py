"""The public facts of the site, as the browser gets them."""

import re
from dataclasses import fields
from pathlib import Path

from oneapi_app.console import shell
from oneapi_app.console.client import Site
from oneapi_app.console.shell.state import site_facts
from oneapi_app.options import OptionValues

STORE = Path(shell.__file__).parents[1] / "client" / "store.js"


def test_the_browser_has_a_first_value_for_every_fact():
    block = re.search(r"const DEFAULT_SITE = \{(.*?)\};", STORE.read_text("utf-8"), re.DOTALL)
    assert block
    assert re.findall(r"^\s*(\w+):", block.group(1), re.MULTILINE) == [field.name for field in fields(Site)]


def test_ways_to_sign_in_are_shown_when_they_can_work():
    nothing = site_facts(OptionValues({}), "default")
    assert not any((nothing.github, nothing.oidc, nothing.lark, nothing.wechat, nothing.mail))
    assert nothing.password_login and nothing.password_registration and nothing.turnstile_site_key == ""
    stored = {
        "GitHubOAuthEnabled": "true",
        "GitHubClientId": "id",
        "OidcEnabled": "true",
        "LarkClientId": "id",
        "LarkClientSecret": "secret",
        "TurnstileSiteKey": "key",
        "SMTPServer": "mail.example.com",
        "RegisterEnabled": "false",
    }
    some = site_facts(OptionValues(stored), "default")
    assert (some.github, some.oidc, some.lark, some.wechat) == (True, False, True, False)
    assert (some.mail, some.registration, some.password_registration) == (True, False, False)
    assert some.turnstile_site_key == ""
    assert (
        site_facts(OptionValues(stored | {"TurnstileCheckEnabled": "true"}), "").turnstile_site_key == "key"
    )
