"""Texts people copy to start using a token: addresses, programs, and links that set up a client. Pure."""

import json
from dataclasses import dataclass
from urllib.parse import quote

DEFAULT_ADDRESS = "http://localhost:3000"
"""The original's ServerAddress before anybody has set it; means nothing to a visitor."""
NEXT_CHAT = "https://app.nextchat.dev"
LOBE_CHAT = "https://lobehub.com"


@dataclass(frozen=True)
class Snippets:
    """``key`` with ``sk-``; ``address`` of the site, without ``/v1``."""

    key: str = ""
    address: str = ""
    env: str = ""
    curl: str = ""
    python: str = ""
    node: str = ""
    next_chat: str = ""
    lobe_chat: str = ""
    ama: str = ""
    open_cat: str = ""


def public_address(configured: str, origin: str) -> str:
    """Where clients should point: the operator's address, unless it is unset or still the default."""
    configured = configured.rstrip("/")
    return configured if configured and configured != DEFAULT_ADDRESS else origin.rstrip("/")


def write_snippets(*, key: str, address: str, model: str, chat_link: str = "") -> Snippets:
    """``key`` with or without ``sk-``. Link forms: contract §11.2."""
    secret = f"sk-{key.removeprefix('sk-')}"
    chat = chat_link.rstrip("/")
    next_chat = json.dumps({"key": secret, "url": address}, separators=(",", ":"))
    lobe_chat = json.dumps(
        {"keyVaults": {"openai": {"apiKey": secret, "baseURL": f"{address}/v1"}}}, separators=(",", ":")
    )
    return Snippets(
        key=secret,
        address=address,
        env=f"export OPENAI_API_KEY={secret}\nexport OPENAI_BASE_URL={address}/v1",
        curl=_curl(secret, address, model),
        python=_python(secret, address, model),
        node=_node(secret, address, model),
        next_chat=f"{chat or NEXT_CHAT}/#/?settings={quote(next_chat, safe='')}",
        lobe_chat=f"{chat or LOBE_CHAT}/?settings={quote(lobe_chat, safe='')}",
        ama=f"ama://set-api-key?server={quote(address, safe='')}&key={secret}",
        open_cat=f"opencat://team/join?domain={quote(address, safe='')}&token={secret}",
    )


def _curl(key: str, address: str, model: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    return (
        f"curl {address}/v1/chat/completions \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f"  -d '{body}'"
    )


def _python(key: str, address: str, model: str) -> str:
    return (
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{address}/v1", api_key="{key}")\n'
        "answer = client.chat.completions.create(\n"
        f"    model={json.dumps(model)},\n"
        '    messages=[{"role": "user", "content": "Hello"}],\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )


def _node(key: str, address: str, model: str) -> str:
    return (
        'import OpenAI from "openai";\n\n'
        f'const client = new OpenAI({{ baseURL: "{address}/v1", apiKey: "{key}" }});\n'
        "const answer = await client.chat.completions.create({\n"
        f"  model: {json.dumps(model)},\n"
        '  messages: [{ role: "user", content: "Hello" }],\n'
        "});\n"
        "console.log(answer.choices[0].message.content);"
    )
