"""Each fault's effect where it counts: on the wire, in the folder, at the fetch."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from simulators.document import Document, Emission
from simulators.faults import ERROR_PAGE, Fault, Gate, Kind
from tests.support.receiver import Push, Receiver, receiving
from tests.support.simulation import simulating


def emission(number: int) -> Emission:
    return (Document(f"document {number:04d}".encode() * 10, "text/plain", ".txt"),)


def numbers(gate: Gate, count: int, start: int = 0) -> list[int]:
    """The numbers of what comes through for `count` documents."""
    out = [one for n in range(start, start + count) for one in gate.through(emission(n))]
    return [int(documents[0].body[9:13]) for documents in out]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(), [0, 1, 2, 3, 4, 5]),
        (Fault(kind=Kind.LATE, behind=2), [0, 1, 2, 3]),
        (Fault(kind=Kind.REPEATED), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        (Fault(kind=Kind.OUT_OF_ORDER), [1, 0, 3, 2, 5, 4]),
        (Fault(kind=Kind.SILENT), []),
        (Fault(kind=Kind.FROZEN), [0, 0, 0, 0, 0, 0]),
        (Fault(kind=Kind.HALF_BROKEN), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_comes_through(fault: Fault, expected: list[int]) -> None:
    gate = Gate("source", 1)
    gate.set(fault)
    assert numbers(gate, 6) == expected


def test_what_was_held_back_comes_when_the_fault_ends() -> None:
    gate = Gate("source", 1)
    gate.set(Fault(kind=Kind.LATE, behind=3))
    assert numbers(gate, 4) == [0]
    gate.set(Fault())
    assert numbers(gate, 2, start=4) == [1, 2, 3, 4, 5]


def test_faults_are_the_same_for_the_same_seed() -> None:
    def cuts(seed: int) -> list[tuple[bytes, object]]:
        gate = Gate("source", seed)
        gate.set(Fault(kind=Kind.TRUNCATED))
        cut = [gate.through(emission(n))[0][0].body for n in range(20)]
        gate.set(Fault(kind=Kind.HALF_BROKEN))
        return list(zip(cut, [gate.flaw() for _ in cut], strict=True))

    assert cuts(1) == cuts(1)
    assert cuts(1) != cuts(2)


def test_a_truncated_document_is_a_true_part() -> None:
    gate = Gate("source", 1)
    gate.set(Fault(kind=Kind.TRUNCATED))
    whole = emission(1)[0].body
    for _ in range(50):
        cut = gate.through(emission(1))[0][0].body
        assert 0 < len(cut) < len(whole)
        assert whole.startswith(cut)


def test_a_measure_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault(kind=Kind.LATE, behind=0)


# -- on the wire -----------------------------------------------------------------------------


def observed(push: Push) -> datetime:
    return datetime.fromisoformat(json.loads(push.body)["date"])


def acute(pushes: list[Push]) -> list[datetime]:
    return [observed(push) for push in pushes if b"Location/AKUT" in push.body]


async def pushed(receiver: Receiver, count: int, source: str = "rhr-fhir") -> list[Push]:
    return await asyncio.to_thread(receiver.wait_for, count, source)


async def under(fault: Fault, folder: Path, count: int, source: str = "rhr-fhir") -> list[Push]:
    """The first pushes of a source that has the fault from the start."""
    with receiving() as receiver:
        async with simulating(folder, receiver.url, {source: fault}):
            return (await pushed(receiver, count, source))[:count]


async def test_sound_reports_come_in_order_with_the_key(tmp_path: Path) -> None:
    pushes = await under(Fault(), tmp_path, 8)
    times = acute(pushes)
    assert len(times) == 4
    assert times == sorted(set(times))
    assert all(abs(datetime.now(UTC) - time) < timedelta(minutes=1) for time in times)
    assert {push.authorization for push in pushes} == {"Bearer key-rhr-fhir"}
    assert {push.path for push in pushes} == {"/api/v1/feeds/rhr-fhir"}
    assert {push.media_type for push in pushes} == {"application/fhir+json"}


async def test_repeated_reports_come_twice(tmp_path: Path) -> None:
    bodies = [push.body for push in await under(Fault(kind=Kind.REPEATED), tmp_path, 8)]
    assert bodies[0:2] == bodies[2:4]
    assert bodies[4:6] == bodies[6:8]
    assert bodies[0:2] != bodies[4:6]


async def test_reports_out_of_order_change_places_in_pairs(tmp_path: Path) -> None:
    times = acute(await under(Fault(kind=Kind.OUT_OF_ORDER), tmp_path, 8))
    second, first, fourth, third = times
    assert first < second < third < fourth


async def test_late_reports_are_as_old_as_what_is_held_back(tmp_path: Path) -> None:
    """Ten ticks of 0.1 s are held back, so what comes is at least 0.9 s old."""
    with receiving() as receiver:
        late = Fault(kind=Kind.LATE, behind=10)
        async with simulating(tmp_path, receiver.url, {"rhr-fhir": late}):
            pushes = await pushed(receiver, 2)
            assert datetime.now(UTC) - observed(pushes[0]) > timedelta(seconds=0.9)


async def test_half_broken_documents_hold_a_good_part_and_a_bad_one(tmp_path: Path) -> None:
    for push in await under(Fault(kind=Kind.HALF_BROKEN), tmp_path, 3):
        good, bad = (entry["resource"] for entry in json.loads(push.body)["entry"])
        counts = [
            [population["count"] for population in report["group"][0]["population"]]
            for report in (good, bad)
        ]
        assert all(isinstance(count, int) and count >= 0 for count in counts[0])
        stranger = bad["subject"]["reference"] != "Location/HJEMME"
        assert stranger or counts[1][2] in ("mange", -1)


async def test_half_broken_json_of_a_municipality(tmp_path: Path) -> None:
    (push,) = await under(Fault(kind=Kind.HALF_BROKEN), tmp_path, 1, "favrskov-omsorg")
    good, bad = json.loads(push.body)["reports"]
    assert good["unit"] == "favrskov-akutplads"
    assert good["total"] == 2
    assert bad["unit"] == "UKENDT-99" or bad["occupied"] in ("mange", -1)


async def test_truncated_documents_cannot_be_read(tmp_path: Path) -> None:
    for push in await under(Fault(kind=Kind.TRUNCATED), tmp_path, 3):
        assert push.body.startswith(b"{")
        with pytest.raises(json.JSONDecodeError):
            json.loads(push.body)


async def test_a_frozen_source_says_the_same_for_ever(tmp_path: Path) -> None:
    pushes = await under(Fault(kind=Kind.FROZEN), tmp_path, 8)
    assert len({push.body for push in pushes}) == 2, "one for each location"


@pytest.mark.parametrize("minutes", [45, -90])
async def test_a_wrong_clock_shifts_what_was_observed(tmp_path: Path, minutes: int) -> None:
    fault = Fault(kind=Kind.WRONG_CLOCK, minutes=minutes)
    (push, *_) = await under(fault, tmp_path, 1)
    off = observed(push) - datetime.now(UTC)
    assert abs(off - timedelta(minutes=minutes)) < timedelta(minutes=1)


async def test_an_error_page_comes_instead_of_data(tmp_path: Path) -> None:
    (push, *_) = await under(Fault(kind=Kind.ERROR_PAGE), tmp_path, 1)
    assert push.body == ERROR_PAGE


async def sent(client: httpx.AsyncClient, source: str) -> int:
    count = (await client.get("/control")).json()[source]["sent"]
    assert isinstance(count, int)
    return count


async def after_ticks(client: httpx.AsyncClient, ticks: int) -> None:
    """Until another ticking source has told of itself that many times."""
    begun = await sent(client, "region-status")
    async with asyncio.timeout(30):
        while await sent(client, "region-status") < begun + ticks:
            continue


async def switch(client: httpx.AsyncClient, source: str, **fault: object) -> None:
    response = await client.post(f"/control/{source}/fault", json=fault)
    assert response.status_code == 200
    assert response.json()["fault"]["kind"] == fault["kind"]


async def test_a_source_falls_silent_and_speaks_again_at_run_time(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with simulating(tmp_path, receiver.url) as client:
            await pushed(receiver, 4)
            await switch(client, "rhr-fhir", kind="silent")
            before = await sent(client, "rhr-fhir")
            await after_ticks(client, 5)
            assert await sent(client, "rhr-fhir") == before
            await switch(client, "rhr-fhir", kind="none")
            await pushed(receiver, before + 4)


async def test_faults_in_a_folder(tmp_path: Path) -> None:
    faults = {
        "randers-omsorg": Fault(kind=Kind.ERROR_PAGE),
        "syddjurs-omsorg": Fault(kind=Kind.HALF_BROKEN),
    }
    with receiving() as receiver:
        async with simulating(tmp_path, receiver.url, faults) as client:
            await after_ticks(client, 1)
    (page, *_) = (tmp_path / "inbox" / "randers-omsorg").glob("*.csv")
    assert page.read_bytes() == ERROR_PAGE
    (export, *_) = sorted((tmp_path / "inbox" / "syddjurs-omsorg").glob("*.csv"))
    _, good, bad = export.read_text("utf-8-sig").splitlines()
    assert good.startswith('"706-A","1","')
    assert '"mange"' in bad or '"-1"' in bad or '"UKENDT-99"' in bad


async def test_a_fetch_gets_a_tag_and_304_until_something_is_new(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with simulating(
            tmp_path, receiver.url, {"rhr-status": Fault(kind=Kind.FROZEN)}
        ) as client:
            first = await client.get("/rhr-status.json")
            tag = first.headers["ETag"]
            units = [report["unit"] for report in first.json()["reports"]]
            assert units == [
                "rhr-visitation",
                "rhr-subakut-medicin",
                "rhr-subakut-geriatri",
                "rhr-geriatri-raad",
            ]
            await after_ticks(client, 2)
            again = await client.get("/rhr-status.json", headers={"If-None-Match": tag})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
            weak = await client.get("/rhr-status.json", headers={"If-None-Match": f"W/{tag}"})
            assert weak.status_code == 304
            await switch(client, "rhr-status", kind="none")
            await after_ticks(client, 2)
            new = await client.get("/rhr-status.json", headers={"If-None-Match": f'"x", {tag}'})
            assert new.status_code == 200
            assert new.headers["ETag"] != tag


async def test_a_silent_source_leaves_the_fetcher_hanging_until_it_speaks(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with simulating(tmp_path, receiver.url) as client:
            await client.get("/region-status.json")
            await switch(client, "region-status", kind="silent")
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/region-status.json", timeout=0.3)
            waiting = asyncio.create_task(client.get("/region-status.json"))
            await switch(client, "rhr-fhir", kind="repeated")
            await switch(client, "region-status", kind="none")
            assert (await waiting).status_code == 200


async def test_an_error_page_is_fetched_with_the_status_asked_for(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with simulating(tmp_path, receiver.url) as client:
            await switch(client, "region-status", kind="error_page", status=502)
            response = await client.get("/region-status.json")
            assert response.status_code == 502
            assert response.headers["Content-Type"].startswith("text/html")
            assert "ETag" not in response.headers


async def test_wrong_orders_are_refused(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with simulating(tmp_path, receiver.url) as client:
            post = client.post
            assert (await post("/control/nobody/fault", json={"kind": "late"})).status_code == 404
            assert (await post("/control/rhr-fhir/fault", json={"kind": "x"})).status_code == 422
            assert (await client.get("/nobody.json")).status_code == 404
            assert (await client.get("/rhr-fhir.json")).status_code == 404
