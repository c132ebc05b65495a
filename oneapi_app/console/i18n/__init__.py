"""Texts of the console in Chinese and English, and ``t``: a text as a Reflex variable.

One module per area and language holds ``TEXTS``; the key of a text is ``"<area>.<name>"``. All texts travel
to the browser in one module, so switching the language asks nobody. Must not import pages or states.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, cast

import reflex as rx
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import VarData

LANGUAGES = ("zh", "en")
CLIENT = "$/console/client"

_TRANSLATE = VarData(
    imports={CLIENT: [ImportVar(tag="useTranslate")]}, hooks={"const translate = useTranslate()": None}
)
_LOCALIZE = VarData(
    imports={CLIENT: [ImportVar(tag="useLocale")]}, hooks={"const locale = useLocale()": None}
)


@cache
def catalogs() -> dict[str, dict[str, str]]:
    """``{"zh": {"shell.sign_in": "登录", ...}, "en": {...}}``, from the modules beside this one."""
    return {language: _catalog(language) for language in LANGUAGES}


def _catalog(language: str) -> dict[str, str]:
    package = import_module(f"{__name__}.{language}")
    texts: dict[str, str] = {}
    for area in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{area.name}")
        texts.update({f"{area.name}.{name}": text for name, text in module.TEXTS.items()})
    return texts


def t(key: str, **values: Any) -> rx.Var[str]:
    """The text of ``key`` in the viewer's language; ``values`` (plain or Vars) fill its ``{placeholders}``.

    ``"{count} {count|channel|channels}"`` picks singular or plural. Raises KeyError for an unknown key.
    """
    if key not in catalogs()["zh"] or key not in catalogs()["en"]:
        raise KeyError(f"no text {key!r} in both catalogs")
    if not values:
        return _var(f"translate({key!r})", _TRANSLATE)
    filled = rx.Var.create(values)
    return _var(f"translate({key!r}, {filled!s})", VarData.merge(_TRANSLATE, filled._get_all_var_data()))


def t_dynamic(prefix: str, name: Any) -> rx.Var[str]:
    """The text of ``f"{prefix}.{name}"`` for a name only known in the browser, such as a row's status."""
    variable = rx.Var.create(name)
    data = VarData.merge(_TRANSLATE, variable._get_all_var_data())
    return _var(f"translate({prefix + '.'!r} + {variable!s})", data)


def localized(texts: Any) -> rx.Var[str]:
    """The right half of a ``{"zh": ..., "en": ...}`` variable, such as an error's text."""
    variable = rx.Var.create(texts)
    return _var(f"({variable!s}?.[locale] ?? '')", VarData.merge(_LOCALIZE, variable._get_all_var_data()))


def _var(expression: str, data: VarData | None) -> rx.Var[str]:
    return cast(rx.Var[str], rx.Var(_js_expr=expression, _var_type=str, _var_data=data).to(str))
