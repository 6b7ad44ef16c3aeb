"""Files of registers: indicators' figures by municipality and week or month, read by a mapping."""

from feeds.figures.mapping import FigureColumns, FigureMapping
from feeds.figures.parsing import Known, Parsed, parse

__all__ = ["FigureColumns", "FigureMapping", "Known", "Parsed", "parse"]
