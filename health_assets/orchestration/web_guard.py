"""What stands in front of Dagster's web server: only its own pages may use it, though it has no login.

Any web page that is open in a browser on this machine can send requests to 127.0.0.1. Refused are therefore:

* another host name than ours, since a name elsewhere may point to 127.0.0.1 (DNS rebinding);
* requests and WebSockets that come from a page of another origin, images and forms included;
* queries in a URL, which an image or a link would send, and bodies that a form could send;
* being shown within another page.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS_VARIABLE = "HEALTH_ASSETS_UI_HOSTS"  # further host names, separated by commas: of a reverse proxy
LOOPBACK = ("127.0.0.1", "localhost", "::1")
QUERIES = ("application/json", "application/graphql")  # types that a page elsewhere cannot send unasked


class WebGuard:
    """ASGI middleware that answers 403 to what does not come from our own pages."""

    def __init__(self, app: App) -> None:
        self.app = app
        more = os.environ.get(HOSTS_VARIABLE, "").split(",")
        self.hosts = {*LOOPBACK, *(name.strip().lower() for name in more if name.strip())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        if reason := self.refusal(scope):
            if scope["type"] == "websocket":
                await receive()
                return await send({"type": "websocket.close", "code": 1008})
            return await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)

        async def unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Frame-Options"] = "DENY"
            await send(message)

        return await self.app(scope, receive, unframed)

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None for one that is not."""
        headers, path = Headers(scope=scope), scope["path"].rstrip("/")
        if len(headers.getlist("host")) != 1 or _host_of(f"//{headers['host']}") not in self.hosts:
            return f"this host name is not ours; add it to {HOSTS_VARIABLE} if it is that of your reverse proxy"
        if any(not self._is_ours(origin, headers["host"]) for origin in headers.getlist("origin")):
            return "the page that sent this is not ours"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_navigation(scope, headers):
            return "the page that sent this is not ours"
        if scope["type"] == "http" and path.endswith("/graphql"):
            is_page = "text/html" in headers.get("accept", "")
            if scope["method"] != "POST" and not is_page:
                return "queries are posted, not put into the address"
            if scope["method"] == "POST" and headers.get("content-type", "").split(";")[0].strip() not in QUERIES:
                return f"queries are posted as {QUERIES[0]}"
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        """Whether a page of an origin came from this server, by the address that the request itself uses."""
        place = urlsplit(origin).netloc.lower()
        return bool(place) and (place == host.lower() or _host_of(origin) in self.hosts.difference(LOOPBACK))


def _host_of(url: str) -> str | None:
    try:
        return (urlsplit(url).hostname or "").rstrip(".") or None
    except ValueError:
        return None


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """A link elsewhere that somebody followed to one of our pages."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
