"""``akutoverblik key new``: make a key and show it once."""

from capacity.instants import utc_now
from capacity.settings import Settings
from web.key_kinds import KeyKind
from web.keys import KeyRing


def new_key(settings: Settings, kind: KeyKind, of: str) -> int:
    """Make a key and print it; only its hash is kept."""
    print(KeyRing(settings.keys_file).make(kind, of, utc_now()))
    return 0
