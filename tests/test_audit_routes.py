"""Every address that changes something leaves an entry on the audit trail, or does nothing.

`WALK` has one request for each route that is no plain look. A route that is in the application and
not here fails the test, and so does one whose request leaves no entry: nobody can forget it.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import format_instant, utc_now
from capacity.people import NewAccount
from tests.support.people import PASSWORD, Person, account_for, csrf_in
from tests.support.service import Service, running, settings_for
from tests.support.stores import StoreServer
from tests.support.walking import changing, trail
from web.auth import second_factor
from web.key_kinds import KeyKind

HOSPITAL, TOWN, CLUSTER = "regionshospitalet-randers", "randers-kommune", "randers"
FEEDS = ("POST", "/api/v1/feeds/{source}")
"""Documents of sources are told by the feeds' health and by history, not by the trail."""


@dataclass
class Walk:
    """What the requests share: the service, who is signed in, and what one leaves to the next."""

    service: Service
    people: dict[str, Person] = field(default_factory=dict)
    unit: str = ""
    hold: str = ""
    outcome: str = ""

    def person(self, role: str) -> Person:
        return self.people[role]


@dataclass(frozen=True)
class Step:
    """A request, and the entry that it must leave."""

    method: str
    path: str
    role: str
    action: str
    send: Callable[[Walk], Awaitable[httpx.Response]]
    status: tuple[int, ...] = (200, 201, 303)
