"""Settings, from the environment (``AKUTOVERBLIK_…``) or, where secret, from a file each.

A store's address may hold a password, which does not belong into an environment. So every setting
may also be a file of its name in the folder where containers get their secrets
(``/run/secrets/akutoverblik_sql_url``); the environment comes first.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from capacity.store_address import read_store_address, with_replicas

SECRETS = Path("/run/secrets")
"""Where Docker, Podman and Kubernetes put secrets by custom."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def is_confidential(address: str) -> bool:
    """Whether nobody on the way can read what is sent there: TLS, or this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


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
    """Redis/Valkey address (`store_address`); without one an embedded Valkey runs in `data`."""
    redis_replicas: NonNegativeInt = Field(default=0, le=9)
    """How many replicas must have a write before it is acknowledged."""
    sql_url: str | None = None
    """SQL address (SQLite or PostgreSQL); without one a SQLite file in `data`."""
    catalogue: list[Path] = Field(default_factory=list)
    """Catalogue files; without any, the shipped Randers cluster."""
    indicators: Path | None = None
    """File of indicators in place of the shipped one."""
    sources: list[Path] = Field(default_factory=list)
    """Source files; without any there are no feeds."""
    keys: Path | None = None
    """File of hashed keys; without one `data`/keys.toml."""
    secret: str | None = Field(default=None, min_length=32, repr=False)
    """Secret from which page tokens are derived; without one `data`/secret, made when missing."""
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

    push_contact: str | None = Field(
        default=None, pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$"
    )
    """Whom push services may write to (``mailto:`` or ``https:``); without it there is no push."""
    push_key: str | None = Field(default=None, repr=False)
    """Private key that signs pushes; without one `data`/push-key.pem, made when missing."""
    push_hosts: list[str] = Field(
        default_factory=lambda: [
            "fcm.googleapis.com",
            ".push.services.mozilla.com",
            ".notify.windows.com",
            ".push.apple.com",
        ]
    )
    """Hosts of push services; one with a leading dot stands for every name that ends so."""
    webhook_hosts: list[str] = Field(default_factory=list)
    """Hosts that webhooks may be posted to."""
    webhook_secret: str | None = Field(default=None, repr=False)
    """Key under which the body of a webhook is signed."""
    private_hosts: list[str] = Field(default_factory=list)
    """Those of the hosts that may have private addresses, and be reached without TLS."""
    smtp_url: str | None = Field(default=None, repr=False)
    """Mail server, ``smtps://user:password@host``; without one there is no mail."""
    mail_from: str | None = None
    """Address that mail comes from."""
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+/?$")
    """Address under which people reach the service, for links in messages."""

    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Identity provider (OpenID Connect); without one people sign in by password."""
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = Field(default=None, repr=False)
    oidc_scope: str = "openid"
    oidc_name: str = "OpenID Connect"
    """What the sign-in page calls the provider."""
    oidc_roles: list[dict[str, Any]] = Field(default_factory=list)
    """Rules from claims to roles, the first that fits decides (docs/security.md)."""
    trusted_proxies: list[str] = Field(default_factory=list)
    """Addresses (or networks) of proxies in front, believed about who asks and over what."""
    max_body_bytes: PositiveInt = 256 * 1024
    """Largest body of any request but a feed's document."""
    max_connections: PositiveInt = 10_000
    """Connections that a process keeps open, boards included; further ones get 503."""
    head_seconds: PositiveFloat = 10.0
    """In which the head of a request must have arrived."""
    body_seconds: PositiveFloat = 90.0
    """In which a body must have arrived."""
    unread_seconds: PositiveFloat = 60.0
    """In which a client must read what it asked for."""
    sockets_per_session: PositiveInt = 20
    sockets_per_key: PositiveInt = 500
    sockets_per_address: PositiveInt = 2_000
    """Open live channels of one session, key or address in a process; a hospital may have one
    address."""
    rate_address: NonNegativeInt = 6_000
    rate_key: NonNegativeInt = 1_200
    rate_account: NonNegativeInt = 120
    """Requests a minute of an address, of a key, and changing ones of an account; 0: no limit."""
    session_idle_minutes: PositiveInt = 60
    """A session ends when nothing was asked in its name for this long (open pages ask)."""
    session_hours: PositiveInt = 12
    """A session ends at this age whatever happens: a long duty."""
    history_days: NonNegativeInt = 0
    """For how many days raw changes are kept; 0: for ever. Figures are kept for ever anyway."""
    history_thin_days: NonNegativeInt = 0
    """After how many days confirmations that tell nothing new are let go; 0: never."""
    audit_days: PositiveInt = 5 * 365
    """How long the audit trail is kept."""

    @field_validator("redis_url")
    @classmethod
    def _is_store_address(cls, url: str | None) -> str | None:
        if url is not None:
            read_store_address(url)
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            try:
                network = ip_network(proxy, strict=False)
            except ValueError as error:
                raise ValueError(f"{proxy!r} is no address or network") from error
            if network.prefixlen == 0:
                raise ValueError(f"{proxy!r} would believe everybody")
        return proxies

    @model_validator(mode="after")
    def _identity_provider_is_whole(self) -> Self:
        """Half a provider would be found out by the first person who wants to sign in."""
        wanted = {
            "AKUTOVERBLIK_PUBLIC_URL": self.public_url,
            "AKUTOVERBLIK_OIDC_CLIENT_ID": self.oidc_client_id,
            "AKUTOVERBLIK_OIDC_ROLES": self.oidc_roles,
        }
        if self.oidc_issuer is None:
            if self.oidc_client_id or self.oidc_client_secret or self.oidc_roles:
                raise ValueError("AKUTOVERBLIK_OIDC_… needs AKUTOVERBLIK_OIDC_ISSUER too")
            return self
        missing = [name for name, value in wanted.items() if not value]
        if missing:
            raise ValueError(f"AKUTOVERBLIK_OIDC_ISSUER needs {', '.join(missing)} too")
        if "openid" not in self.oidc_scope.split():
            raise ValueError("AKUTOVERBLIK_OIDC_SCOPE must hold 'openid'")
        for name in ("oidc_issuer", "public_url"):
            if not is_confidential(str(getattr(self, name))):
                raise ValueError(f"AKUTOVERBLIK_{name.upper()} must begin with https://")
        return self

    @property
    def store_url(self) -> str | None:
        """The store's address, with the replicas that its writes wait for."""
        return self.redis_url and with_replicas(self.redis_url, self.redis_replicas)

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
