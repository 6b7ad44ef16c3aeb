"""Headers that every answer carries: nothing foreign may run, frame or cache what we show."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HSTS = "max-age=63072000"
"""Two years: browsers that came by TLS once come by nothing else (RFC 6797)."""
_Headers = list[tuple[bytes, bytes]]


def _raw(headers: dict[str, str]) -> _Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_PLAIN = _raw(_ALWAYS | {"Cache-Control": "no-store"})
_BY_TLS = [*_PLAIN, *_raw({"Strict-Transport-Security": HSTS})]


class SafeHeaders:
    """Adds the headers; figures are never cached, static files say themselves how long they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the answer's headers completed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: _Headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                ours = _BY_TLS if scope["scheme"] == "https" else _PLAIN
                message["headers"] = headers + [pair for pair in ours if pair[0] not in there]
            await send(message)

        await self._app(scope, receive, send_with_headers)
