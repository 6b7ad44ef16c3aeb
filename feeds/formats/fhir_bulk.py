"""Bulk publications: a manifest that names NDJSON files (``$bulk-publish`` and ``$export``).

A transport that polls a manifest does three things: `bulk_files` on the manifest, a GET of each
file, and `one_document` on all that came; what that gives is read by the ``fhir`` format. The
manifest's ``transactionTime`` is then the instant that all the files speak of.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import orjson

from feeds.formats.fhir_documents import READABLE, is_manifest
from feeds.formats.gathering import DOCUMENT, unreadable
from feeds.formats.own_json import load_json
from feeds.limits import LIMITS

MAX_FILES = LIMITS.bulk_files


class BulkFile(NamedTuple):
    """One file of a publication: the resource type in it, and its absolute address."""

    type: str
    url: str


def bulk_files(
    manifest: bytes, manifest_url: str, other_hosts: Collection[str] = ()
) -> tuple[BulkFile, ...]:
    """The files of resource types that are read, in the manifest's order.

    Addresses may be relative to the manifest's. A file on another host than the manifest is
    refused unless that host is among `other_hosts`, because a transport may send its credentials
    along. Raises `UnreadableError`.
    """
    document = load_json(manifest)
    if not isinstance(document, dict) or not is_manifest(document):
        raise unreadable(DOCUMENT, "is no bulk manifest: it has no transactionTime")
    outputs = document.get("output")
    if not isinstance(outputs, list) or len(outputs) > MAX_FILES:
        raise unreadable("output", f"is not a list of at most {MAX_FILES} files")
    allowed = {_host(manifest_url), *other_hosts}
    files = []
    for index, output in enumerate(outputs):
        kind, url = (output.get("type"), output.get("url")) if isinstance(output, dict) else (0, 0)
        if not isinstance(kind, str) or not isinstance(url, str):
            raise unreadable(f"output[{index}]", "has no type and url")
        if kind in READABLE:
            address = _address(manifest_url, url)
            if address is None or _host(address) not in allowed:
                raise unreadable(f"output[{index}].url", "is no address on the manifest's host")
            files.append(BulkFile(kind, address))
    return tuple(files)


def one_document(manifest: bytes, files: Sequence[bytes]) -> bytes:
    """The manifest and its files as one NDJSON document, headed by the manifest's time."""
    document = load_json(manifest)
    assert isinstance(document, dict)  # `bulk_files` has read it
    head = orjson.dumps({"transactionTime": document["transactionTime"]})
    return b"\n".join([head, *(part.removeprefix(b"\xef\xbb\xbf") for part in files)])


def _address(base: str, url: str) -> str | None:
    try:
        address = urljoin(base, url)
    except ValueError:
        return None
    return address if address.startswith(("https://", "http://")) else None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() or None
    except ValueError:
        return None
