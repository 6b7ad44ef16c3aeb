"""``akutoverblik import-indicators``: a register's file of figures into the database.

Every figure is a draft until two accounts have checked and approved it on the pages. The command
may be stopped anywhere and given again; a file that is in already is left alone.
"""

import argparse
import asyncio
import sys

import orjson

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError, load
from capacity.history import HistoryError
from capacity.imports import Counts, Document, Imports, digest_of
from capacity.indicator_catalogue import definitions_in
from capacity.instants import utc_now
from capacity.model import UnreadableError
from capacity.settings import Settings
from capacity.units import Catalogue, danish_day
from feeds.figures import FigureMapping, Known, Parsed, parse
from web.commands.feed_station import CannotError
from web.commands.people_desk import open_desk

OK, SOME_REJECTED, CANNOT, INTERRUPTED = 0, 1, 2, 130
ROLE = "operator"
"""In what capacity somebody at this machine's keyboard comes."""


def import_indicators(settings: Settings, options: argparse.Namespace) -> int:
    """Bring in one file; returns the exit code."""
    try:
        mapping = load(options.mapping, FigureMapping) if options.mapping else FigureMapping()
        raw = options.file.read_bytes()
        cluster, parsed = _parsed(settings, raw, mapping, options.cluster)
        return asyncio.run(_run(settings, cluster, raw, mapping, parsed))
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except (ConfigError, CannotError, UnreadableError, HistoryError, OSError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return CANNOT


def _parsed(
    settings: Settings, raw: bytes, mapping: FigureMapping, wanted: str | None
) -> tuple[str, Parsed]:
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    cluster = _cluster(catalogue, wanted)
    known = Known(
        definitions_in(settings.indicators, catalogue),
        catalogue.municipalities,
        catalogue.clusters[cluster].municipalities,
    )
    parsed = parse(raw, mapping, known, danish_day(utc_now()))
    for reject in parsed.rejects:
        sys.stderr.buffer.write(orjson.dumps(reject.as_json()) + b"\n")
    sys.stderr.flush()
    return cluster, parsed


def _cluster(catalogue: Catalogue, wanted: str | None) -> str:
    served = catalogue.served_clusters()
    if wanted is None and len(served) == 1:
        return served[0]
    if wanted is None or wanted not in catalogue.clusters:
        raise CannotError(f"--cluster must be one of {', '.join(catalogue.clusters)}")
    return wanted


async def _run(
    settings: Settings, cluster: str, raw: bytes, mapping: FigureMapping, parsed: Parsed
) -> int:
    document = Document(
        digest_of(raw, mapping.model_dump_json()), tuple(parsed.told), len(parsed.rejects)
    )

    def show(counts: Counts) -> None:
        print(f"{counts.done} of {len(document.told)}: {told(counts)}", file=sys.stderr)

    async with open_desk(settings) as desk:
        await desk.note("figures-import", cluster, figures=len(document.told))
        imports = Imports(desk.history, utc_now)
        counts = await imports.bring_in(cluster, document, desk.account, ROLE, show)
    if counts is None:
        print("this file is in already")
    else:
        print(f"{told(counts)}, {len(parsed.rejects)} rejected")
    return SOME_REJECTED if parsed.rejects else OK


def told(counts: Counts) -> str:
    """What has become of the figures."""
    return (
        f"{counts.new} new, {counts.corrected} corrected, {counts.unchanged} unchanged, "
        f"{counts.known} brought in before"
    )
