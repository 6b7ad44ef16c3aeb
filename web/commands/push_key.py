"""``akutoverblik push-key new | show``: the key that signs pushes."""

import sys

from capacity.config_file import ConfigError
from capacity.settings import Settings
from web.notify.push_key import PushKey, push_key


def push_key_command(settings: Settings, action: str) -> int:
    """Print a fresh private key, or the public part of the one in use; returns the exit code."""
    if action == "new":
        print(PushKey.new().secret())
        return 0
    try:
        print(push_key(settings.push_key, settings.data).public)
    except ConfigError as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    return 0
