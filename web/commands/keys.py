"""``akutoverblik key``: make, list, rotate and revoke the keys of programs and wall screens.

What is done stands on the audit trail first. A key is revoked even if that cannot be: then the
command says so, for whoever has to write it down elsewhere.
"""

import argparse
import asyncio
import sys
from datetime import datetime

from capacity.board import BoardUnavailableError
from capacity.board.embedded import running_url
from capacity.board.key_use import KeyUse
from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.history import HistoryError
from capacity.instants import format_instant, utc_now
from capacity.notations import read_duration
from capacity.settings import Settings
from feeds.sources import load_sources
from web.auth.accounts import Note
from web.auth.key_desk import KeyDesk, known_of, state_of
from web.commands.people_desk import open_desk
from web.key_kinds import KeyKind
from web.keys import Key, KeyFaultError, KeyRing


def key(settings: Settings, options: argparse.Namespace) -> int:
    """Run one sub-command; returns the exit code."""
    try:
        asyncio.run(_run(settings, KeyRing(settings.keys_file), options))
    except (ConfigError, ValueError, KeyFaultError, HistoryError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(settings: Settings, ring: KeyRing, options: argparse.Namespace) -> None:
    if options.action == "list":
        used = await _last_use(settings)
        for each in ring.all():
            print("\t".join(_columns(each, ring, used)))
        return
    try:
        async with open_desk(settings) as desk:
            await _change(settings, ring, options, desk.note)
    except HistoryError as error:
        if options.action != "revoke":
            raise
        ring.revoke(options.id, utc_now())
        print(f"akutoverblik: revoked, but not on the audit trail: {error}", file=sys.stderr)


async def _change(
    settings: Settings, ring: KeyRing, options: argparse.Namespace, note: Note
) -> None:
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    sources = load_sources(settings.sources, catalogue)
    keys = KeyDesk(ring, known_of(catalogue, list(sources)), utc_now, note)
    if options.action == "new":
        lifetime = read_duration(options.lifetime) if options.lifetime else None
        kind = KeyKind(options.kind)
        secret = await keys.new(kind, options.of, label=options.label, lifetime=lifetime)
        _show(settings, kind, secret)
    elif options.action == "rotate":
        old, secret = await keys.rotate(options.id, read_duration(options.overlap))
        _show(settings, old.kind, secret)
    else:
        await keys.revoke(options.id)


def _show(settings: Settings, kind: KeyKind, secret: str) -> None:
    """Print a key, this once."""
    print(secret)
    if kind is KeyKind.BOARD:
        base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        print(f"wall screen: {base}/wall-link/{secret}", file=sys.stderr)


async def _last_use(settings: Settings) -> dict[str, datetime] | None:
    """When keys were used last; ``None`` when there is no store to ask."""
    url = settings.store_url or running_url(settings.store_folder)
    if url is None:
        return None
    use = KeyUse(url, utc_now)
    try:
        return await use.all()
    except BoardUnavailableError:
        return None
    finally:
        await use.stop()


def _columns(each: Key, ring: KeyRing, used: dict[str, datetime] | None) -> tuple[str, ...]:
    until = format_instant(each.expires) or ""
    last = "?" if used is None else format_instant(used.get(each.id)) or "never"
    return (each.id, each.kind.value, each.of, each.label, state_of(each, ring), until, last)
