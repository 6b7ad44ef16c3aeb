"""Settings for a command, or a clear word about which one is wrong."""

import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from capacity.settings import Settings


def settings_or_exit() -> Settings:
    """The settings of the environment; a wrong one ends the program with code 2."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(map(str, fault["loc"])).upper()
            where = f"AKUTOVERBLIK_{name}: " if name else ""  # none: several do not go together
            reason = fault["msg"].removeprefix("Value error, ")
            print(f"akutoverblik: {where}{reason}", file=sys.stderr)
        raise SystemExit(2) from error
    except SettingsError as error:
        print(f"akutoverblik: AKUTOVERBLIK_…: {error} (lists are JSON)", file=sys.stderr)
        raise SystemExit(2) from error
