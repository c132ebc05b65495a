"""What a theme is: a name, four tokens, and how it arranges the navigation."""

from collections.abc import Callable
from dataclasses import dataclass

import reflex as rx


@dataclass(frozen=True, slots=True)
class Look:
    """``accent``, ``gray`` and ``radius`` are Radix scales; the rest of the tokens is ``assets/styles/theme-<name>.css``."""

    name: str
    order: int
    accent: str
    gray: str
    radius: str
    navigation: Callable[[], rx.Component]
