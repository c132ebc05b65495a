"""The console's looks. Each module here with a ``LOOK`` is one, together with its stylesheet of the same name."""

from importlib import import_module
from pkgutil import iter_modules

from oneapi_app.console.themes.look import Look

LOOKS: tuple[Look, ...] = tuple(
    sorted(
        (
            module.LOOK
            for found in iter_modules(__path__)
            if hasattr(module := import_module(f"{__name__}.{found.name}"), "LOOK")
        ),
        key=lambda look: look.order,
    )
)
"""The first is used when the option names none of them."""
