"""Addresses of the console's pages, as the original's default theme has them.

``RESET_LINK`` stands in mails, ``THIRD_PARTY_RETURN/<provider>`` in what operators registered with providers.
"""

FRONT = "/"
ABOUT = "/about"
SIGN_IN = "/login"
REGISTER = "/register"
RESET = "/reset"
RESET_LINK = "/user/reset"
THIRD_PARTY_RETURN = "/oauth"
CHANGE_PASSWORD = "/password"  # noqa: S105 - an address
DASHBOARD = "/dashboard"
CHANNELS = "/channel"
TOKENS = "/token"
USERS = "/user"
LOGS = "/log"
SETTINGS = "/setting"
SETTINGS_PRICES = "/setting/prices"
SETTINGS_SYSTEM = "/setting/system"
SETTINGS_OTHER = "/setting/other"
PERSONAL = "/personal"
REDEMPTIONS = "/redemption"
TOP_UP = "/topup"
