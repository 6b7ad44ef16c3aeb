"""Static files: where they lie, and addresses that change when any of them does."""

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).resolve().parent.parent / "static"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"


@cache
def version() -> str:
    """A short hash over the names and contents of all static files."""
    digest = blake2b(digest_size=6)
    for path in sorted(p for p in STATIC.rglob("*") if p.is_file()):
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def static_url(name: str) -> str:
    """The address of a static file, e.g. ``board.css``; `FileNotFoundError` when there is none."""
    if not (STATIC / name).is_file():
        raise FileNotFoundError(f"no static file {name}")
    return f"/static/{name}?v={version()}"


class _VersionedFiles(StaticFiles):
    """Keeps a file for a year when asked for by the present version, else asks again each time.

    Modules import each other without a version, so they are revalidated: an upgrade can never
    pair a new module with an old one from a cache.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("v")
        response.headers["Cache-Control"] = IMMUTABLE if asked == [version()] else REVALIDATE
        return response


def static_files() -> StaticFiles:
    """The application to mount at ``/static``."""
    return _VersionedFiles(directory=STATIC)
