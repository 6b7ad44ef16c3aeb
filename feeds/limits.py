"""How much of anything a document may hold: every size that a parser refuses to go beyond.

They bound the time and memory that one document can take (docs/formats.md says how much), and lie
far above what real documents hold. An installation changes them in the environment, by name::

    AKUTOVERBLIK_LIMITS='{"rows": 100000, "unpacked_bytes": 100000000}'

Not here are what is right or wrong of a single value, whatever the size of the document
(`capacity.reading`: the largest count, the longest note and identifier), and DOCTYPE and entities
of XML, which are always refused. JSON may be nested 1024 deep, which is fixed in its reader.
"""

import sys
from dataclasses import dataclass, fields

from pydantic import ValidationError
from pydantic_settings import SettingsError

from capacity.settings import Settings


class BadLimitError(ValueError):
    """A limit that is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of all parsers. Beyond those with "each", the one event or resource is refused,
    otherwise the document; the reason names the number."""

    rows: int = 50_000
    """Reports and rejects of a document, messages of HL7 v2 and MedCom; the largest published
    recording has a few hundred."""
    lines: int = 500_000
    """Lines of CSV and NDJSON: blank ones, rows left out and line breaks in cells included."""
    columns: int = 1_000
    """Columns of CSV and of a sheet."""
    cell_characters: int = 2_000
    """Characters in a mapped cell, each; the longest field, a note, may have 500."""
    resources: int = 500_000
    """FHIR resources of a document."""
    xml_depth: int = 60
    """Elements inside of one another: FHIR XML and EDXL-HAVE."""
    xml_elements: int = 1_000_000
    """Elements: FHIR XML and EDXL-HAVE. About a hundred make a FHIR report."""
    unpacked_bytes: int = 50_000_000
    """XML in a workbook; 50,000 rows of ten cells take about 30 million bytes."""
    zip_parts: int = 2_000
    """Parts of a workbook that are XML."""
    sheet_elements: int = 3_000_000
    """Elements in all parts of a workbook."""
    sheet_rows: int = 100_000
    """Rows of a sheet up to its last filled cell."""
    sheet_cells: int = 2_000_000
    """Cells between the first and the last of a sheet, empty ones included."""
    calendar_events: int = 20_000
    calendar_depth: int = 8
    """Components of a calendar inside of one another."""
    calendar_dates: int = 2_000
    """``RDATE`` or ``EXDATE`` of an event, each."""
    calendar_rule_days: int = 100_000
    """Days looked at for the recurrence of all events: less than a second of work."""
    opening_times: int = 50
    """``availableTime`` of a HealthcareService, each."""
    opening_absences: int = 200
    """``notAvailable`` of a HealthcareService, each."""
    location_levels: int = 20
    """``partOf`` from a bed up to its unit, each."""
    bulk_files: int = 1_000
    """Files that the manifest of a FHIR bulk publication names."""
    notification_events: int = 10_000
    """Events in one FHIR Subscription notification."""


def limits_from(given: dict[str, int]) -> Limits:
    """The limits with those given by name changed; raises `BadLimitError`."""
    known = [field.name for field in fields(Limits)]
    if strangers := sorted(given.keys() - set(known)):
        raise BadLimitError(f"{', '.join(strangers)}: no such limit; known are {', '.join(known)}")
    return Limits(**given)


def _of_this_process() -> Limits:
    try:
        given = Settings().limits
    except (ValidationError, SettingsError):
        # A setting is wrong: not for the parsers to say, but for the command that needs it.
        given = {}
    try:
        return limits_from(given)
    except BadLimitError as error:
        sys.stderr.write(f"akutoverblik: AKUTOVERBLIK_LIMITS: {error}\n")
        raise SystemExit(2) from error


LIMITS = _of_this_process()
"""Those of this process, read once."""
