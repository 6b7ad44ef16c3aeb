"""The report of a day in the country, as lines and as JSON."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulators.country.processes import Cost
from simulators.country.tally import Tally
from simulators.people.diary import Diary


@dataclass(slots=True)
class Outcome:
    """Everything that came of a day. Times in seconds of the real clock."""

    municipalities: int
    clusters: int
    units: int
    sources: int
    boards: int
    people: int
    tally: Tally
    diary: Diary
    hours: float = 0.0
    """Simulated."""
    seconds: float = 0.0
    """How long the day took."""
    opened_in: float = 0.0
    open_at_the_end: int = 0
    frames: int = 0
    bytes: int = 0
    dropped: int = 0
    cut: int = 0
    refused: int = 0
    refusals: Sequence[str] = ()
    delays: Sequence[float] = ()
    late: list[float] = field(default_factory=list)
    """How late the simulators themselves were, looked at twenty times a second."""
    compared: int = 0
    """Boards that were held against a fresh snapshot at the end."""
    breaches: list[str] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    """CPU of the day alone, memory at its end."""
    load: tuple[float, float] = (0.0, 0.0)
    """Load average (one minute) before and after."""

    def as_json(self) -> dict[str, object]:
        """The figures by name."""
        tally, diary = self.tally, self.diary
        return {
            "municipalities": self.municipalities,
            "clusters": self.clusters,
            "units": self.units,
            "sources": self.sources,
            "boards": self.boards,
            "people": self.people,
            "hours": self.hours,
            "seconds": self.seconds,
            "cores": os.cpu_count(),
            "load": self.load,
            "documents": dict(tally.documents),
            "statuses": {str(status): n for status, n in tally.statuses.items()},
            "reports": dict(tally.fates),
            "unforeseen": dict(tally.surprises),
            "faults": dict(tally.faults),
            "push_answered": spread(tally.answered_in),
            "opened_in": self.opened_in,
            "open_at_the_end": self.open_at_the_end,
            "frames": self.frames,
            "bytes": self.bytes,
            "dropped": self.dropped,
            "cut": self.cut,
            "refused": self.refused,
            "refusals": list(self.refusals),
            "last_board": spread(self.delays),
            "late": spread(self.late),
            "calls": diary.calls,
            "asks": diary.asks,
            "races_lost": diary.races_lost,
            "answers": dict(diary.answers),
            "filled": diary.filled.total(),
            "taps": diary.taps,
            "given_up": tally.given_up,
            "phone": spread(diary.seconds_to_phone),
            "processes": [
                {"name": cost.name, "cpu": cost.cpu, "memory": cost.memory} for cost in self.costs
            ],
            "compared": self.compared,
            "breaches": self.breaches,
        }

    def lines(self) -> list[str]:
        """A fact a line."""
        tally, diary, seconds = self.tally, self.diary, max(self.seconds, 0.001)
        answers = diary.answers.total()
        return [
            f"country              {self.municipalities} municipalities, {self.clusters} clusters, "
            f"{self.units} units, {self.sources} sources, {self.people} people",
            f"time                 {self.hours:.1f} simulated hours in {self.seconds:.0f} s; "
            f"{os.cpu_count()} cores, load {self.load[0]:.1f} before and {self.load[1]:.1f} after",
            f"documents            {tally.documents.total()} ({words(tally.documents)}), "
            f"{tally.bytes / 1e6:.1f} MB, faults begun: {words(tally.faults)}",
            f"answers              {words(tally.statuses)}; seconds {told(tally.answered_in)}",
            f"reports              {words(tally.fates)}; "
            f"{tally.fates['accepted'] / seconds:.0f} accepted a second",
            f"boards               {self.open_at_the_end} of {self.boards} open at the end, all "
            f"opened in {self.opened_in:.1f} s; {self.cut} cut by us, {self.dropped} by the "
            f"service, {self.refused} refused {' '.join(self.refusals)}",
            f"frames               {self.frames} ({self.frames / seconds:.0f} a second), "
            f"{self.bytes / 1e6:.0f} MB",
            f"push to last board   seconds {told(self.delays)}",
            f"ourselves late       seconds {told(self.late)}",
            f"holds                {diary.calls} calls, {diary.asks} asked, {answers} answered "
            f"({words(diary.answers)}), {diary.races_lost} lost to another, "
            f"{diary.filled.total()} filled; {tally.given_up} times given up",
            f"ask to the phone     seconds {told(diary.seconds_to_phone)}",
            *(
                f"{cost.name:<20} {cost.cpu:.1f} s CPU ({100 * cost.cpu / seconds:.0f} % of a "
                f"core), {cost.memory / 1e6:.0f} MB"
                for cost in self.costs
            ),
            f"compared             {self.compared} boards with a fresh snapshot",
            f"rules broken         {len(self.breaches)}",
            *(f"  {breach}" for breach in self.breaches[:20]),
        ]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Nearest-rank p50, p99 and the longest; empty without values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    at = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    ranks = {
        name: min(len(ordered), max(1, -int(-len(ordered) * q // 1))) for name, q in at.items()
    }
    return {name: ordered[rank - 1] for name, rank in ranks.items()} | {"of": len(ordered)}


def told(values: Sequence[float]) -> str:
    """The same in words."""
    found = spread(values)
    if not found:
        return "none"
    return (
        f"p50 {found['p50']:.3f}, p99 {found['p99']:.3f}, longest {found['longest']:.3f} "
        f"({found['of']:.0f})"
    )


def words(counts: Mapping[str, int] | Counter[int]) -> str:
    """Counts, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{number} {name}" for name, number in ordered) or "none"
