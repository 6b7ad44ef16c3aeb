"""Accounts in SQL: made, changed, exported and erased. Functions over one connection.

There is no default password: a new account has a set-up token (shown once, stored hashed, good for
three days and one use) with which its owner chooses one.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from capacity.instants import format_instant
from capacity.people.errors import PeopleError, UnknownError
from capacity.people.tables import AccountRecord
from capacity.privacy import holds_cpr

SETUP_LIFETIME = timedelta(days=3)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{1,99}")
_TABLE = AccountRecord.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the program sees it; `stamp` moves whenever its sessions must end."""

    id: str
    login: str | None
    role: str
    organisation: str | None
    clusters: tuple[str, ...]
    stamp: int
    created_at: datetime
    last_sign_in_at: datetime | None
    disabled_at: datetime | None
    erased_at: datetime | None
    issuer: str | None
    subject: str | None
    password_hash: str | None
    totp_secret: str | None
    totp_used: int | None
    setup_until: datetime | None

    @property
    def usable(self) -> bool:
        """Whether anybody may sign in with it."""
        return self.disabled_at is None and self.erased_at is None


def new_id() -> str:
    """A pseudonym that nobody has."""
    return f"a_{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made of. `login` for local accounts, `issuer` and `subject` otherwise."""

    role: str
    login: str | None = None
    organisation: str | None = None
    clusters: tuple[str, ...] = ()
    issuer: str | None = None
    subject: str | None = None
    id: str | None = None
    """One that the caller has told of already; a fresh one otherwise."""


def create(connection: Connection, wanted: NewAccount, now: datetime) -> tuple[Account, str]:
    """Make an account; returns it and its set-up token. `PeopleError` for a login that is taken
    or is none: 2 to 100 letters, digits and ``. _ @ + -``, and no CPR number.
    """
    login = wanted.login
    if login is not None and (not _LOGIN.fullmatch(login) or holds_cpr(login)):
        reason = "must be 2 to 100 of letters, digits and . _ @ + -, and no CPR"
        raise PeopleError("login", reason, "login")
    token = secrets.token_urlsafe(32)
    values = {
        "id": wanted.id or new_id(),
        "login": login.lower() if login else None,
        "role": wanted.role,
        "organisation": wanted.organisation,
        "clusters": json.dumps(list(wanted.clusters)),
        "issuer": wanted.issuer,
        "subject": wanted.subject,
        "stamp": 0,
        "created_at": now,
        "setup_sha256": hash_token(token) if login else None,
        "setup_until": now + SETUP_LIFETIME if login else None,
    }
    try:
        connection.execute(insert(_TABLE).values(**values))
    except IntegrityError as error:
        raise PeopleError("login", "is taken", "taken") from error
    return get(connection, str(values["id"])), token


def get(connection: Connection, account_id: str) -> Account:
    """The account of an id; `UnknownError` when there is none."""
    found = _one(connection, id=account_id)
    if found is None:
        raise UnknownError("account", "is unknown")
    return found


def by_login(connection: Connection, login: str) -> Account | None:
    """The account that signs in with `login`, whatever its case."""
    return _one(connection, login=login.lower())


def by_subject(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The account of somebody that an identity provider knows."""
    return _one(connection, issuer=issuer, subject=subject)


def all_accounts(connection: Connection) -> list[Account]:
    """Every account, erased ones too, oldest first."""
    rows = connection.execute(select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.id)).all()
    return [_account(row) for row in rows]


def change(connection: Connection, account_id: str, values: dict[str, Any]) -> Account:
    """Set columns of an account; one that says who may do what (`_ENDS_SESSIONS`) moves `stamp`."""
    before = get(connection, account_id)
    if before.erased_at is not None:
        raise PeopleError("account", "is erased", "erased")
    if "clusters" in values:
        values = values | {"clusters": json.dumps(list(values["clusters"]))}
    if _ENDS_SESSIONS & values.keys():
        values = values | {"stamp": before.stamp + 1}
    connection.execute(update(_TABLE).where(_TABLE.c.id == account_id).values(**values))
    return get(connection, account_id)


_ENDS_SESSIONS = frozenset(
    {"role", "organisation", "clusters", "password_hash", "totp_secret", "disabled_at"}
)


def use_totp_step(connection: Connection, account_id: str, step: int) -> bool:
    """Note that the code of a time step was used; false if it, or a later one, was before."""
    done = connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == account_id)
        .where(_TABLE.c.totp_used.is_(None) | (_TABLE.c.totp_used < step))
        .values(totp_used=step)
    )
    return done.rowcount == 1


def renew_setup(connection: Connection, account_id: str, now: datetime) -> str:
    """A new set-up token (for a forgotten password); the one before is good no more."""
    token = secrets.token_urlsafe(32)
    values = {"setup_sha256": hash_token(token), "setup_until": now + SETUP_LIFETIME}
    change(connection, account_id, values)
    return token


def by_setup(connection: Connection, token: str, now: datetime) -> Account | None:
    """The account whose set-up token this is, while it is good."""
    found = _one(connection, setup_sha256=hash_token(token))
    usable = found is not None and found.usable
    return found if found and usable and found.setup_until and found.setup_until > now else None


def redeem_setup(
    connection: Connection, token: str, password_hash: str, now: datetime
) -> Account | None:
    """Choose the password; uses the token up. ``None`` when it is not good (any more)."""
    found = by_setup(connection, token, now)
    if found is None:
        return None
    values = {"password_hash": password_hash, "setup_sha256": None, "setup_until": None}
    return change(connection, found.id, values)


def erase(connection: Connection, account_id: str, now: datetime) -> None:
    """Forget who it was; the pseudonymous id stays, because the audit trail names it."""
    before = get(connection, account_id)
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == account_id)
        .values(
            login=None, issuer=None, subject=None, password_hash=None, totp_secret=None,
            totp_used=None, setup_sha256=None, setup_until=None, last_sign_in_at=None,
            erased_at=now, disabled_at=before.disabled_at or now, stamp=before.stamp + 1,
        )
    )  # fmt: skip


def export(account: Account) -> dict[str, object]:
    """All that is held about the person behind an account, without what could sign in as them."""
    return {
        "account": account.id,
        "login": account.login,
        "role": account.role,
        "organisation": account.organisation,
        "clusters": list(account.clusters),
        "created_at": format_instant(account.created_at),
        "last_sign_in_at": format_instant(account.last_sign_in_at),
        "disabled_at": format_instant(account.disabled_at),
        "erased_at": format_instant(account.erased_at),
        "identity_provider": account.issuer,
        "identity": account.subject,
        "has_password": account.password_hash is not None,
        "has_second_factor": account.totp_secret is not None,
    }


def hash_token(token: str) -> str:
    """A random token of 32 bytes leaves nothing to guess, so a plain SHA-256 of it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def _one(connection: Connection, **by: str) -> Account | None:
    if any("\0" in word for word in by.values()):
        return None  # PostgreSQL refuses it even in a question
    row = connection.execute(select(_TABLE).filter_by(**by)).first()
    return None if row is None else _account(row)


def _account(row: Row[Any]) -> Account:
    clusters: Sequence[str] = json.loads(row.clusters)
    names = [f for f in Account.__dataclass_fields__ if f != "clusters"]
    return Account(clusters=tuple(clusters), **{name: getattr(row, name) for name in names})
