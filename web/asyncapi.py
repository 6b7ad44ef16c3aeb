"""The live channel in AsyncAPI 3.0, made from the row type itself so that it cannot drift."""

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from capacity.model import State
from capacity.row import Row
from capacity.surge import Fact

_INSTANT = {"type": "string", "format": "date-time"}
_CURSOR = {"type": "string", "description": "Opaque; give it as ?since= to go on from here."}


def row_schema() -> dict[str, Any]:
    """JSON Schema of a row, from `capacity.row.Row`."""
    properties = {name: _schema(hint) for name, hint in get_type_hints(Row).items()}
    for name in properties:
        if name.endswith("_at"):
            properties[name] = {"type": ["string", "null"], "format": "date-time"}
    properties["state"] = {"type": "string", "enum": [state.value for state in State]}
    return {
        "type": "object",
        "required": sorted(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def surge_schema() -> dict[str, Any]:
    """JSON Schema of what `web.surge_answer.surge_answer` gives."""
    level = {"type": "integer", "minimum": 0, "maximum": 3}
    may_be_instant = {"type": ["string", "null"], "format": "date-time"}
    fact = {
        "code": {"type": "string", "enum": [fact.value for fact in Fact]},
        "value": {"type": ["integer", "null"], "description": "Null: unknown."},
        "crosses": {**level, "description": "The level whose threshold is crossed; 0: none."},
        "up": {"type": ["integer", "null"], "description": "Where that threshold is reached."},
        "down": {"type": ["integer", "null"], "description": "Where it is left again."},
    }
    by = {"role": {"type": "string"}, "organisation": {"type": ["string", "null"]}}
    override = {
        "level": level,
        "reason": {"type": "string"},
        "until": _INSTANT,
        "at": _INSTANT,
        "by": {"type": "object", "required": list(by), "properties": by},
    }
    properties: dict[str, Any] = {
        "level": {**level, "description": "The level that counts: 0 normal to 3 critical."},
        "computed": {"anyOf": [level, {"type": "null"}]},
        "since": may_be_instant,
        "unknown_since": may_be_instant,
        "may_fall_at": may_be_instant,
        "facts": {
            "type": "array",
            "items": {"type": "object", "required": list(fact), "properties": fact},
        },
        "override": {
            "anyOf": [
                {"type": "object", "required": list(override), "properties": override},
                {"type": "null"},
            ]
        },
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def describe(version: str, clusters: list[str]) -> dict[str, Any]:
    """The whole document; `clusters` are the values that the address can take."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Akutoverblik live channel",
            "version": version,
            "description": (
                "A snapshot (or the rows since a cursor), then every change as whole rows, and a "
                "heartbeat every five seconds. No frame for fifteen seconds means the link is "
                "lost. Snapshot and rows together always equal a fresh snapshot. Whether a row is "
                "stale follows from stale_at and server_time. Every frame carries the cluster's "
                "present surge level; a heartbeat is sent at once when that changes."
            ),
        },
        "channels": {
            "live": {
                "address": "/api/v1/live/{cluster}",
                "parameters": {"cluster": {"enum": clusters}},
                "messages": {
                    kind: {"$ref": f"#/components/messages/{kind}"}
                    for kind in ("snapshot", "rows", "heartbeat")
                },
                "bindings": {"ws": {"query": {"type": "object", "properties": {"since": _CURSOR}}}},
            }
        },
        "operations": {"sendBoard": {"action": "send", "channel": {"$ref": "#/channels/live"}}},
        "components": {
            "messages": {
                "snapshot": _message("snapshot", with_rows=True),
                "rows": _message("rows", with_rows=True),
                "heartbeat": _message("heartbeat", with_rows=False),
            },
            "schemas": {"row": row_schema(), "surge": surge_schema()},
        },
    }


def _message(kind: str, *, with_rows: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "type": {"const": kind},
        "cursor": _CURSOR,
        "server_time": _INSTANT,
    }
    if with_rows:
        properties["rows"] = {"type": "array", "items": {"$ref": "#/components/schemas/row"}}
    else:
        properties["live"] = {
            "type": "boolean",
            "description": "False when the server has lost its store; figures are then frozen.",
        }
    required = list(properties)
    # Not required: a server that has not been able to read its store yet knows of no level.
    properties["surge"] = {"$ref": "#/components/schemas/surge"}
    return {
        "name": kind,
        "contentType": "application/json",
        "payload": {"type": "object", "required": required, "properties": properties},
    }


_PLAIN = {str: "string", int: "integer", bool: "boolean", types.NoneType: "null"}


def _schema(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (types.UnionType, Union):
        return {"type": [_schema(part)["type"] for part in get_args(hint)]}
    if get_origin(hint) is list:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    return {"type": "object" if get_origin(hint) is dict else _PLAIN[hint]}
