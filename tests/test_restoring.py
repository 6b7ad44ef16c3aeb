"""A store that lost everything is refused, and then filled from history with true ages."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import EmbeddedServer, EmbeddedServerError
from capacity.instants import format_instant, utc_now
from tests.support.service import running, settings_for

SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "favrskov-akutteam"]
"""


async def test_a_lost_store_comes_back_from_history_as_old_as_it_is(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        settings = settings_for(tmp_path / "data", store.url, sources)
        async with running(settings) as service:
            hours_ago = format_instant(utc_now() - timedelta(hours=9))
            report = {"unit": "favrskov-akutplads", "observed_at": hours_ago, "total": 2}
            document = orjson.dumps([report | {"occupied": 1}])
            key = service.key_for("favrskov")
            assert (await service.push("favrskov", document, key=key)).json()["accepted"] == 1
            before = await service.rows("randers", at=format_instant(utc_now()))
        await asyncio.to_thread(store.stop)
        shutil.rmtree(tmp_path / "store" / "appendonlydir")

        with pytest.raises(EmbeddedServerError, match="accept-empty"):
            await asyncio.to_thread(store.start)
        await asyncio.to_thread(store.start, accept_empty=True)
        async with running(settings) as service:
            after = await service.rows("randers")
            assert after == before
            assert after["favrskov-akutplads"]["observed_at"] == hours_ago
            assert after["favrskov-akutteam"]["state"] == "unknown"
            again = await service.push("favrskov", document, key=service.key_for("favrskov"))
            assert again.json()["unchanged"] == 1, "a repeat of what was put back is a repeat"
            past = await service.rows("randers", at=format_instant(utc_now()))
            assert past == after
    finally:
        await asyncio.to_thread(store.stop)
