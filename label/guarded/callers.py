"""Accept requests only from programs and from the pages of the server itself.

Any web page that is open in a browser can send requests to this machine. The browser sends the page in
``Origin``, and the name by which it found the server in ``Host``. A page whose own name points to this
machine is recognised by that name. Scripts, 3D Slicer and QuPath send no ``Origin``.
"""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of a machine for itself."""

VARIABLE = "CELLSEG_LABEL_HOSTS"
"""Environment variable with more names of the server, separated by commas."""


class KnownCallers:
    """Middleware that answers 403 to pages of other servers and to requests for an unknown name."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.hosts = {*LOOPBACK, *filter(None, os.environ.get(VARIABLE, "").lower().split(","))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or answer 403."""
        fault = None if scope["type"] == "lifespan" else fault_of(Headers(scope=scope), self.hosts)
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await JSONResponse({"detail": fault}, 403)(scope, receive, send)


def fault_of(headers: Headers, hosts: set[str]) -> str | None:
    """Reason to reject a request, or None."""
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
    """Host name in a ``Host`` header, without the port; None if the header is malformed."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
