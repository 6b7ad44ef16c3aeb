"""What a process loads at its start, or soon after, it keeps: no need to search it for garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Everything that is made in here stays, and is left out when garbage is looked for.

    Not now, while modules and a catalogue of thousands of units come into being, and not later:
    a search through all of that holds up every board for a tenth of a second, and many boards that
    come at once would have it made again and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
