"""DEMIS bed occupancy: the German hospitals' daily report of operable and occupied beds, per site.

A Bundle with a Composition that points at a QuestionnaireResponse, alone or inside of Parameters,
as JSON or XML; or the JSON that the reporting portal sends to its gateway.

| report Bundle | portal | field |
|---|---|---|
| ``Composition.subject.identifier.value`` | ``notifierFacility.locationID`` | unit |
| ``Composition.date`` | none: when received | observed_at |
| ``numberOperableBedsGeneralWardAdults``, ``...Children`` | ``operableBeds`` | total and staffed |
| ``numberOccupiedBedsGeneralWardAdults``, ``...Children`` | ``occupiedBeds`` | occupied |

Operable beds are those with staff and equipment; the report knows no others, so they are the total
too. Adults and children are added up, or the mapping's ``ages`` names one of them; where one of two
addends is missing the sum is unknown. People and facilities that are named in the report are not
read. A document with the portal's form is read whenever it comes, as it tells no time itself.
"""

import re
from collections.abc import Iterator, Sequence

from capacity.privacy import CPR_REASON, first_cpr
from capacity.reading import FieldError, shown
from feeds.formats.fhir_elements import (
    Directory,
    Finding,
    Object,
    Resource,
    instant_of,
    object_of,
    objects_of,
)
from feeds.formats.fhir_mapping import Context, FhirMapping

_LINK = re.compile(r"number(operable|occupied)bedsgeneralward(adults|children)")
_FIELDS = {"operable": ("total", "staffed"), "occupied": ("occupied",)}
_AGES = ("adults", "children")
_FINAL = {
    "Composition": ("final", "amended"),
    "QuestionnaireResponse": ("completed", "amended"),
}
_Beds = dict[tuple[str, str], object]
"""(operable or occupied, adults or children) -> count, or ``None`` for unknown."""


def occupied(resources: Sequence[Resource], context: Context) -> Iterator[Finding]:
    """One finding for each Composition that is a bed occupancy report."""
    compositions = [r for r in resources if r.type == "Composition" and not r.refused]
    directory = Directory(resources if compositions else ())
    for resource in compositions:
        try:
            fields = _fields(resource.body, directory, context.mapping)
        except FieldError as error:
            yield Finding(resource.at, resource.where, error)
            continue
        if fields is not None:
            kind = context.mapping.type_of(fields["unit"])
            yield Finding(resource.at, resource.where, fields, kind)


def is_portal_form(document: Object) -> bool:
    """Whether a JSON object is what the reporting portal sends."""
    return "resourceType" not in document and "bedOccupancyQuestion" in document


def portal_finding(form: Object, context: Context) -> Finding:
    """The report in a form of the portal."""
    where = "bedOccupancyQuestion"
    try:
        question = object_of(form, where)
        identifying = first_cpr(form)
        if identifying is not None:
            raise FieldError(shown(identifying), CPR_REASON)
        beds: _Beds = {}
        for what in _FIELDS:
            answers = object_of(question, f"{what}Beds")
            for age in _AGES:
                if f"{age}NumberOfBeds" in answers:
                    beds[what, age] = answers[f"{age}NumberOfBeds"]
        unit = object_of(form, "notifierFacility").get("locationID")
        fields = {
            "unit": unit,
            "observed_at": context.received_at,
            **_figures(beds, context.mapping),
        }
    except FieldError as error:
        return Finding(0, where, error)
    return Finding(0, where, fields, context.mapping.type_of(unit))


def _fields(composition: Object, directory: Directory, mapping: FhirMapping) -> Object | None:
    beds: _Beds = {}
    for response in _responses(composition, directory):
        answers = dict(_answers(response))
        if answers:
            _refuse_unfinished(response)
        beds |= answers
    if not beds:
        return None
    _refuse_unfinished(composition)
    site = object_of(object_of(composition, "subject"), "identifier").get("value")
    return {
        "unit": site,
        "observed_at": instant_of("date", composition.get("date"), mapping.local_time),
        **_figures(beds, mapping),
    }


def _refuse_unfinished(resource: Object) -> None:
    final = _FINAL[str(resource.get("resourceType"))]
    if resource.get("status") not in final:
        raise FieldError("status", f"is none of {', '.join(final)}, so the figures do not hold")


def _responses(composition: Object, directory: Directory) -> Iterator[Object]:
    for section in objects_of(composition, "section"):
        for entry in objects_of(section, "entry"):
            found = directory.find("QuestionnaireResponse", entry)
            if found is not None and not found.refused:
                yield found.body


def _answers(response: Object) -> Iterator[tuple[tuple[str, str], object]]:
    """The bed counts among the answers, at whatever depth."""
    waiting = objects_of(response, "item")
    given: set[tuple[str, str]] = set()
    while waiting:
        item = waiting.pop()
        waiting += objects_of(item, "item")
        link = item.get("linkId")
        found = _LINK.fullmatch(link.casefold()) if isinstance(link, str) else None
        if found is None:
            continue
        key, answers = (found[1], found[2]), objects_of(item, "answer")
        if key in given or len(answers) > 1:
            raise FieldError(str(link), "is answered more than once")
        given.add(key)
        yield key, (answers or [{}])[0].get("valueInteger")


def _figures(beds: _Beds, mapping: FhirMapping) -> Object:
    """Our counts; a question that was not asked at all is a figure that is not kept."""
    ages = _AGES if mapping.ages == "all" else (mapping.ages,)
    figures: Object = {}
    for what, fields in _FIELDS.items():
        counts = [beds[what, age] for age in ages if (what, age) in beds]
        if counts:
            whole = len(counts) == len(ages) and None not in counts
            figures |= dict.fromkeys(fields, _sum(what, counts) if whole else None)
    return figures


def _sum(what: str, counts: list[object]) -> int:
    added = 0
    for count in counts:
        # Judged before they are added: a negative addend must not hide in a sum.
        if type(count) is not int or count < 0:
            raise FieldError(f"{what} beds", "are not whole numbers from 0")
        added += count
    return added
