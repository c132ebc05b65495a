"""Where sign-in leads with ``?next=``: the function of the pages, run by Node as a browser would."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.servers import find_program, need

SOURCE = Path(__file__).parents[2] / "oneapi_app" / "console" / "client" / "http.js"
SITE = "https://site.test:8443"


def own_addresses(*wanted: str) -> list[str]:
    node = find_program("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    need(node, "Node")
    found = re.search(r"^export (function ownAddress\(.*?^})", SOURCE.read_text("utf-8"), re.M | re.S)
    assert found and node
    script = (
        f"globalThis.window = {{ location: {{ origin: {json.dumps(SITE)} }} }};\n{found[1]}\n"
        f"console.log(JSON.stringify({json.dumps(wanted)}.map((one) => ownAddress(one, '/otherwise'))));"
    )
    done = subprocess.run([node, "-e", script], capture_output=True, timeout=30, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/",
        "/.//evil.example",
        "/a/..//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "https://site.test:8443@evil.example/",
        "https://site.test/",
        "http://site.test:8443/",
        "https://[",
        "",
    ],
)
def test_no_link_leads_to_another_site(wanted: str):
    (address,) = own_addresses(wanted)
    assert address == "/otherwise" or address.startswith(f"{SITE}/")
    assert urlsplit(address).netloc in ("", urlsplit(SITE).netloc)


def test_pages_of_this_site_are_found():
    assert own_addresses("/token?page=2#x", "token", f"{SITE}/log") == [
        f"{SITE}/token?page=2#x",
        f"{SITE}/token",
        f"{SITE}/log",
    ]
