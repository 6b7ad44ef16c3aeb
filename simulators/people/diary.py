"""What the day's report is made of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Diary:
    """Counts, and times in simulated minutes."""

    calls: int = 0
    asks: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    races_lost: int = 0
    minutes_to_answer: list[float] = field(default_factory=list)
    seconds_to_phone: list[float] = field(default_factory=list)
    """Real seconds from a granted ask until the nurse's page had it."""
    filled: Counter[str] = field(default_factory=Counter)
    taps: int = 0
    superseded: int = 0
    turned_away: int = 0
    """Citizens that came and found no place: must be none."""

    def lines(self, breaches: Sequence[str]) -> list[str]:
        """The report, a fact a line."""
        answers = ", ".join(f"{n} {word}" for word, n in sorted(self.answers.items())) or "none"
        outcomes = ", ".join(f"{n} {word}" for word, n in sorted(self.outcomes.items())) or "none"
        filled = ", ".join(f"{unit} {n}" for unit, n in sorted(self.filled.items())) or "none"
        return [
            f"calls                {self.calls}",
            f"asks                 {self.asks}, of which {self.races_lost} lost to another",
            f"answers              {answers}",
            f"minutes to answer    {_spread(self.minutes_to_answer)}",
            f"seconds to the phone {_spread(self.seconds_to_phone)}",
            f"places filled        {self.filled.total()}: {filled}",
            f"outcomes             {outcomes}",
            f"taps                 {self.taps}, of which {self.superseded} superseded",
            f"turned away          {self.turned_away}",
            f"rules broken         {len(breaches)}",
            *(f"  {breach}" for breach in breaches),
        ]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.95)]
    return f"median {at[0]:.2f}, 95 % {at[1]:.2f}, longest {ordered[-1]:.2f} ({len(ordered)})"
