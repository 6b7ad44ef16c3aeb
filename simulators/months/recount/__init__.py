"""The months counted anew: figures and ledger from the log and the catalogue's files alone.

Written from docs/rules.md, docs/holds.md, docs/indicators.md and docs/replay.md, plainly and
slowly, so that it fails in other ways than the product would.
"""

from dataclasses import dataclass

from simulators.months.land import Land
from simulators.months.log import Log
from simulators.months.plan import Plan
from simulators.months.recount.amounts import Amounts, amounts
from simulators.months.recount.ledger import Case, ledger
from simulators.months.recount.picture import picture_of
from simulators.months.recount.pressure import Levels


@dataclass(frozen=True, slots=True)
class Recount:
    """The amounts of every whole day, and every call by its outcome's id."""

    amounts: Amounts
    ledger: dict[str, Case]


def recount(plan: Plan, land: Land, log: Log) -> Recount:
    """All of it, anew."""
    picture, levels = picture_of(log), Levels(plan, land, log)
    return Recount(amounts(plan, land, log, picture, levels), ledger(land, log, picture, levels))
