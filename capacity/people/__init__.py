"""Accounts and the audit trail, in history's database."""

from capacity.people.accounts import Account, NewAccount, export, new_id
from capacity.people.audit import AuditEntry, Verified, noted_now
from capacity.people.copying import AuditCopier
from capacity.people.errors import PeopleError, UnknownError
from capacity.people.people import People

__all__ = [
    "Account",
    "AuditCopier",
    "AuditEntry",
    "NewAccount",
    "People",
    "PeopleError",
    "UnknownError",
    "Verified",
    "export",
    "new_id",
    "noted_now",
]
