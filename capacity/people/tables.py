"""The tables of accounts and the audit trail, as SQLModel classes (see history.tables).

Nothing here names a person: an account is a pseudonymous id with a role and an organisation. What
a person signs in with (`login`, `subject`) is erased with the account; the id stays in the trail.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from capacity.history.tables import HistoryTable, Instant


class AccountRecord(HistoryTable, table=True):
    """One account. `clusters` is a JSON list; hashes are Argon2id (password) or SHA-256 (tokens).

    `stamp` counts changes that end sessions: role, organisation, clusters, password, disabling.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("login"), UniqueConstraint("issuer", "subject"))

    id: str = Field(sa_column=Column(Text, primary_key=True))
    login: str | None = Field(default=None, sa_column=Column(Text))
    role: str = Field(sa_column=Column(Text, nullable=False))
    organisation: str | None = Field(default=None, sa_column=Column(Text))
    clusters: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    password_hash: str | None = Field(default=None, sa_column=Column(Text))
    totp_secret: str | None = Field(default=None, sa_column=Column(Text))
    totp_used: int | None = Field(default=None, sa_column=Column(BigInteger))
    """The last time step whose code was used: a code is good once."""
    setup_sha256: str | None = Field(default=None, sa_column=Column(Text))
    setup_until: datetime | None = Field(default=None, sa_column=Column(Instant))
    issuer: str | None = Field(default=None, sa_column=Column(Text))
    subject: str | None = Field(default=None, sa_column=Column(Text))
    stamp: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    created_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    last_sign_in_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    disabled_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    erased_at: datetime | None = Field(default=None, sa_column=Column(Instant))


class AuditRecord(HistoryTable, table=True):
    """One entry of the audit trail. `hash` covers the entry and the hash of the one before it."""

    __tablename__ = "audit"
    __table_args__ = (UniqueConstraint("entry"), Index(None, "at"), Index(None, "account"))

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry: str = Field(sa_column=Column(Text, nullable=False))
    """A random name given when it was noted, so that it is copied once."""
    at: datetime = Field(sa_column=Column(Instant, nullable=False))
    account: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    address: str = Field(sa_column=Column(Text, nullable=False))
    detail: str = Field(sa_column=Column(Text, nullable=False))
    previous: str = Field(sa_column=Column(Text, nullable=False))
    hash: str = Field(sa_column=Column(Text, nullable=False))


class AuditAnchorRecord(HistoryTable, table=True):
    """The one row that writers of the trail lock, and where the kept part of it begins.

    When old entries are deleted at the end of their time, `kept_from` (the first seq still there)
    and `anchor` (the hash of the last deleted entry) say so: a trail that begins anywhere else has
    lost its beginning. `last` and `last_hash` are its end: one that ends earlier was cut off.
    """

    __tablename__ = "audit_anchor"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kept_from: int = Field(sa_column=Column(BigInteger, nullable=False))
    anchor: str = Field(sa_column=Column(Text, nullable=False))
    last: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_hash: str = Field(sa_column=Column(Text, nullable=False))
