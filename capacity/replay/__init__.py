"""What was true at a moment of the past, from what history has kept. Pure.

`steps` tells when anything on a board changed, `catalogue_then` which units there were and what
was said of them, `PastSurge` and `PastUse` how the surge level and the use of agreements stood.
"""

from capacity.replay.pressure import PastSurge, PastUse
from capacity.replay.then import agreements_then, catalogue_then
from capacity.replay.timeline import PastChange, Step, StepKind, steps

__all__ = [
    "PastChange",
    "PastSurge",
    "PastUse",
    "Step",
    "StepKind",
    "agreements_then",
    "catalogue_then",
    "steps",
]
