"""FHIR Subscription notifications (R4 backport): what one says, and whether any went missing.

A notification is a Bundle of type ``history`` whose first entry is a Parameters with the state of
the subscription; ``$status`` answers with that Parameters alone.

| parameter | in the notice |
|---|---|
| ``type`` | handshake, heartbeat and query-status as they are; event-notification and query-event |
| | become empty, id-only or full-resource by what they carry |
| ``subscription`` | subscription |
| ``status`` | status: requested, active, error, off, entered-in-error |
| ``events-since-subscription-start`` | events_since_start |
| ``notification-event`` . ``event-number`` | event_numbers |

``focus``, ``authorization-value`` and all else are not kept, and neither are resources that may
be about a patient (Encounter, Patient, Observation and so on): they are dropped unread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from capacity.privacy import holds_cpr
from capacity.reading import MAX_ID, FieldError
from feeds.formats.fhir_documents import READABLE, Document, load
from feeds.formats.fhir_elements import Object, Resource, object_of, objects_of, text_of
from feeds.formats.fhir_mapping import FhirMapping
from feeds.formats.gathering import unreadable
from feeds.limits import LIMITS

NoticeKind = Literal["handshake", "heartbeat", "query-status", "empty", "id-only", "full-resource"]
MAX_EVENTS = LIMITS.notification_events
MAX_SUBSCRIPTIONS = 1_000
_QUIET = ("handshake", "heartbeat", "query-status")
_EVENTS = ("event-notification", "query-event")
_COMPLETE = frozenset(
    {"MeasureReport", "HealthcareService", "Composition", "QuestionnaireResponse"}
)
"""Resource types that tell all about a unit; one Location or Slot is only a part of its unit."""


@dataclass(frozen=True, slots=True)
class SubscriptionNotice:
    """One notification. `resources` are those that can be read, without any about patients."""

    kind: NoticeKind
    subscription: str
    status: str | None
    events_since_start: int | None
    event_numbers: tuple[int, ...]
    resources: tuple[Resource, ...] = ()

    @property
    def tells_all(self) -> bool:
        """Whether what happened can be read from the notice alone.

        If not (it names resources without giving them, or gives single beds or slots of a larger
        unit, or patients' resources), the truth must be asked for: the source's whole picture.
        """
        if self.kind in _QUIET:
            return True
        whole = sum(resource.type in _COMPLETE for resource in self.resources)
        return whole == len(self.resources) >= max(1, len(self.event_numbers))


def read_notice(raw: bytes) -> SubscriptionNotice | None:
    """The notice in a document, ``None`` if it is something else; raises `UnreadableError`."""
    return notice_in(load(raw, FhirMapping().local_time))


def notice_in(document: Document) -> SubscriptionNotice | None:
    """The notice that a loaded document is, ``None`` if it is none; raises `UnreadableError`."""
    root = document.root or {}
    state = _state(root, document.resources)
    if state is None:
        return None
    try:
        return _notice(state, document.resources)
    except FieldError as error:
        raise unreadable(error.field, error.reason, "notification") from error


def _state(root: Object, resources: Sequence[Resource]) -> Object | None:
    """The Parameters with the state of a subscription."""
    is_history = root.get("resourceType") == "Bundle" and root.get("type") == "history"
    first = resources[0].body if is_history and resources else root
    if first.get("resourceType") != "Parameters":
        return None
    parameters = first.get("parameter")
    named = isinstance(parameters, list) and {
        parameter.get("name")
        for parameter in parameters
        if isinstance(parameter, dict)
        if isinstance(parameter.get("name"), str)
    }
    return first if named and {"subscription", "type"} <= named else None


def _notice(state: Object, resources: Sequence[Resource]) -> SubscriptionNotice:
    parameters = objects_of(state, "parameter")
    stated = {str(parameter.get("name")): parameter for parameter in parameters}
    events = [p for p in parameters if p.get("name") == "notification-event"]
    if len(events) > MAX_EVENTS:
        raise FieldError("notification-event", f"occurs more than {MAX_EVENTS} times")
    parts = [objects_of(event, "part") for event in events]
    numbers = [
        _number(part) for found in parts for part in found if part.get("name") == "event-number"
    ]
    total = stated.get("events-since-subscription-start")
    inside = [r for r in resources if r.body is not state]
    return SubscriptionNotice(
        kind=_kind(stated, parts, inside),
        subscription=_subscription(stated["subscription"]),
        status=text_of(stated.get("status", {}), "valueCode"),
        events_since_start=None if total is None else _number(total),
        event_numbers=tuple(sorted(numbers)),
        resources=tuple(r for r in inside if r.type in READABLE),
    )


def _kind(
    stated: dict[str, Object], events: list[list[Object]], inside: list[Resource]
) -> NoticeKind:
    kind = text_of(stated["type"], "valueCode")
    for quiet in _QUIET:
        if kind == quiet:
            return quiet  # type: ignore[return-value]  # the names of `_QUIET` are among the kinds
    if kind not in _EVENTS:
        raise FieldError("type", f"is none of {', '.join((*_QUIET, *_EVENTS))}")
    if inside:
        return "full-resource"
    focused = any(part.get("name") == "focus" for parts in events for part in parts)
    return "id-only" if focused else "empty"


def _subscription(parameter: Object) -> str:
    name = text_of(object_of(parameter, "valueReference"), "reference")
    if not name or len(name) > MAX_ID or not name.isprintable() or holds_cpr(name):
        raise FieldError("subscription", "is no reference to a Subscription")
    return name


def _number(parameter: Object) -> int:
    """A count, which R4 writes as text because it may need 64 bits."""
    for name in ("valueString", "valueUnsignedInt", "valuePositiveInt", "valueInteger"):
        value = parameter.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
            return int(value)
        if type(value) is int and value >= 0:
            return value
    raise FieldError(str(parameter["name"]), "is no whole number from 0")


class EventCounter:
    """Knows the last event number of each subscription and tells when one was missed.

    Whatever is neither the same number again nor the next one is a gap: a number too high means
    lost notifications, one too low that the server counts anew, and a first one above 1 that
    others came before us. After a gap the source's whole picture must be asked for. Asking once
    too often does no harm, so what is kept here need not survive a restart.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def note(self, subscription: str, number: int) -> bool:
        """Take notice of one event number (or of the count so far); whether there was a gap."""
        last = self._remember(subscription, number)
        return number not in (last, last + 1)

    def note_notice(self, notice: SubscriptionNotice) -> bool:
        """Take notice of a whole notification; whether anything was missed before or in it.

        A handshake begins a new count, so nothing is missed by it.
        """
        if notice.kind == "handshake":
            self._remember(notice.subscription, notice.events_since_start or 0)
            return False
        gaps = [self.note(notice.subscription, number) for number in notice.event_numbers]
        so_far, newest = notice.events_since_start, max(notice.event_numbers, default=-1)
        if so_far is not None and so_far > newest:
            # More has happened than this notice tells of: it is on its way, or lost.
            gaps.append(self._remember(notice.subscription, so_far) != so_far)
        return any(gaps)

    def _remember(self, subscription: str, number: int) -> int:
        """Keep a number and give the one before; the subscription longest silent is forgotten."""
        last = self._last.pop(subscription, 0)
        if len(self._last) >= MAX_SUBSCRIPTIONS:
            self._last.pop(next(iter(self._last)))
        self._last[subscription] = number
        return last
