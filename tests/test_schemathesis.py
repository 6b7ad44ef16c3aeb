"""The whole OpenAPI under generated requests, as each role and as nobody.

No request may end in a 5xx (but the 503 that is documented) or in an answer that is not described;
whoever has no right gets nothing but 401 and 403.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.people import account_for, signed_in
from tests.support.service import Service, running, settings_for
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind

SOURCES = """
[[source]]
id = "s"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]
"""
HOSPITAL, MUNICIPALITY = "regionshospitalet-randers", "favrskov-kommune"
PEOPLE: Mapping[str, Mapping[str, object]] = {
    "visitator": {"organisation": HOSPITAL},
    "municipal_staff": {"organisation": MUNICIPALITY},
    "coordinator": {"clusters": ("randers",)},
    "operator": {},
    "administrator": {},
}
KEYS = {"wall": (KeyKind.BOARD, "randers"), "integrator": (KeyKind.SOURCE, "s")}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
EXAMPLES = 4
PHASES = "coverage,fuzzing"
"""Every kind of value of every field, and then requests at random."""
OPEN = {"/healthz", "/readyz", "/api/asyncapi.json"}
"""What anybody may ask."""

pytestmark = pytest.mark.timeout(1200)  # thousands of requests a role, on any machine


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, sources)
    async with running(settings, demo=False) as service:
        service.key_for("s")
        yield service


async def generated(service: Service, headers: Mapping[str, str]) -> None:
    """Run the generator over every operation; its report is the failure."""
    program = Path(sys.executable).with_name("st")
    words = [str(program), "run", f"{service.base}/api/openapi.json", "--checks", CHECKS]
    words += ["--max-examples", str(EXAMPLES), "--phases", PHASES, "--no-shrink"]
    words += ["--generation-deterministic", "--continue-on-failure", "--request-timeout", "30"]
    words += ["--suppress-health-check", "all", "--warnings", "off"]
    for name, value in headers.items():
        words += ["--header", f"{name}: {value}"]
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    said = (await process.stdout.read()).decode()
    assert await process.wait() == 0, said[-8000:]
    assert "passed" in said, said[-2000:]


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_persons_requests(service: Service, role: str) -> None:
    account = await account_for(service, role, **PEOPLE[role])  # type: ignore[arg-type]
    async with signed_in(service, account) as person:
        cookie = f"{PLAIN}={person.client.cookies[PLAIN]}"
        await generated(service, {"Cookie": cookie} | person.headers)


@pytest.mark.parametrize("role", KEYS)
async def test_a_programs_requests(service: Service, role: str) -> None:
    kind, of = KEYS[role]
    key = service.services.access.keys.make(kind, of, utc_now())
    await generated(service, {"Authorization": f"Bearer {key}"})


async def test_nobodys_requests(service: Service) -> None:
    await generated(service, {})
    described = json.loads((await service.client.get("/api/openapi.json")).text)
    for path, operations in described["paths"].items():
        address = path
        for name in ("cluster", "source", "unit", "outcome", "hold", "action"):
            address = address.replace(f"{{{name}}}", "randers")
        for method in operations:
            answer = await service.client.request(method.upper(), address)
            refused = answer.status_code in (401, 403)
            assert refused or path in OPEN, f"{method} {path}: {answer.status_code}"
