"""Whose certificates are trusted."""

import ssl

import certifi


def trust_authorities(context: ssl.SSLContext) -> None:
    """The system's authorities (SSL_CERT_FILE and SSL_CERT_DIR count), or certifi's where the system has none."""
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        context.load_verify_locations(certifi.where())
    else:
        context.load_default_certs()


def verifying_context() -> ssl.SSLContext:
    """A client's context that checks chain and name. Reads files: not for the event loop."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_authorities(context)
    return context
