"""Watches the rules while others work: what no row may show, and no hold may do."""

from dataclasses import dataclass, field
from typing import Any

from simulators.people.board import Row

LEGAL = {
    "asked": {"accepted", "declined", "cancelled", "expired", "filled"},
    "accepted": {"filled", "released", "cancelled", "expired"},
}
LIVE = ("asked", "accepted")


@dataclass(slots=True)
class Referee:
    """Collects every breach it sees, in words; each once."""

    breaches: list[str] = field(default_factory=list)
    _states: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def look(self, row: Row) -> None:
        """Judge one row as it came."""
        self.seen += 1
        counting = sum(hold["counts"] for hold in row["holds"])
        live = sum(hold["state"] in LIVE for hold in row["holds"])
        if live != row["held"]:
            self._say(f"{row['unit']}: held is {row['held']}, but {live} holds are live")
        before = row["free_before_holds"]
        if row["state"] == "closed":
            right = row["free"] in (0, None)
        elif before is None:
            right = row["free"] is None or row["on_duty"] is False
        else:
            right = row["free"] == max(0, before - counting)
        if not right:
            self._say(f"{row['unit']}: free is {row['free']} of {before} with {counting} counting")
        for hold in row["holds"]:
            self._follow(hold)

    def check(self, shown: Row, fresh: Row) -> None:
        """A page's row at the end must be the board's own."""
        if shown != fresh:
            self._say(f"{fresh['unit']}: the page shows another row than a fresh snapshot")

    def _follow(self, hold: dict[str, Any]) -> None:
        before, now = self._states.get(hold["id"]), hold["state"]
        self._states[hold["id"]] = now
        if before is None or before == now:
            return
        # A page may miss a state between two frames, but never sees one come back.
        reachable = set(LEGAL.get(before, ()))
        for state in tuple(reachable):
            reachable |= LEGAL.get(state, set())
        if now not in reachable:
            self._say(f"hold {hold['id']} went from {before} to {now}")

    def _say(self, breach: str) -> None:
        if breach not in self.breaches:
            self.breaches.append(breach)
