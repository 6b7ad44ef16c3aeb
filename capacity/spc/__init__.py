"""Signal from noise: run charts, XmR, p, u and c charts, and what may be concluded. Pure.

    chart = control_chart(values, rebase=(12,))
    chart.points[3].signal        # the special cause there, or None
    assurance(chart, target, Better.LOWER)
    compare(values, start)        # before and after, or why nothing can be said

The rules are those of the NHS *Making Data Count* method as the published R packages apply them;
docs/indicators.md states each of them. Nothing is rounded here: figures are rounded where they are
shown. Sums are exact (`math.fsum`), so that a value which equals the mean is seen to equal it. A
missing value is ``None``, is never counted as zero, and ends every run.
"""

from capacity.spc.attributes import c_chart, p_chart, u_chart
from capacity.spc.charts import control_chart, run_chart, xmr
from capacity.spc.conclusions import (
    Assurance,
    Better,
    Comparison,
    Meaning,
    Verdict,
    assurance,
    compare,
    meaning,
)
from capacity.spc.stability import unrest
from capacity.spc.values import (
    FEW,
    Chart,
    ChartKind,
    Fixed,
    Plotted,
    Rule,
    Runs,
    Segment,
    Side,
    Signal,
    Values,
    scaled,
)

__all__ = [
    "FEW",
    "Assurance",
    "Better",
    "Chart",
    "ChartKind",
    "Comparison",
    "Fixed",
    "Meaning",
    "Plotted",
    "Rule",
    "Runs",
    "Segment",
    "Side",
    "Signal",
    "Values",
    "Verdict",
    "assurance",
    "c_chart",
    "compare",
    "control_chart",
    "meaning",
    "p_chart",
    "run_chart",
    "scaled",
    "u_chart",
    "unrest",
    "xmr",
]
