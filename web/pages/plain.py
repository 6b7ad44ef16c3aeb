"""Pages that hold no figures: messages, and the choice of a cluster."""

from collections.abc import Sequence

from capacity.units import Cluster
from web.pages.environment import render
from web.pages.visitor import Visitor
from web.words import Lang, Words


def render_message(title: str, paragraphs: Sequence[str], lang: Lang, status: int) -> str:
    """A page that tells one thing, an error for instance; `status` is the HTTP status."""
    return render("message.html", Words(lang), title=title, paragraphs=paragraphs, status=status)


def render_index(clusters: Sequence[Cluster], lang: Lang, visitor: Visitor | None = None) -> str:
    """The clusters that can be looked at, each with its board and its wall screen."""
    return render("index.html", Words(lang), clusters=clusters, visitor=visitor)
