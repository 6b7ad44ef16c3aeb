"""Reminders by webhook: a small JSON document posted to an address of the unit's choice.

    {"kind": "reminder", "unit", "name", "cluster", "observed_at", "stale_at", "url"}

`Idempotency-Key` is the same however often a reminder is tried. With a secret in the settings,
`X-Akutoverblik-Signature: sha256=…` is the HMAC-SHA256 of the body under it, in hexadecimal, so
that the receiver can tell us from others. Any answer of 200 to 299 counts as received.
"""

import hmac
from hashlib import sha256
from urllib.parse import quote

import orjson

from capacity.instants import format_instant
from capacity.reminders import Figure
from capacity.units import Unit
from web.notify.outgoing import Hosts, NotAllowedError, Outgoing, UnreachableError
from web.notify.tally import Fate

SECONDS = 10.0
SIGNATURE = "X-Akutoverblik-Signature"


class Webhook:
    """Posts reminders to addresses on the hosts that the settings allow."""

    def __init__(
        self,
        hosts: Hosts,
        outgoing: Outgoing,
        *,
        secret: str | None = None,
        public_url: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.hosts = hosts
        self._outgoing = outgoing
        self._secret = secret
        self._public_url = public_url
        self._seconds = seconds

    async def send(self, unit: Unit, figure: Figure) -> Fate:
        """Post one reminder."""
        assert unit.remind is not None
        assert unit.remind.webhook is not None
        body = orjson.dumps(self._document(unit, figure))
        identity = sha256(f"{unit.id} {figure.observed_at.isoformat()}".encode()).hexdigest()[:32]
        headers = {"Content-Type": "application/json", "Idempotency-Key": identity}
        if self._secret is not None:
            digest = hmac.new(self._secret.encode(), body, sha256).hexdigest()
            headers[SIGNATURE] = f"sha256={digest}"
        try:
            parts = self.hosts.check(unit.remind.webhook)
            answer = await self._outgoing.post(parts, body, headers, self._seconds)
        except NotAllowedError:
            return Fate.REFUSED
        except UnreachableError:
            return Fate.LATER
        if answer.ok:
            return Fate.SENT
        return Fate.LATER if answer.may_pass else Fate.REFUSED

    def _document(self, unit: Unit, figure: Figure) -> dict[str, object]:
        base = self._public_url
        return {
            "kind": "reminder",
            "unit": unit.id,
            "name": unit.name,
            "cluster": unit.cluster,
            "observed_at": format_instant(figure.observed_at),
            "stale_at": format_instant(figure.stale_at),
            "url": None if base is None else f"{base.rstrip('/')}/unit/{quote(unit.id)}",
        }
