"""kill -9 at each step of a migration of a filled database, then a start of the service.

Every step that the plan has room for is killed on a copy of its own; what is left must migrate to
the end with its content. An older program refuses a newer database and leaves it alone.
"""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from capacity.history import migrate
from tests.faults.finding import Finding
from tests.faults.product import Product
from tests.faults.scene import scene
from tests.faults.stage import Stage
from tests.support.databases import PostgresServer, dump, postgres_available, sqlite_url
from tests.support.installed import ROOT
from tests.support.stores import StoreServer

NAME = "migration killed"
NUMBER = 24
HAZARD = 19
Copy = Callable[[int], str]
"""Makes a filled database of the first version, for a step; its address."""
CONTENT = [("c", "e1", 1, "a", '{"n":1}')]
_INSERT = (
    "INSERT INTO change (cluster, epoch, seq, unit, applied_at, observed_at, row)"
    " VALUES ('c', 'e1', 1, 'a', 1795000000001, NULL, '{\"n\":1}')"
)
_NEWER = "UPDATE alembic_version SET version_num = '9999'"
_DIE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from capacity.history import migrate

url, last = sys.argv[1], int(sys.argv[2])
steps = 0

def step(*_):
    global steps
    steps += 1
    if steps == last:
        os.kill(os.getpid(), signal.SIGKILL)

def seen(name, arguments):
    if name.startswith("sqlite3.") or name in ("os.rename", "os.remove", "fcntl.flock"):
        step()

event.listen(Engine, "before_cursor_execute", step)
event.listen(Engine, "commit", step)
sys.addaudithook(seen)
migrate(url)
print(steps)
"""


async def run(stage: Stage) -> Finding:
    """SQLite, then PostgreSQL, then the service on what is left."""
    finding = Finding()
    folder = stage.folder / "migration"
    folder.mkdir()
    original = folder / "original.sqlite"
    migrate(f"sqlite:///{original}", target="0001")
    with closing(sqlite3.connect(original)) as connection:
        connection.execute(_INSERT)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy(step: int) -> str:
        path = folder / f"{step}.sqlite"
        shutil.copy(original, path)
        return f"sqlite:///{path}"

    _kill_at_each(stage, finding, "sqlite", copy)
    missing = postgres_available()
    if missing is None:
        server = PostgresServer()
        try:
            server.start()
            _kill_at_each(stage, finding, "postgresql", lambda step: _filled(server))
        finally:
            server.remove()
    else:
        finding.notes.append(f"PostgreSQL NOT PLAYED: {missing}")
    finding.add(await _service(stage, original))
    return finding


def _filled(server: PostgresServer) -> str:
    url = server.new_database()
    migrate(url, target="0001")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_INSERT)
    return url


def _kill_at_each(stage: Stage, finding: Finding, kind: str, copy: Copy) -> None:
    total = int(_child(copy(0), 10**9)[1])
    chosen = sorted(
        stage.chance(f"{NAME} {kind}").sample(range(1, total + 1), min(total, stage.plan.steps))
    )
    stage.say(f"{NAME}: {kind}, {len(chosen)} of {total} steps")
    for step in chosen:
        url = copy(step)
        code, _ = _child(url, step)
        finding.promise(code == -9, f"{kind}: nothing was killed at step {step}")
        migrate(url)
        found = dump(url, "change", "cluster", "epoch", "seq", "unit", "row")
        finding.lost += found != CONTENT
    left = [p.name for p in Path(stage.folder / "migration").iterdir() if "_alembic_tmp" in p.name]
    finding.promise(not left, f"left behind: {left}")
    finding.notes.append(f"{kind}: killed at {len(chosen)} of {total} steps")


def _child(url: str, step: int) -> tuple[int, str]:
    command = [sys.executable, "-c", _DIE, url, str(step)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.strip()


async def _service(stage: Stage, original: Path) -> Finding:
    """A whole service killed while it migrates at its start, and one that is too old."""
    stage.say(f"{NAME}: the service itself")
    store = StoreServer(stage.folder / "migration-store")
    store.start()
    url = sqlite_url(original.parent)
    shutil.copy(original, original.with_name("history.sqlite"))
    try:
        product = Product(stage.world(), redis_url=store.url, sql_url=url)
        chance = stage.chance(NAME)
        for _ in range(3):
            product.launch()
            await asyncio.sleep(chance.uniform(0.8, 3))
            product.kill()
        async with scene(stage, NAME, product) as here:
            here.people(product)
            await here.warm()
            finding = await here.check([product], store.url)
        found = dump(url, "change", "cluster", "epoch", "seq", "unit", "row")
        finding.promise(found[:1] == CONTENT, "the content of before is gone")
        with closing(sqlite3.connect(original.with_name("history.sqlite"))) as connection:
            connection.execute(_NEWER)
            connection.commit()
        product.launch()
        code = product.process.wait(60)
        finding.promise(code != 0, "an older program ran on a newer database")
        finding.promise("9999" in product.log, "and did not say why it would not")
        return finding
    finally:
        store.close()
