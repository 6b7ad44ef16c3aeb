"""The catalogue kept for the next start: the same as its files say, or not used at all."""

import logging
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from capacity import catalogue_prepared
from capacity.board import EmbeddedServer
from capacity.catalogue import load_catalogue
from capacity.catalogue_prepared import WORTH_IT, keep, prepared_catalogue
from capacity.catalogue_text import digest_of, whole_text_of
from capacity.config_file import ConfigError
from capacity.units import Catalogue
from tests.bench.world import World
from tests.support.board_model import until
from tests.support.service import running, settings_for

RICH = """
[[unit]]
id = "rich"
name = "Én med alt"
kind = "acute_place"
cluster = "randers"
organisation = "randers-kommune"
municipality = "0730"
phone = "+45 87 00 00 00"
places = 4
hold_for = "45 min"
freshness = { ageing_after = "2 h", stale_after = "4 h" }
authority = [{ organisation = "randers-kommune" },
    { since = 2027-01-01, organisation = "region-midtjylland" }]
operator = "randers-kommune"
capabilities = ["oxygen"]
opening = [{ days = "mon-fri", hours = "07:00-23:00" }]
holidays_also = ["12-24"]
service_area = ["0730", "0710"]
assumptions = ["places"]
remind = { by = ["webhook"], webhook = "https://wards.example/secret", at_most = 3 }
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A catalogue that is worth keeping, with one unit that says all a unit can say."""
    world = World.write(tmp_path / "world", WORTH_IT)
    path = world.folder / "catalogue.toml"
    path.write_text(path.read_text("utf-8") + RICH, encoding="utf-8")
    return [path]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def assert_same(found: Catalogue, read: Catalogue) -> None:
    for each in fields(Catalogue):
        assert getattr(found, each.name) == getattr(read, each.name)
    assert list(found.units) == list(read.units), "in the same order"


def test_what_was_kept_is_what_the_files_say(files: list[Path], kept: Path) -> None:
    read, digest = prepared_catalogue(files, kept)
    assert digest is not None
    keep(read, digest, kept)

    found, again = prepared_catalogue(files, kept)

    assert again is None, "nothing is left to be kept"
    assert_same(found, load_catalogue(files))
    assert found.units["rich"].remind == read.units["rich"].remind is not None
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600, "a webhook's address may be a secret"
    assert [each.name for each in kept.parent.iterdir() if each.name.startswith("kept")] == ["kept"]


@pytest.mark.parametrize("changed", ["the file", "another file", "the program", "what was kept"])
def test_what_is_not_the_same_any_more_is_read_anew(
    files: list[Path], kept: Path, changed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read, digest = prepared_catalogue(files, kept)
    assert digest is not None
    keep(read, digest, kept)
    if changed == "the file":
        text = files[0].read_text("utf-8")
        files[0].write_text(text.replace("Én med alt", "En anden"), encoding="utf-8")
    elif changed == "another file":
        files = [files[0].rename(tmp_path / "other.toml")]
    elif changed == "the program":
        monkeypatch.setattr(catalogue_prepared, "_CODE", tmp_path)
    else:
        kept.write_bytes(kept.read_bytes().replace("Én med alt".encode(), b"Forkert navn"))

    found, again = prepared_catalogue(files, kept)

    assert again is not None
    assert_same(found, load_catalogue(files))


def test_a_text_that_is_no_catalogue_is_told_and_not_used(
    files: list[Path], kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, digest = prepared_catalogue(files, kept)
    kept.write_text(f"{digest} {digest_of('{}x')}\n{{}}x", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        found, again = prepared_catalogue(files, kept)
    assert again == digest
    assert "rich" in found.units
    assert "cannot be read" in caplog.text


def test_wrong_files_are_told_as_ever(files: list[Path], kept: Path) -> None:
    read, digest = prepared_catalogue(files, kept)
    assert digest is not None
    keep(read, digest, kept)
    with files[0].open("a", encoding="utf-8") as file:
        file.write(RICH)
    with pytest.raises(ConfigError, match="is declared already"):
        prepared_catalogue(files, kept)
    with pytest.raises(ConfigError, match="cannot be read"):
        prepared_catalogue([kept.parent / "nowhere.toml"], kept)


def test_a_small_catalogue_is_not_worth_it(tmp_path: Path, kept: Path) -> None:
    world = World.write(tmp_path / "world", 3)
    assert prepared_catalogue([world.folder / "catalogue.toml"], kept)[1] is None


def test_a_disk_that_takes_nothing_is_told(
    files: list[Path], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.WARNING):
        keep(load_catalogue(files), "digest", tmp_path / "nowhere" / "kept")
    assert "the next start will read the catalogue anew" in caplog.text


async def test_a_service_keeps_it_and_starts_from_it(
    files: list[Path],
    valkey_server: EmbeddedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.services.KEEP_AFTER", 0.0)
    sources = tmp_path / "sources.toml"
    sources.touch()
    settings = settings_for(tmp_path / "data", valkey_server.url, sources, catalogue=files)
    async with running(settings) as service:
        first = service.services.catalogue
        await until((tmp_path / "data" / "catalogue.kept").exists)
    async with running(settings) as service:
        assert service.services.unkept_catalogue is None
        assert whole_text_of(service.services.catalogue) == whole_text_of(first)
