"""Answering with a table: what every address that hands one out does alike."""

from collections.abc import AsyncIterator, Iterable, Mapping

from fastapi import Request
from fastapi.responses import Response

from capacity.instants import format_instant
from web.pages.cluster import title_of
from web.services import Services
from web.tables import Definition, Form, Row, Table, TableAnswer, in_parts
from web.words import Words, choose_language


async def carry(
    request: Request,
    table: Table,
    form: Form,
    rows: Iterable[Row] | AsyncIterator[Iterable[Row]],
    *,
    cluster: str,
    name: str,
    about: Mapping[str, str],
    separator: str = ";",
) -> Response:
    """The table as a file called `name`, with its definition in the reader's language.

    `about` tells what it is of besides the cluster and when it was made: keys of words
    (``table_ABOUT``) and values. `rows` are all there, or come in parts. Raises `TooLongError`, and
    whatever reading the rows raises.
    """
    services: Services = request.app.state.services
    words = words_of(request)
    now = services.clock()
    lines = {"of": title_of(services.catalogue, cluster, now, words), **about}
    lines["made"] = format_instant(now) or ""
    told = [(words.text(f"table_{key}"), value) for key, value in lines.items() if value]
    parts = rows if isinstance(rows, AsyncIterator) else in_parts(rows)
    file = await services.tables.make(Definition(table, words, told), form, parts, separator)
    return TableAnswer(file, form, name)


def words_of(request: Request) -> Words:
    """The reader's language: of the address, else as chosen before."""
    return Words(choose_language(request.query_params.get("lang"), request.cookies.get("lang")))
