"""Reflex's configuration: how the console is compiled. Run-time settings live in ``oneapi_app.settings``."""

import reflex as rx

from oneapi_app.console.bundle import BUILD_ORIGIN, ConsoleBundle

config = rx.Config(
    app_name="oneapi_app",
    api_url=BUILD_ORIGIN,
    deploy_url=BUILD_ORIGIN,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    state_manager_mode="memory",
    default_color_mode="system",
    cors_allowed_origins=[],
    frontend_packages=[
        "@fontsource-variable/inter@5.2.8",
        "@fontsource-variable/jetbrains-mono@5.2.8",
        "@radix-ui/react-form@0.3.0",
        "react-debounce-input@3.3.0",
        "react-markdown@10.1.0",
        "rehype-raw@7.0.0",
        "remark-gfm@4.0.1",
        "recharts@3.10.1",
    ],  # all of them here, so that reflex.lock does not depend on which pages use what
    plugins=[rx.plugins.RadixThemesPlugin(), ConsoleBundle()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
