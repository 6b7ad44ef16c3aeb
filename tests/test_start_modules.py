"""What a start does not load: whoever needs a slow library later loads it where it is used."""

import os
import subprocess
import sys
from pathlib import Path

from capacity.board import EmbeddedServer
from capacity.history import migrate
from tests.support.small_catalogue import HEAD, unit_block
from web.later import MODULES

LATER = {
    "alembic": "migrations, where there are any",
    "arro3": "Parquet",
    "asyncssh": "SFTP",
    "authlib": "an identity provider",
    "holidays": "opening hours",
    "httpx": "polls, an identity provider",
    "icalendar": "calendars",
    "joserfc": "an identity provider",
    "openpyxl": "nothing of the service",
    "pywebpush": "the first push",
    "rich": "nothing of the service; HTTPX has it where it finds it",
    "segno": "a second factor that is being set up",
    "valkey": "nothing: the store is spoken to with redis-py",
    "xlsxwriter": "Excel",
}
"""Libraries that take long to load, and whom they are for."""

_START = """
import asyncio, sys
from web.commands.serve import server_config
from web.commands.settings import settings_or_exit
from web.app import create_app
from web.services import build_services

settings = settings_or_exit()
services = build_services(settings)
server_config(create_app(services), settings).load()

async def once():
    await services.start()
    loaded = set(sys.modules)
    assert services.hub.healthy()
    await services.stop()
    return loaded

print(*sorted(asyncio.run(once())))
"""


def loaded_by_a_start(folder: Path) -> set[str]:
    """The modules of a process like `serve` that is ready for boards, its database being there."""
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(HEAD + unit_block("places", "randers"), encoding="utf-8")
    migrate(f"sqlite:///{folder}/history.sqlite")
    server = EmbeddedServer(folder / "store")
    server.start()
    try:
        environment = {
            **os.environ,
            "AKUTOVERBLIK_REDIS_URL": server.url,
            "AKUTOVERBLIK_DATA": str(folder),
            "AKUTOVERBLIK_CATALOGUE": f'["{catalogue}"]',
            # where push is set up, too
            "AKUTOVERBLIK_PUSH_CONTACT": "mailto:test@example.invalid",
        }
        told = subprocess.run(
            [sys.executable, "-c", _START],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    finally:
        server.stop()
    return set(told.stdout.split())


def test_a_process_is_ready_for_boards_without_what_boards_do_not_need(tmp_path: Path) -> None:
    loaded = loaded_by_a_start(tmp_path)

    assert {"fastapi", "redis", "sqlalchemy"} <= loaded
    assert not {name: why for name, why in LATER.items() if name in loaded}
    assert not loaded & {*MODULES, "web.charts"}, "pages that are no boards"
