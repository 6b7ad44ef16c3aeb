"""A network between us and the store that loses exactly what it is told to lose."""

import asyncio
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from tests.support.pumping import until_either_ends


class LossyLine:
    """Passes bytes between clients and a server's unix socket.

    While `lose` is above zero, the reply to each request that holds `word` is thrown away and the
    connection cut (or, with `silently`, kept open without ever answering); the request itself has
    reached the server. `requests` counts requests that held the word.
    """

    def __init__(self, server: Path, word: bytes = b"FCALL") -> None:
        self._server = server
        self._word = word
        self._folder = Path(tempfile.mkdtemp(prefix="line-"))
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        self.lose = 0
        self.silently = False
        self.requests = 0

    @property
    def url(self) -> str:
        """Where clients find the line."""
        return f"unix://{self._folder / 's'}"

    async def __aenter__(self) -> "LossyLine":
        self._listener = await asyncio.start_unix_server(self._accepted, self._folder / "s")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        self._listener.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self._folder)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._over:  # it came while we closed
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also where it never began

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # the server is down
            far_reader, far_writer = await asyncio.open_unix_connection(self._server)
            losing = asyncio.Event()
            with closing(far_writer):
                await until_either_ends(
                    self._forward(reader, far_writer, losing),
                    self._return(far_reader, writer, losing),
                )

    async def _forward(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        while request := await reader.read(1 << 16):
            if self._word in request:
                self.requests += 1
                if self.lose:
                    self.lose -= 1
                    losing.set()
            far.write(request)

    async def _return(
        self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event
    ) -> None:
        while reply := await far.read(1 << 16):
            if not losing.is_set():
                writer.write(reply)
            elif not self.silently:
                return
