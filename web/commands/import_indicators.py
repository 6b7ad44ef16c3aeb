"""``akutoverblik import-indicators``: a register's files of figures into the database.

Every figure is a draft until two accounts have checked and approved it on the pages. The command
may be stopped anywhere and given again; a file that is in already is left alone.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

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
from feeds.figures import FigureMapping, Known, parse
from web.commands.feed_station import CannotError
from web.commands.people_desk import open_desk

OK, SOME_REJECTED, CANNOT, INTERRUPTED = 0, 1, 2, 130
ROLE = "operator"
"""In what capacity somebody at this machine's keyboard comes."""


def import_indicators(settings: Settings, options: argparse.Namespace) -> int:
    """Bring in files, in the order in which they are named; returns the exit code."""
    try:
        mapping = load(options.mapping, FigureMapping) if options.mapping else FigureMapping()
        catalogue = (
            load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
        )
        cluster = _cluster(catalogue, options.cluster)
        known = Known(
            definitions_in(settings.indicators, catalogue),
            catalogue.municipalities,
            catalogue.clusters[cluster].municipalities,
        )
        return asyncio.run(_run(settings, cluster, options.files, mapping, known))
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except (ConfigError, CannotError, UnreadableError, HistoryError, OSError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return CANNOT


def _cluster(catalogue: Catalogue, wanted: str | None) -> str:
    served = catalogue.served_clusters()
    if wanted is None and len(served) == 1:
        return served[0]
    if wanted is None or wanted not in catalogue.clusters:
        raise CannotError(f"--cluster must be one of {', '.join(catalogue.clusters)}")
    return wanted


async def _run(
    settings: Settings, cluster: str, files: Sequence[Path], mapping: FigureMapping, known: Known
) -> int:
    """Bring in one file after the other; what was read stays when a later one cannot be."""
    rejected = 0
    async with open_desk(settings) as desk:
        imports = Imports(desk.history, utc_now)
        for number, path in enumerate(files, start=1):
            begun = time.monotonic()
            document = _document(path.read_bytes(), mapping, known)
            rejected += document.rejected
            head = f"{path.name} ({number} of {len(files)}): " if len(files) > 1 else ""
            show = partial(_show, len(document.told), head, begun)
            await desk.note("figures-import", cluster, figures=len(document.told))
            counts = await imports.bring_in(cluster, document, desk.account, ROLE, show)
            if counts is None:
                print(f"{head}this file is in already")
                continue
            seconds = time.monotonic() - begun
            print(f"{head}{told(counts)}, {document.rejected} rejected, in {seconds:.1f} s")
    return SOME_REJECTED if rejected else OK


def _document(raw: bytes, mapping: FigureMapping, known: Known) -> Document:
    """A file's figures; what cannot be used is told."""
    parsed = parse(raw, mapping, known, danish_day(utc_now()))
    for reject in parsed.rejects:
        sys.stderr.buffer.write(orjson.dumps(reject.as_json()) + b"\n")
    sys.stderr.flush()
    digest = digest_of(raw, mapping.model_dump_json())
    return Document(digest, tuple(parsed.told), len(parsed.rejects))


def _show(whole: int, head: str, begun: float, counts: Counts) -> None:
    share, seconds = 100 * counts.done // max(1, whole), time.monotonic() - begun
    print(f"{head}{share} %, {seconds:.1f} s: {told(counts)}", file=sys.stderr, flush=True)


def told(counts: Counts) -> str:
    """What has become of the figures."""
    return (
        f"{counts.new} new, {counts.corrected} corrected, {counts.unchanged} unchanged, "
        f"{counts.known} brought in before"
    )
