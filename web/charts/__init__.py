"""Control charts as people meet them: a picture that prints, a sentence, and a table.

    figure(ChartView(...), words)    the whole figure as safe HTML; `charts.css` styles it

The picture is made on the server as SVG without any style attribute or script, so it is the same
on paper, without scripts, and under the strictest content policy. Nothing in it rests on colour:
special causes differ by shape, lines by their dashes, and everything stands in the table too.
"""

from web.charts.figure import figure
from web.charts.told import latest_special
from web.charts.view import Change, ChartView, Step

__all__ = ["Change", "ChartView", "Step", "figure", "latest_special"]
