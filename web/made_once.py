"""A secret file of the data folder: made by whoever needs it first, the same for all from then."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content, `make`'s where there is none yet; `OSError` when it cannot be kept.

    It appears whole or not at all, so that two processes that start at once agree on one, and
    neither reads half of it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its file is read below
        finally:
            draft.unlink()
    return path.read_bytes()
