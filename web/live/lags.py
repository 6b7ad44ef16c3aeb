"""How long changes wait between the store and the boards, counted for `/metrics`."""

from bisect import bisect_left

BOUNDS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the classes, in seconds: around the window of a frame, and up to where a page
calls its link lost."""


class Lags:
    """Frames by how old their oldest change was when the frame was sent, in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        """A frame was sent. Where the store's clock is ahead of ours, it took no time."""
        seconds = max(seconds, 0.0)
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    def cumulated(self) -> tuple[list[tuple[str, float]], float]:
        """By bound, as Prometheus writes it: frames that took no longer; and the sum of all."""
        total = 0.0
        found = []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found, self._sum
