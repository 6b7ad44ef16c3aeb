"""``akutoverblik key``: make, list, rotate and revoke the keys of programs and wall screens."""

import argparse
import sys
from datetime import timedelta

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.instants import format_instant, utc_now
from capacity.notations import read_duration
from capacity.settings import Settings
from feeds.sources import load_sources
from web.key_kinds import KeyKind
from web.keys import Key, KeyFaultError, KeyRing


def key(settings: Settings, options: argparse.Namespace) -> int:
    """Run one sub-command; returns the exit code."""
    ring = KeyRing(settings.keys_file)
    try:
        match options.action:
            case "new":
                return _new(settings, ring, options)
            case "list":
                for each in ring.all():
                    print("\t".join(_columns(each)))
            case "rotate":
                overlap = read_duration(options.overlap)
                print(ring.rotate(options.id, overlap, utc_now()))
            case _:
                ring.revoke(options.id, utc_now())
    except (ConfigError, ValueError, KeyFaultError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    return 0


def _new(settings: Settings, ring: KeyRing, options: argparse.Namespace) -> int:
    """Make a key and print it; only its hash is kept. Refuses a key for what is not there."""
    kind = KeyKind(options.kind)
    known = _known(settings, kind)
    if options.of not in known:
        names = ", ".join(known) or "none"
        print(
            f"akutoverblik: no {kind} is called {options.of!r}; known are: {names}",
            file=sys.stderr,
        )
        return 2
    now = utc_now()
    lifetime: timedelta | None = read_duration(options.lifetime) if options.lifetime else None
    expires = now + lifetime if lifetime else None
    secret = ring.make(kind, options.of, now, label=options.label, expires=expires)
    print(secret)
    if kind is KeyKind.BOARD:
        base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        print(f"wall screen: {base}/wall-link/{secret}", file=sys.stderr)
    return 0


def _columns(each: Key) -> tuple[str, ...]:
    now = utc_now()
    state = "usable" if each.usable(now) else "revoked" if each.revoked else "expired"
    until = format_instant(each.expires) or ""
    return (each.id, each.kind.value, each.of, each.label, state, until)


def _known(settings: Settings, kind: KeyKind) -> list[str]:
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    if kind is KeyKind.SOURCE:
        return list(load_sources(settings.sources, catalogue))
    if kind is KeyKind.BOARD:
        return list(catalogue.served_clusters())
    return ["all"]
