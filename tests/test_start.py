"""Starting: what is not ready yet is made so later, and nothing is waited for without need."""

import asyncio
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from capacity.history.migrate import configuration, newest_version
from tests.support.board_model import until
from tests.support.service import running, settings_for
from tests.support.small_catalogue import HEAD, source_block, unit_block
from tests.support.topology import PROGRAMS, replicated


def two_clusters(folder: Path) -> Path:
    path = folder / "catalogue.toml"
    places = {"randers": "0730", "horsens": "0615"}
    units = [unit_block(f"in-{name}", name, municipality=code) for name, code in places.items()]
    path.write_text(HEAD + "".join(units), encoding="utf-8")
    return path


async def test_a_store_without_its_replicas_gets_all_units_once_they_are_there(
    tmp_path: Path,
) -> None:
    with replicated(PROGRAMS["valkey"], attached=False) as servers:
        sources = tmp_path / "sources.toml"
        bed_list = source_block("bed-list", "randers", ["in-randers"])
        sources.write_text(bed_list, encoding="utf-8")
        settings = settings_for(
            tmp_path,
            servers.url,
            sources,
            redis_replicas=1,
            run_feeds=False,
            catalogue=[two_clusters(tmp_path)],
        )
        async with running(settings) as service:
            board = service.services.board
            # The first write was made on the primary, but not confirmed; nothing went on.
            assert not (await board.snapshot("horsens")).rows
            await asyncio.to_thread(servers.attach)

            async def is_there() -> bool:
                return bool(await service.rows("horsens"))

            await until(is_there)

            assert set(await service.rows("randers")) == {"in-randers"}
            assert set(await service.rows("horsens")) == {"in-horsens"}


def test_the_newest_version_is_told_by_the_names_of_the_migrations() -> None:
    assert newest_version() == ScriptDirectory.from_config(configuration()).get_current_head()


def test_a_start_over_a_database_as_it_should_be_loads_no_migrations(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/history.sqlite"
    twice = (
        "import sys; from capacity.history import History, migrate;"
        f"migrate({url!r}); print('alembic' in sys.modules)"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", twice], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert told == ["True", "False"]
