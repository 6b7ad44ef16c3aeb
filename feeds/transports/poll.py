"""HTTP poll: ask a source's address on a schedule, with conditional requests and a time-out."""

import asyncio

import httpx

from capacity.board import BoardUnavailableError
from capacity.instants import Clock
from capacity.model import UnreadableError
from feeds.intake import Intake, Receipt
from feeds.sources import Source


class Poll:
    """One polled source. What was not changed since the last document taken in is not read again.

    A document that the store could not take is kept and handed over before anything is asked
    again. The validators (ETag, Last-Modified) of a document are kept once it is durable.
    """

    def __init__(
        self,
        source: Source,
        client: httpx.AsyncClient,
        intake: Intake,
        clock: Clock,
        max_bytes: int,
    ) -> None:
        self.source = source
        self._client = client
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._validators: dict[str, str] = {}
        self._kept: tuple[bytes, dict[str, str]] | None = None

    @property
    def waits_for_store(self) -> bool:
        """Whether a document is kept that the store could not take yet."""
        return self._kept is not None

    async def once(self) -> Receipt | None:
        """Ask once; ``None`` when nothing is new or the source failed (its health says why)."""
        health = self._intake.health.of(self.source.id)
        try:
            if self._kept is None:
                async with asyncio.timeout(self.source.timeout.total_seconds()):
                    self._kept = await self.fetch()
            if self._kept is None:
                health.succeeded(self._clock())
                health.counts["not_modified"] += 1
                return None
            return await self._hand_over(*self._kept)
        except TimeoutError:
            health.failed(self._clock(), f"no answer within {self.source.timeout}")
        except httpx.HTTPStatusError as error:
            health.failed(self._clock(), f"answered {error.response.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            health.failed(self._clock(), f"{type(error).__name__}: {error}")
        except BoardUnavailableError as error:
            health.failed(self._clock(), f"the store is away: {error}")
        except UnreadableError:
            pass  # the intake has noted it in the source's health
        return None

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
        self._validators = {} if held_back else validators
        return receipt

    async def fetch(self) -> tuple[bytes, dict[str, str]] | None:
        """The new document and its validators, or ``None`` when it has not changed."""
        headers = dict(self._validators)
        if self.source.bearer:
            headers["Authorization"] = f"Bearer {self.source.bearer}"
        async with self._client.stream("GET", self.source.url, headers=headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return None
            response.raise_for_status()
            if response.status_code != httpx.codes.OK:
                raise httpx.HTTPStatusError("not 200", request=response.request, response=response)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_bytes:
                    raise httpx.DecodingError(f"the document is over {self._max_bytes} bytes")
        names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        validators = {
            names[name]: value for name, value in response.headers.items() if name in names
        }
        return bytes(body), validators
