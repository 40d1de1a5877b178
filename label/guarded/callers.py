"""Who may use the server: programs, and the pages of the server itself.

Any web page that is open in a browser can send requests to this machine. The browser says in ``Origin`` which
page asks, and in ``Host`` by which name it found the server. A page that makes its own name point to this
machine is recognized by that name. Scripts, 3D Slicer and QuPath send no ``Origin``.
"""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names by which a machine addresses itself."""

VARIABLE = "CELLSEG_LABEL_HOSTS"
"""Environment variable with further names of the server, with commas between them."""


class KnownCallers:
    """Middleware that answers 403 to pages of other servers, and to requests by an unknown name."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.hosts = {*LOOPBACK, *filter(None, os.environ.get(VARIABLE, "").lower().split(","))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        fault = None if scope["type"] == "lifespan" else fault_of(Headers(scope=scope), self.hosts)
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await JSONResponse({"detail": fault}, 403)(scope, receive, send)


def fault_of(headers: Headers, hosts: set[str]) -> str | None:
    """Why a request is refused, or None."""
    asked = headers.getlist("host")
    if len(asked) != 1 or host_name(asked[0]) not in hosts:
        return (
            f"this server is not known as {', '.join(asked) or 'nothing'}; "
            f"address it as {LOOPBACK[0]}, or start it with --allow-host"
        )
    for origin in headers.getlist("origin"):
        if urlsplit(origin).netloc.lower() != asked[0].lower():
            return f"a page of {origin} may not use this server; only its own pages and programs may"
    return None


def host_name(host: str) -> str | None:
    """A ``Host`` header without its port; None if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
