"""Texts people copy: the right address, the right key, links as the original writes them."""

import ast
import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from oneapi_app.console.snippets import public_address, write_snippets


def snippets(**changes):
    return write_snippets(
        **{"key": "sk-abc", "address": "https://api.example.com", "model": "gpt-4o"} | changes
    )


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("", "http://10.0.0.1:8080"),
        ("http://localhost:3000", "http://10.0.0.1:8080"),
        ("http://localhost:3000/", "http://10.0.0.1:8080"),
        ("https://api.example.com/", "https://api.example.com"),
    ],
)
def test_the_address_is_the_operators_unless_it_is_the_default(configured, expected):
    assert public_address(configured, "http://10.0.0.1:8080") == expected


def test_keys_carry_their_prefix_once():
    assert snippets(key="abc").key == snippets(key="sk-abc").key == "sk-abc"


def test_programs_are_programs():
    texts = snippets(model='odd"model')
    ast.parse(texts.python)
    assert "https://api.example.com/v1" in texts.python
    assert json.loads(texts.curl.rsplit("-d '", 1)[1][:-1])["model"] == 'odd"model'


def test_links_for_clients():
    texts = snippets()
    assert texts.ama == "ama://set-api-key?server=https%3A%2F%2Fapi.example.com&key=sk-abc"
    assert texts.open_cat == "opencat://team/join?domain=https%3A%2F%2Fapi.example.com&token=sk-abc"
    address, _, settings = texts.next_chat.partition("/#/?settings=")
    assert address == "https://app.nextchat.dev"
    assert json.loads(unquote(settings)) == {"key": "sk-abc", "url": "https://api.example.com"}
    (lobe,) = parse_qs(urlsplit(texts.lobe_chat).query)["settings"]
    assert json.loads(lobe)["keyVaults"]["openai"]["baseURL"] == "https://api.example.com/v1"


def test_the_operators_own_chat_site():
    assert snippets(chat_link="https://chat.example.com/").next_chat.startswith(
        "https://chat.example.com/#/?settings="
    )
