"""What ``akutoverblik feed`` works with: the sources, and the store of the service that runs."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from capacity.board import Board
from capacity.board.embedded import running_url
from capacity.board.quarantine import Quarantine
from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.instants import utc_now
from capacity.settings import Settings
from capacity.units import Catalogue
from feeds.intake import Intake
from feeds.sources import Source, load_sources
from web.services import DEMO_SIMULATORS, demo_source_files

OK, LEFT_OVER, FAILED = 0, 1, 2
DEMO_DATA = Path(".demo")


class CannotError(Exception):
    """Nothing can be done; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Station:
    """What the sub-commands work with; nothing of it connects before it is asked."""

    settings: Settings
    url: str
    catalogue: Catalogue
    sources: dict[str, Source]
    board: Board
    quarantine: Quarantine
    intake: Intake

    def source(self, source_id: str) -> Source:
        """A declared source."""
        found = self.sources.get(source_id)
        if found is None:
            known = ", ".join(sorted(self.sources)) or "none"
            raise CannotError(f"no source is called {source_id!r}; declared are {known}")
        return found


@asynccontextmanager
async def open_station(settings: Settings, *, asks_store: bool) -> AsyncIterator[Station]:
    url = settings.store_url or running_url(settings.store_folder)
    if url is None and asks_store:
        raise CannotError(
            f"no store runs on {settings.store_folder}; start the service, or set "
            "AKUTOVERBLIK_REDIS_URL or AKUTOVERBLIK_DATA to its own"
        )
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    url = url or "unix:///none"
    board, quarantine = Board(url), Quarantine(url)
    try:
        yield Station(
            settings=settings,
            url=url,
            catalogue=catalogue,
            sources=_sources(settings, catalogue),
            board=board,
            quarantine=quarantine,
            intake=Intake(board, catalogue, utc_now, quarantine),
        )
    finally:
        await board.stop()
        await quarantine.stop()


def with_data(settings: Settings) -> Settings:
    """The settings, on the demo's data folder when that is what runs here and nothing was said."""
    said = {"data", "redis_url"} & settings.model_fields_set
    runs = running_url(settings.store_folder) is not None
    demo = settings.model_copy(update={"data": DEMO_DATA})
    demo_runs = running_url(demo.store_folder) is not None
    return demo if not said and not runs and demo_runs else settings


def _sources(settings: Settings, catalogue: Catalogue) -> dict[str, Source]:
    """The sources declared; those of the demo when none are."""
    if settings.sources:
        return load_sources(settings.sources, catalogue)
    noted = settings.data / DEMO_SIMULATORS
    if not noted.exists():
        raise CannotError("no sources are declared (AKUTOVERBLIK_SOURCES), and no demo runs here")
    simulators = {"SIMULATORS_URL": noted.read_text(encoding="utf-8").strip()}
    return load_sources(demo_source_files(), catalogue, simulators)


def since(instant: datetime | None, now: datetime) -> str:
    return "never" if instant is None else length_of(max(timedelta(0), now - instant))


def length_of(length: timedelta | None) -> str:
    """The two greatest units of a length of time."""
    if length is None:
        return "-"
    seconds = int(length.total_seconds())
    parts = (seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
    named = [f"{n} {unit}" for n, unit in zip(parts, ("d", "h", "min", "s"), strict=True)]
    first = next((i for i, n in enumerate(parts) if n), 3)
    return " ".join(named[first : first + 2])


def remark(what: str | dict[str, str]) -> None:
    text = what if isinstance(what, str) else orjson.dumps(what).decode()
    print(text, file=sys.stderr)
