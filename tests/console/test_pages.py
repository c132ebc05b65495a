"""Rules every page keeps: it has a guard, and its handlers ask who is calling before anything else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneapi_app.actor import ADMIN, COMMON, ROOT
from oneapi_app.console import page as pages
from oneapi_app.console.page import PUBLIC, load_pages

CONSOLE = Path(__file__).parents[2] / "oneapi_app" / "console"
ASKS_WHO = {"_call", "_read", "_actor", "_viewer", "_refresh", "_show", "_load_rows"}
PUBLIC_STATES = {"PublicState"}
"""States that hold nothing but what anybody may see."""
VIEW_ONLY_MAY_USE = {"current_runtime", "database"}
"""What a handler that asks nobody must keep its hands off."""


def handlers() -> Iterator[tuple[str, ast.AsyncFunctionDef | ast.FunctionDef, set[str]]]:
    """Every public method of every state class in the console, decorated or not: all can be called.

    With it, the names it uses itself or through private methods of its class.
    """
    for source in sorted(CONSOLE.rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and _is_state(node) and node.name not in PUBLIC_STATES:
                methods = [m for m in node.body if isinstance(m, ast.AsyncFunctionDef | ast.FunctionDef)]
                private = {m.name: _attributes(m) for m in methods if m.name.startswith("_")}
                for method in methods:
                    if _is_handler(method):
                        name = f"{source.parent.name}/{source.name}:{node.name}.{method.name}"
                        yield name, method, _with_helpers(_attributes(method), private)


def _with_helpers(used: set[str], private: dict[str, set[str]]) -> set[str]:
    while missing := {name for helper in used & private.keys() for name in private[helper]} - used:
        used = used | missing
    return used


def _is_state(node: ast.ClassDef) -> bool:
    return any("State" in ast.unparse(base) for base in node.bases)


def _is_handler(method: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    decorators = {ast.unparse(d).split("(")[0] for d in method.decorator_list}
    return not method.name.startswith("_") and not decorators & {
        "rx.var",
        "property",
        "classmethod",
        "staticmethod",
    }


def _attributes(method: ast.AST) -> set[str]:
    named = {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute)}
    return named | {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}


@pytest.mark.parametrize(
    ("name", "method", "used"), [pytest.param(*found, id=found[0]) for found in handlers()]
)
def test_handlers_ask_who_is_calling_or_touch_nothing(name: str, method: ast.AST, used: set[str]):
    if used & ASKS_WHO:
        return
    assert not used & VIEW_ONLY_MAY_USE, f"{name} reaches data without asking who is calling"
    assert not isinstance(method, ast.AsyncFunctionDef), f"{name} waits for something but asks nobody"


def test_every_page_has_a_guard_and_a_title():
    found = load_pages()
    assert found
    for page in found.values():
        assert page.guard in (PUBLIC, COMMON, ADMIN, ROOT)
        assert page.path.startswith("/")


def test_two_pages_at_one_address_are_refused():
    load_pages()
    with pytest.raises(ValueError, match="two pages"):
        pages.page("/login", title="sign_in.title", guard=PUBLIC)(lambda: None)


def test_menus_lead_only_to_pages_that_exist():
    found = load_pages()
    for section in ("main", "admin", "account"):
        assert all(entry.path in found for entry in pages.menu_pages(section))
