"""``akutoverblik read``: parse documents offline and print what they say, a JSON object a line.

Reports (and movements, where the format tells those) go to standard output, rejects to standard
error. The exit code is 0 without rejects, 1 with some, 2 when a document cannot be read at all.
"""

import os
import sys
from pathlib import Path
from typing import TextIO

import orjson

from capacity.config_file import ConfigError, read
from capacity.instants import format_instant, utc_now
from capacity.model import (
    COUNTS,
    EXTRA_FIELDS,
    BedStatus,
    Movement,
    Reject,
    Report,
    UnreadableError,
)
from feeds.formats import BadMappingError, Format, Mapping, UnknownFormatError, format_named

OK, SOME_REJECTED, UNREADABLE = 0, 1, 2


def read_files(format_name: str, paths: list[Path], mapping_file: Path | None) -> int:
    """Print every report and reject of all files; returns the worst exit code of them."""
    try:
        chosen = format_named(format_name)
        mapping = _mapping(chosen, mapping_file)
    except UnknownFormatError as error:
        return _refuse(Reject("command", "format", str(error)))
    except (ConfigError, BadMappingError) as error:
        return _refuse(Reject(str(mapping_file), "mapping", str(error)))
    try:
        return max(_read_one(chosen, mapping, path, many=len(paths) > 1) for path in paths)
    except BrokenPipeError:  # whoever reads us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return _refuse(Reject("output", "file", error.strerror or "cannot be written"))


def _read_one(chosen: Format[Mapping], mapping: Mapping | None, path: Path, *, many: bool) -> int:
    prefix = f"{path}: " if many else ""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return _refuse(Reject(str(path), "file", error.strerror or "cannot be opened"))
    try:
        batch = chosen.parse(raw, mapping, utc_now())
    except UnreadableError as error:
        reject = error.reject
        return _refuse(Reject(prefix + reject.where, reject.field, reject.reason))
    units = mapping.units if mapping else {}
    for report in batch.reports:
        _print(_as_json(report, units.get(report.unit, report.unit)), sys.stdout)
    tellings: tuple[Movement | BedStatus, ...] = (*batch.movements, *batch.beds)
    for told in tellings:
        _print(_told(told, units.get(told.unit, told.unit)), sys.stdout)
    for reject in batch.rejects:
        _print(Reject(prefix + reject.where, reject.field, reject.reason).as_json(), sys.stderr)
    return SOME_REJECTED if batch.rejects else OK


def _as_json(report: Report, unit: str) -> dict[str, object]:
    closure = report.closure
    extras = {name: getattr(report, name) for name in sorted(EXTRA_FIELDS[report.type])}
    return {
        "unit": unit,
        "type": report.type.value,
        "observed_at": format_instant(report.observed_at),
        "total": report.total,
        "staffed": report.staffed,
        "occupied": report.occupied,
        "reserved": report.reserved,
        "closed": report.closed,
        "free": report.free,
        "inconsistencies": [found.value for found in report.inconsistencies],
        "capabilities_off": list(report.capabilities_off),
        "closure": closure
        and {
            "reason": closure.reason,
            "reopens_at": format_instant(closure.reopens_at),
            "reopens_itself": closure.reopens_itself,
        },
        "note": report.note,
        **{
            name: format_instant(value) if name.endswith("_at") else value
            for name, value in extras.items()
        },
    }


def _told(told: Movement | BedStatus, unit: str) -> dict[str, object]:
    """A movement, or one bed's status: no report, and none of a report's figures is known."""
    line: dict[str, object] = {"unit": unit, "observed_at": format_instant(told.observed_at)}
    line |= dict.fromkeys(COUNTS)
    if isinstance(told, Movement):
        more = {"change": told.change, "kind": told.kind.value, "message_id": told.message_id}
        return {**line, **more}
    return {**line, "bed": told.bed, "use": told.use.value}


def _mapping(chosen: Format[Mapping], path: Path | None) -> Mapping | None:
    return None if path is None else chosen.read_mapping(read(path).data)


def _refuse(reject: Reject) -> int:
    _print(reject.as_json(), sys.stderr)
    return UNREADABLE


def _print(value: dict[str, object] | dict[str, str], stream: TextIO) -> None:
    """One JSON object a line in UTF-8, whatever the terminal's encoding is."""
    stream.buffer.write(orjson.dumps(value) + b"\n")
    stream.flush()
