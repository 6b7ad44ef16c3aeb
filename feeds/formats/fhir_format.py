"""FHIR R4, as JSON, XML or NDJSON: whatever in a document tells of capacity.

A resource alone, a Bundle of any type, Parameters around Bundles, a Subscription notification, or
NDJSON of a bulk publication. Other resources may stand beside those that are read. The form of the
DEMIS portal is read too, though it is no FHIR.

| resource | tells | module |
|---|---|---|
| MeasureReport | bed counts and queues | `feeds.formats.fhir_measure` |
| Location | the beds of a unit by their status | `feeds.formats.fhir_locations` |
| Schedule, Slot | free appointments | `feeds.formats.fhir_slots` |
| HealthcareService | opening hours | `feeds.formats.fhir_hours` |
| Composition, QuestionnaireResponse | DEMIS bed occupancy | `feeds.formats.demis` |

**Which instant.** MeasureReport and Composition carry their own date. For what is counted over
several resources it is the first of ``Bundle.timestamp``, ``Bundle.meta.lastUpdated``, the
manifest's ``transactionTime``, and the newest ``meta.lastUpdated`` among the resources counted;
where none is there the unit is refused, unless the mapping says ``undated = "received"``.

Every resource is looked through for person numbers, read or not, and refused with its place if it
holds one. The exception is a notification: patients' resources in it are dropped unread, because
there they are what was subscribed to. A handshake, a heartbeat and a notification that carries
nothing readable give an empty batch; so does a search that found nothing. Anything else that
tells of no capacity is unreadable.
"""

from collections.abc import Iterator
from datetime import datetime

from capacity.model import Batch
from capacity.privacy import CPR_REASON, first_cpr
from capacity.reading import FieldError, shown
from feeds.formats import Format
from feeds.formats.demis import is_portal_form, occupied, portal_finding
from feeds.formats.fhir_documents import READABLE, Document, is_manifest, load
from feeds.formats.fhir_elements import Finding, Object, Resource, newest_versions
from feeds.formats.fhir_hours import opening
from feeds.formats.fhir_locations import counted
from feeds.formats.fhir_mapping import Context, FhirMapping
from feeds.formats.fhir_measure import measured
from feeds.formats.fhir_slots import planned
from feeds.formats.fhir_subscription import SubscriptionNotice, notice_in
from feeds.formats.gathering import Gathering, unreadable

_VERSIONED = frozenset({"Location", "HealthcareService", "Schedule", "Slot"})


def parse(raw: bytes, mapping: FhirMapping | None, received_at: datetime) -> Batch:
    """Reports of a FHIR document; see the module's table."""
    mapping = mapping or FhirMapping()
    document = load(raw, mapping.local_time)
    notice = notice_in(document)
    context = Context.of(
        mapping,
        received_at,
        document.snapshot,
        document.partial,
        changes_only=notice is not None and mapping.notified == "changes",
    )
    findings = [*document.faults, *_findings(document, notice, context)]
    gathering = Gathering(received_at)
    for finding in sorted(findings, key=lambda finding: finding.at):
        if isinstance(finding.fields, FieldError):
            gathering.reject(finding.where, finding.fields)
        else:
            gathering.read(finding.where, finding.fields, finding.type)
    if not findings and notice is None and not document.is_empty_bundle:
        _refuse(document)
    return gathering.batch()


def _findings(
    document: Document, notice: SubscriptionNotice | None, context: Context
) -> Iterator[Finding]:
    root = document.root
    if root is not None and is_portal_form(root):
        yield portal_finding(root, context)
        return
    resources = []
    for resource in document.resources if notice is None else notice.resources:
        identifying = first_cpr(resource.body)
        if identifying is None:
            resources.append(resource)
            continue
        yield Finding(resource.at, resource.where, FieldError(shown(identifying), CPR_REASON))
        resources.append(_refused(resource))
    yield from measured(resources, context)
    yield from occupied(resources, context)
    versioned = [resource for resource in resources if resource.type in _VERSIONED]
    if versioned:
        newest = list(newest_versions(versioned))
        for read in (counted, planned, opening):
            yield from read(newest, context)


def _refused(resource: Resource) -> Resource:
    return Resource(resource.at, resource.where, resource.body, resource.full_url, refused=True)


def _refuse(document: Document) -> None:
    """Say why a document tells nothing."""
    root: Object = document.root or {}
    kinds = {resource.type for resource in document.resources}
    if is_manifest(root):
        raise unreadable("output", "is a list of files: they hold the data, this manifest does not")
    # A tuple and no set: what stands there may be a list or an object.
    if document.root is not None and root.get("resourceType") not in (
        *READABLE,
        "Bundle",
        "Parameters",
    ):
        raise unreadable(
            "resourceType", "is neither a Bundle nor a resource that tells of capacity"
        )
    if kinds & READABLE == {"MeasureReport"}:
        raise unreadable("MeasureReport", "carries no bed capacity: none of its codes is known")
    raise unreadable(
        "resource",
        "is missing or tells of no capacity: no MeasureReport about beds, no bed, "
        "no slot, no opening hours, no bed occupancy report",
    )


FORMAT = Format(
    "fhir",
    (
        "application/fhir+json",
        "application/fhir+xml",
        "application/fhir+ndjson",
        "application/x-ndjson",
        "application/json",
        "application/xml",
    ),
    parse,
    FhirMapping,
    carries_patients=True,
)
