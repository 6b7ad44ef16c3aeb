"""The table of who may do what as docs/access.md prints it, made from `web.roles`."""

from collections.abc import Iterable

from web.roles import BY_CLUSTER, BY_ORGANISATION, TABLE, Permission, Role

_HEADS = {
    Role.VISITATOR: "visitator",
    Role.MUNICIPAL_STAFF: "municipal staff",
    Role.COORDINATOR: "coordinator",
    Role.OPERATOR: "operator",
    Role.ADMINISTRATOR: "administrator",
    Role.WALL: "wall screen",
    Role.INTEGRATOR: "integrator",
    Role.MONITOR: "monitor",
}


def role_table() -> str:
    """One line for each permission, one column for each role."""
    rows = [_row(["may", *_HEADS.values()]), _row(["---", *(":-:" for _ in _HEADS)])]
    rows += [
        _row([f"`{each}` {each.means}", *(_cell(each, role) for role in _HEADS)])
        for each in Permission
    ]
    return "\n".join(rows) + "\n"


def _cell(permission: Permission, role: Role) -> str:
    if role not in TABLE[permission]:
        return "–"
    if permission is Permission.FEED:
        return "its source"
    if permission in BY_ORGANISATION:
        return "own units"
    if permission in BY_CLUSTER and role is not Role.ADMINISTRATOR:
        return "own clusters"
    return "yes"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
