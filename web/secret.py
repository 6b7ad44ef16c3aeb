"""The installation's own secret, from which page tokens are derived. Made once, read by all."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def installation_secret(folder: Path) -> bytes:
    """The secret of the data folder, made at the first call; `OSError` when it cannot be kept."""
    path = folder / "secret"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
    return path.read_bytes()
