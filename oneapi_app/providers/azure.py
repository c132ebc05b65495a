"""Azure OpenAI: deployments in the path, an API version in the query, the key in a header of its own.

https://learn.microsoft.com/azure/ai-services/openai/reference
"""

import dataclasses
from urllib.parse import quote

from oneapi_app.providers.base import ClientRequest, ConfigField, Operation, Provider, Route, UpstreamRequest
from oneapi_app.providers.openai_like import client_headers, edited_body, openai_like

DEFAULT_API_VERSION = "2024-10-21"
_GATEWAY = "https://gateway.ai.cloudflare.com"


def _build(provider: Provider, request: ClientRequest, route: Route) -> UpstreamRequest:
    task = provider.endpoints[request.operation].removeprefix("/v1/")
    keeps_dots = request.operation is Operation.IMAGES
    deployment = route.model if keeps_dots else route.model.replace(".", "")
    base = route.base_url.rstrip("/")
    if not base.startswith(_GATEWAY):
        base += "/openai/deployments"
    version = quote(route.config.get("api_version") or DEFAULT_API_VERSION, safe="")
    url = f"{base}/{quote(deployment, safe='')}/{task}?api-version={version}"
    headers = (*client_headers(request), (b"api-key", route.key.encode()))
    return UpstreamRequest("POST", url, headers, edited_body(provider, request, route))


PROVIDER = dataclasses.replace(
    openai_like(
        3,
        "azure",
        "Azure",
        "",
        owned_by="azure",
        key_format="Azure key (sent in api-key header)",
        config_fields=(ConfigField("api_version"),),
        docs_url="https://learn.microsoft.com/azure/ai-services/openai/reference",
    ),
    builder=_build,
    legacy_other="api_version",
)
