"""Run the simulators inside a test's event loop, over real sockets and folders."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from simulators.faults import Fault
from simulators.runner import Options, Runner
from simulators.scenario import load_scenario

PUSHED = ("favrskov-omsorg", "norddjurs-omsorg", "rhr-fhir")


def options_for(folder: Path, target: str, **changes: Any) -> Options:
    """A quick run: a beat of 20 ms, one simulated hour a second, keys in place."""
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    for source in PUSHED:
        (keys / source).write_text(f"key-{source}\n")
    options = Options(
        scenario=load_scenario(),
        target=target,
        folders=folder / "inbox",
        keys=keys,
        speed=3600,
        every=0.02,
    )
    return replace(options, **changes)


@asynccontextmanager
async def simulating(
    folder: Path, target: str, faults: Mapping[str, Fault] | None = None, **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """The simulators at work; gives a client of their own port. What fails in them fails here."""
    runner = Runner(options_for(folder, target, faults=faults or {}, **changes))
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    listening = asyncio.create_task(runner.listening.wait())
    try:
        await asyncio.wait([running, listening], return_when=asyncio.FIRST_COMPLETED)
        base = f"http://127.0.0.1:{runner.port}"
        async with httpx.AsyncClient(base_url=base, timeout=20, trust_env=False) as client:
            yield client
    finally:
        listening.cancel()
        stop.set()
        await asyncio.wait_for(running, 20)
