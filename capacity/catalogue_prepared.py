"""A catalogue as it was read the last time, kept beside the data so that a start is quick.

Reading ten thousand units takes a third of a start: taking the text apart, looking for faults, line
numbers and person numbers. What came of it is kept under the digest of everything that went in: the
files, those that come with the program, and the program's own code that reads them. Whatever is
another text, another program or damaged is not found, and the files are read as ever; they stay the
only truth.

The file is for the service's own user only: a catalogue may hold a webhook's secret address.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pydantic

from capacity.catalogue import DATA, load_catalogue
from capacity.catalogue_text import CatalogueTextError, catalogue_of, digest_of, whole_text_of
from capacity.units import Catalogue

log = logging.getLogger(__name__)

WORTH_IT = 500
"""Units from which on it is kept: fewer are read in no time."""
_CODE = Path(__file__).parent


def prepared_catalogue(paths: Sequence[Path], kept: Path) -> tuple[Catalogue, str | None]:
    """The catalogue of these files, and under which digest to keep it if it was not yet.

    Raises `ConfigError` as `load_catalogue` does, with every problem found.
    """
    try:
        digest = _digest(paths)
    except OSError:
        return load_catalogue(paths), None  # which says what is wrong
    found = _kept(kept, digest)
    if found is not None:
        return found, None
    catalogue = load_catalogue(paths)
    # A file that was changed in between was read as something else than what was digested.
    is_worth_it = len(catalogue.units) >= WORTH_IT and _digest(paths) == digest
    return catalogue, digest if is_worth_it else None


def keep(catalogue: Catalogue, digest: str, kept: Path) -> None:
    """Keep it for the next start; takes most of a second for ten thousand units. A disk that takes
    nothing costs no more than that the next start is as long as this one.
    """
    text = whole_text_of(catalogue)
    new = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        new.touch(mode=0o600)
        new.write_text(f"{digest} {digest_of(text)}\n{text}", encoding="utf-8")
        new.replace(kept)
    except OSError as error:
        log.warning("the next start will read the catalogue anew: %s", error)
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _kept(kept: Path, digest: str) -> Catalogue | None:
    try:
        head, _, text = kept.read_text(encoding="utf-8").partition("\n")
        if head != f"{digest} {digest_of(text)}":
            return None
        return catalogue_of(text)
    except (OSError, UnicodeDecodeError):
        return None
    except CatalogueTextError as error:
        log.warning("the catalogue that was kept cannot be read, its files are: %s", error)
        return None


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{sys.version} {pydantic.VERSION}".encode())
    for name, content in _inputs(paths):
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _inputs(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Everything that the catalogue follows from."""
    for path in paths:
        yield str(path.resolve()), path.read_bytes()
    for each in sorted(DATA.iterdir(), key=lambda each: each.name):
        if each.name.endswith(".toml"):
            yield each.name, each.read_bytes()
    for module in sorted(_CODE.glob("*.py")):
        yield module.name, module.read_bytes()
