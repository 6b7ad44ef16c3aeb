"""``akutoverblik feed test`` of sources that lie on servers: SFTP folders and bulk publications."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest

from capacity.instants import format_instant, utc_now
from tests.support.feeding import one_source, report
from tests.support.fhir import ndjson, resource, to
from tests.support.sftp_server import SftpHost, new_key, public, sftp_host
from tests.test_poll_bulk import keys, manifest, publishing
from web.cli import main

LIMIT = 5_000


class Trial:
    """One declared source and the console script over it; no store runs."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._capsys = capsys
        self.data = folder / "data"
        monkeypatch.setenv("AKUTOVERBLIK_DATA", str(self.data))
        monkeypatch.setenv("AKUTOVERBLIK_MAX_DOCUMENT_BYTES", str(LIMIT))
        monkeypatch.setenv("AKUTOVERBLIK_SOURCES", json.dumps([str(folder / "source.toml")]))

    def declare(self, block: dict[str, str]) -> None:
        """The source; values are TOML."""
        one_source(self.folder, **block)

    async def run(self) -> tuple[int, str, str]:
        """Exit code, standard output, standard error, while this loop's servers answer."""
        self._capsys.readouterr()
        code = await asyncio.to_thread(main, ["feed", "test", "s"])
        out, err = self._capsys.readouterr()
        assert not self.data.exists()
        return code, out, err


@pytest.fixture
def trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Trial:
    return Trial(tmp_path, monkeypatch, capsys)


def put(host: SftpHost, name: str, occupied: int) -> None:
    stated = report(occupied=occupied, observed_at=format_instant(utc_now()))
    (host.root / "out" / name).write_bytes(orjson.dumps([stated]))


async def test_the_newest_file_of_an_sftp_folder_is_read_and_left(
    trial: Trial, tmp_path: Path
) -> None:
    async with sftp_host(tmp_path / "server") as host:
        trial.declare(host.block(tmp_path, after='"delete"'))
        code, _, err = await trial.run()
        assert code == 2
        assert "no file of s lies in" in err
        put(host, "1.json", 1)
        code, out, err = await trial.run()
        assert code == 0
        assert json.loads(out)["occupied"] == 1
        assert f"127.0.0.1:{host.port} out/1.json" in err
        assert "nothing was written" in err
        assert [path.name for path in (host.root / "out").iterdir()] == ["1.json"]
        (host.root / "out" / "2.json").write_bytes(b"x" * (LIMIT + 1))
        code, _, err = await trial.run()
        assert code == 2
        assert f"is over {LIMIT} bytes" in err
        trial.declare(host.block(tmp_path, host_key=f'"{public(new_key())}"'))
        code, _, err = await trial.run()
        assert code == 2
        assert "host key is not the declared one" in err
        assert host.opened == ["1.json"]


async def test_a_bulk_publication_is_asked_for_with_its_files(trial: Trial) -> None:
    async with publishing() as publisher:
        bed = resource("Location", "b", operationalStatus={"code": "O"}, partOf=to("x", "AKUT"))
        now = utc_now().isoformat()
        publisher.pages = {
            "/bulk/manifest": manifest("beds.ndjson", time=now),
            "/bulk/beds.ndjson": ndjson(bed),
        }
        trial.declare(keys(publisher))
        code, out, _ = await trial.run()
        assert code == 0
        assert json.loads(out)["occupied"] == 1
        publisher.pages["/bulk/manifest"] = manifest("gone.ndjson")
        code, _, err = await trial.run()
        assert code == 2
        assert "answered 404 (file /bulk/gone.ndjson)" in err
        publisher.pages["/bulk/manifest"] = manifest("http://127.0.0.1:1/beds.ndjson")
        code, _, err = await trial.run()
        assert code == 2
        assert "output[1].url: is no address on the manifest's host" in err
