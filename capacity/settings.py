"""Settings, from the environment (``AKUTOVERBLIK_…``) or, where secret, from a file each.

A store's address may hold a password, which does not belong into an environment. So every setting
may also be a file of its name in the folder where containers get their secrets
(``/run/secrets/akutoverblik_sql_url``); the environment comes first.
"""

from pathlib import Path

from pydantic import Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")
"""Where Docker, Podman and Kubernetes put secrets by custom."""


class Settings(BaseSettings):
    """How one installation runs. Every field is documented in docs/operations.md."""

    model_config = SettingsConfigDict(
        env_prefix="AKUTOVERBLIK_",
        extra="ignore",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    data: Path = Path(".akutoverblik")
    """Folder of the embedded stores, the inbox and the keys; made when missing."""
    redis_url: str | None = None
    """Redis/Valkey address; without one an embedded Valkey runs in `data`."""
    sql_url: str | None = None
    """SQL address (SQLite or PostgreSQL); without one a SQLite file in `data`."""
    catalogue: list[Path] = Field(default_factory=list)
    """Catalogue files; without any, the shipped Randers cluster."""
    sources: list[Path] = Field(default_factory=list)
    """Source files; without any there are no feeds."""
    keys: Path | None = None
    """File of hashed keys; without one `data`/keys.toml."""
    host: str = "127.0.0.1"
    port: int = 8000
    max_document_bytes: int = 10 * 1024 * 1024
    """Largest document that any transport takes."""
    limits: dict[str, PositiveInt] = Field(default_factory=dict)
    """Limits of the parsers that are to differ, by name (`feeds/limits.py`)."""
    run_feeds: bool = True
    """Whether this process polls and watches folders; off in extra web processes."""
    trusted_hosts: list[str] = Field(default_factory=lambda: ["*"])
    """Host names under which the service may be addressed."""

    @property
    def store_folder(self) -> Path:
        """Data folder of the embedded Valkey."""
        return self.data / "valkey"

    @property
    def inbox(self) -> Path:
        """Folder that holds the watched folders."""
        return self.data / "inbox"

    @property
    def keys_file(self) -> Path:
        """File of hashed keys."""
        return self.keys or self.data / "keys.toml"

    @property
    def history_url(self) -> str:
        """SQL address of the history."""
        return self.sql_url or f"sqlite:///{self.data.absolute() / 'history.sqlite'}"
