"""HTTP poll: ask a source's address on a schedule, with conditional requests and a time-out.

Where the answer is the manifest of a FHIR bulk publication, the files that it names are fetched
too, and all of them together are one document: it is taken in whole or, if a file cannot be had,
not at all. One byte limit and one time-out hold for the whole. Files on another host than the
manifest are refused unless the source declares that host, and are then asked for without the key.
"""

import asyncio
from urllib.parse import urlsplit

import httpx
import orjson

from capacity.board import BoardUnavailableError
from capacity.instants import Clock
from capacity.model import UnreadableError
from capacity.reading import shown
from feeds.formats.fhir_bulk import bulk_files, one_document
from feeds.formats.fhir_documents import is_manifest
from feeds.intake import Intake, Receipt
from feeds.sources import Source


def polling_client() -> httpx.AsyncClient:
    """A client for any number of polls.

    It limits nothing by itself: each poll as a whole is limited by its source's time-out, which
    may be longer than what the library would wait for one answer.
    """
    unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncClient(follow_redirects=False, timeout=httpx.Timeout(None), limits=unlimited)


class Poll:
    """One polled source. What was not changed since the last document taken in is not read again.

    A document that the store could not take is kept and handed over before anything is asked
    again. The validators (ETag, Last-Modified) of a document are kept once it is durable, unless
    the poll is not `conditional`.
    """

    def __init__(
        self,
        source: Source,
        client: httpx.AsyncClient,
        intake: Intake,
        clock: Clock,
        max_bytes: int,
        *,
        conditional: bool = True,
    ) -> None:
        self.source = source
        self._client = client
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._conditional = conditional
        self._validators: dict[str, str] = {}
        self._kept: tuple[bytes, dict[str, str]] | None = None
        self.of_file = ""
        """Which file of a bulk publication was last asked for, to be said of what went wrong."""

    @property
    def waits_for_store(self) -> bool:
        """Whether a document is kept that the store could not take yet."""
        return self._kept is not None

    async def once(self) -> Receipt | None:
        """Ask once; ``None`` when nothing is new or the source failed (its health says why)."""
        health = self._intake.health.of(self.source.id)
        try:
            if self._kept is None:
                self._kept = await self._ask()
            if self._kept is None:
                health.succeeded(self._clock())
                health.counts["not_modified"] += 1
                return None
            return await self._hand_over(*self._kept)
        except TimeoutError:
            health.failed(self._clock(), f"no answer within {self.source.timeout}{self.of_file}")
        except httpx.HTTPStatusError as error:
            health.failed(self._clock(), f"answered {error.response.status_code}{self.of_file}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            health.failed(self._clock(), f"{type(error).__name__}: {error}{self.of_file}")
        except BoardUnavailableError as error:
            health.failed(self._clock(), f"the store is away: {error}")
        except UnreadableError:
            pass  # who found it so has noted it in the source's health
        return None

    async def _ask(self) -> tuple[bytes, dict[str, str]] | None:
        """Fetch in time; what can be no document is told and set aside as the intake would."""
        try:
            async with asyncio.timeout(self.source.timeout.total_seconds()):
                return await self.fetch()
        except UnreadableError as error:
            self._intake.health.of(self.source.id).failed(self._clock(), f"unreadable: {error}")
            await self._intake.set_aside(self.source, None, [error.reject])
            raise

    async def _hand_over(self, body: bytes, validators: dict[str, str]) -> Receipt:
        """Make a document durable; only the store's absence leaves it kept."""
        try:
            receipt = await self._intake.take(self.source, body)
        except UnreadableError:
            self._kept = None
            raise
        self._kept = None
        # What was held back in favour of a more trusted source must be seen again when that fails.
        held_back = self.source.trust is not None and receipt.superseded
        self._validators = validators if self._conditional and not held_back else {}
        return receipt

    async def fetch(self) -> tuple[bytes, dict[str, str]] | None:
        """The new document and its validators, or ``None`` when it has not changed.

        The validators of a bulk publication are its manifest's. Raises `httpx.HTTPError`, and
        `UnreadableError` for a manifest whose files cannot or may not be fetched.
        """
        self.of_file = ""
        answer = await self._get(self.source.url, self._validators, self._max_bytes)
        if answer is None:
            return None
        body, headers = answer
        names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        validators = {names[name]: value for name, value in headers.items() if name in names}
        return await self._with_files(body), validators

    async def _with_files(self, body: bytes) -> bytes:
        """The document itself, or a manifest's files made one document."""
        if self.source.format.name != "fhir" or not _is_manifest(body):
            return body
        parts: list[bytes] = []
        left = self._max_bytes - len(body)
        for file in bulk_files(body, self.source.url, self.source.other_hosts):
            self.of_file = f" (file {shown(urlsplit(file.url).path)})"
            answer = await self._get(file.url, {}, left)
            assert answer is not None  # nothing was said that could be unchanged
            parts.append(answer[0])
            left -= len(answer[0])
        self.of_file = ""
        return one_document(body, parts)

    async def _get(
        self, url: str, conditions: dict[str, str], limit: int
    ) -> tuple[bytes, httpx.Headers] | None:
        """Body and headers of a 200, or ``None`` for the 304 that `conditions` allow."""
        headers = dict(conditions)
        if self.source.bearer and _origin(url) == _origin(self.source.url):
            headers["Authorization"] = f"Bearer {self.source.bearer}"
        async with self._client.stream("GET", url, headers=headers) as response:
            if conditions and response.status_code == httpx.codes.NOT_MODIFIED:
                return None
            response.raise_for_status()
            if response.status_code != httpx.codes.OK:
                raise httpx.HTTPStatusError("not 200", request=response.request, response=response)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    raise httpx.DecodingError(f"the document is over {self._max_bytes} bytes")
        return bytes(body), response.headers


def _is_manifest(body: bytes) -> bool:
    if b"transactionTime" not in body:
        return False
    try:
        return is_manifest(orjson.loads(body.removeprefix(b"\xef\xbb\xbf")))
    except orjson.JSONDecodeError:
        return False


def _origin(url: str) -> tuple[str, str]:
    """Whom a key is for: the same host by an unencrypted way is another."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
