"""Whole pages, rendered from values: no store, no socket, no clock of their own.

The lead functions: `render_board`, `render_wall`, `render_print`, `render_message` and
`render_index`. Each returns a complete HTML document that is readable before any script runs.
"""

from web.pages.assets import STATIC, static_files, static_url
from web.pages.board import Timing, render_board
from web.pages.filters import Filters, read_filters
from web.pages.plain import render_index, render_message
from web.pages.print import render_print
from web.pages.wall import render_wall

__all__ = [
    "STATIC",
    "Filters",
    "Timing",
    "read_filters",
    "render_board",
    "render_index",
    "render_message",
    "render_print",
    "render_wall",
    "static_files",
    "static_url",
]
