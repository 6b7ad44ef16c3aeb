"""``akutoverblik key new``: make a key and show it once."""

import sys

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.settings import Settings
from feeds.sources import load_sources
from web.key_kinds import KeyKind
from web.keys import KeyRing


def new_key(settings: Settings, kind: KeyKind, of: str) -> int:
    """Make a key and print it; only its hash is kept. Refuses a key for what is not there."""
    try:
        known = _known(settings, kind)
    except ConfigError as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    if of not in known:
        print(
            f"akutoverblik: no {kind} is called {of!r}; known are: {', '.join(known) or 'none'}",
            file=sys.stderr,
        )
        return 2
    print(KeyRing(settings.keys_file).make(kind, of, utc_now()))
    return 0


def _known(settings: Settings, kind: KeyKind) -> list[str]:
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    if kind is KeyKind.SOURCE:
        return list(load_sources(settings.sources, catalogue))
    if kind is KeyKind.BOARD:
        return list(catalogue.served_clusters())
    return ["all"]
