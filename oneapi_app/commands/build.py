"""``python -m oneapi_app build``: the console's frontend, ahead of the first start."""

from oneapi_app.frontend_build import build_frontend, frontend_is_current


def build() -> int:
    """Does nothing where what was built is current. Raises SettingsError with the end of the build's log."""
    if frontend_is_current():
        print("the console is built already")
        return 0
    build_frontend(print)
    return 0
