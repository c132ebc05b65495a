"""What the console adds to Reflex's frontend build: its client modules, its texts, and its own origin.

Reflex writes the backend's address into the JavaScript when it builds. The console is served by the process
that also answers its websocket, on whatever port, behind ``docker -p`` or a TLS proxy, so after the build
that address is replaced by the address in the browser. Must not import pages or states.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reflex_base.plugins import Plugin

from oneapi_app.console.i18n import catalogs
from oneapi_app.frontend_build import INPUTS, PROJECT

BUILD_ORIGIN = "http://same-origin.invalid"
"""Stands for "wherever this page came from" until ``use_own_origin`` has run."""

STYLESHEETS = [f"/styles/{sheet.name}" for sheet in sorted((PROJECT / "assets" / "styles").glob("*.css"))]
"""Numbered where order matters; ``theme-<name>.css`` come last."""

CLIENT_MODULES = Path(__file__).parent / "client"

_ADDRESS = re.compile(r"""(["'`])(http|ws)://same-origin\.invalid(/[^"'`]*)?\1""")
_QUOTE = r"""["'`]"""
_SAME_DOMAIN = re.compile(
    rf"""\[{_QUOTE}localhost{_QUOTE},{_QUOTE}0\.0\.0\.0{_QUOTE},{_QUOTE}::{_QUOTE},"""
    rf"""{_QUOTE}0:0:0:0:0:0:0:0{_QUOTE}\]"""
)


class ConsoleBundle(Plugin):
    """The Reflex plugin named in ``rxconfig.py``."""

    def get_static_assets(self, **context: Any) -> Sequence[tuple[Path, str | bytes]]:
        modules = [
            (Path("console") / module.name, module.read_text("utf-8"))
            for module in sorted(CLIENT_MODULES.iterdir())
            if module.suffix in (".js", ".jsx")
        ]
        texts = f"export default {json.dumps(catalogs(), ensure_ascii=False)};\n"
        return [*modules, (Path("console") / "catalogs.js", texts)]

    def post_build(self, **context: Any) -> None:
        use_own_origin(Path(context["static_dir"]))
        INPUTS.write_text(json.dumps(compiled_from()))


def compiled_from() -> list[str]:
    """Our modules that are loaded now, relative to the project: while compiling, what the pages depend on."""
    files = {getattr(module, "__file__", None) for name, module in sys.modules.items() if _is_ours(name)}
    return sorted(str(Path(file).relative_to(PROJECT)) for file in files if file)


def _is_ours(module: str) -> bool:
    return module == "oneapi_app" or module.startswith("oneapi_app.")


def use_own_origin(static_dir: Path) -> None:
    """Makes the built frontend talk to the origin it was loaded from, port included.

    Raises RuntimeError when Reflex's output no longer looks as expected: better no build than a dead page.
    """
    addresses = hosts = 0
    for script in sorted(static_dir.rglob("*.js")):
        source = script.read_text("utf-8")
        fixed, found_addresses = _ADDRESS.subn(_own_address, source)
        fixed, found_hosts = _SAME_DOMAIN.subn("[]", fixed)
        if found_addresses or found_hosts:
            script.write_text(fixed, "utf-8")
        addresses += found_addresses
        hosts += found_hosts
    if not addresses or not hosts:
        raise RuntimeError("Reflex's built frontend has changed: its backend address was not found")


def _own_address(match: re.Match[str]) -> str:
    scheme, path = match.group(2), match.group(3) or ""
    origin = "location.origin" if scheme == "http" else 'location.origin.replace("http","ws")'
    return f'({origin}+"{path}")'
