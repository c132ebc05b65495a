"""Both adapters of the transport port, on both event loops."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from oneapi_app.relay.http1.tls import ResumingContext, client_context
from oneapi_app.relay.transport import Transport
from oneapi_app.relay.transport_h1 import H1Transport
from oneapi_app.relay.transport_httpx import HttpxTransport
from tests.support.certificates import Certificates, make_certificates

MakeTransport = Callable[..., Transport]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(Path(tmp_path_factory.mktemp("tls")))


def pytest_asyncio_loop_factories(config: object, item: object) -> dict[str, Callable[[], object]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["h1", "httpx"])
def adapter(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def trusting_tls(certificates: Certificates) -> ResumingContext:
    tls = client_context()
    tls.load_verify_locations(certificates.ca)
    return tls


@pytest_asyncio.fixture
async def make_transport(adapter: str, trusting_tls: ResumingContext) -> AsyncIterator[MakeTransport]:
    """Transports that trust the test authority: ``make_transport(connections_per_host=2)``, ``trusting=False``."""
    made: list[Transport] = []

    def make(*, connections_per_host: int = 100, trusting: bool = True) -> Transport:
        transport = (HttpxTransport if adapter == "httpx" else H1Transport)(
            connections_per_host=connections_per_host, tls=trusting_tls if trusting else None
        )
        made.append(transport)
        return transport

    yield make
    for transport in made:
        await transport.aclose()


@pytest.fixture
def transport(make_transport: MakeTransport) -> Transport:
    return make_transport()


@pytest.fixture
def server_tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.cert, certificates.key)
    return context
