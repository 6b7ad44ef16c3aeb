"""MLLP's framing, without any input or output: VT, the message, FS, CR.

A message cannot hold VT or FS, so a frame ends at its FS, a second VT means that the frame before
was cut off, and whatever stands between frames is no message.
"""

START, END = 0x0B, 0x1C
MAX_NOISE = 64 * 1024
"""Bytes outside frames, since the last frame, after which the peer is no MLLP sender."""


class FramingError(Exception):
    """The peer does not speak MLLP, or sends too much; `begun` is the frame's beginning, if any."""

    def __init__(self, reason: str, begun: bytes = b"") -> None:
        self.reason = reason
        self.begun = begun
        super().__init__(reason)


class Frames:
    """Cuts a stream of bytes into messages of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._frame: bytearray | None = None
        self._noise = 0

    @property
    def within(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._frame is not None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that end in `data`; raises `FramingError` when there is no going on.

        Messages that ended before the error are lost with it: they were not acknowledged.
        """
        done: list[bytes] = []
        position = 0
        while position < len(data):
            if self._frame is None:
                position = self._skip(data, position)
            else:
                position = self._take(data, position, self._frame, done)
        return done

    def _skip(self, data: bytes, position: int) -> int:
        start = data.find(START, position)
        self._noise += (len(data) if start < 0 else start) - position
        if self._noise > MAX_NOISE:
            raise FramingError("what arrives is not MLLP")
        if start < 0:
            return len(data)
        self._frame = bytearray()
        return start + 1

    def _take(self, data: bytes, position: int, frame: bytearray, done: list[bytes]) -> int:
        end = data.find(END, position)
        stop = len(data) if end < 0 else end
        begun_again = data.rfind(START, position, stop)
        if begun_again >= 0:
            frame.clear()
            position = begun_again + 1
        frame += data[position:stop]
        if len(frame) > self._max_bytes:
            raise FramingError(f"a message is over {self._max_bytes} bytes", bytes(frame[:4096]))
        if end < 0:
            return len(data)
        done.append(bytes(frame))
        self._frame = None
        self._noise = 0
        return end + 1


def framed(message: bytes) -> bytes:
    """A message as it is sent."""
    return bytes((START,)) + message + bytes((END, 0x0D))
