"""The loop: choose, change, try, keep; and the promises that every input is held to."""

import gc
import hashlib
import signal
import sys
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple

from feeds.formats import Format, format_named
from tests.fuzz.mutations import mutated, unpacked
from tests.fuzz.reach import Reach, Step, lines_in_functions, words_in
from tests.fuzz.seeds import mappings, seeds
from tests.support.formats import reads_or_refuses

CPU_SECONDS = 2.0
"""What one input may take of the processor; inputs have at most 64 KB."""
MULTIPLE = 100
SLACK = 8_000_000
"""A parse takes at most `MULTIPLE` times the bytes of its document and `SLACK` bytes more of
memory, as Python counts it: what the readers written in C and Rust hold for themselves is not
seen. The most that was found is 86 times (XML of empty elements). For xlsx the unpacked parts
count, and `SPAN`."""
SPAN = 50_000_000
"""What the largest span of cells that is allowed may take, however small its document."""
_WATCHDOG = 20.0
"""Noting the steps makes a parse about ten times slower."""
_MEASURE_EVERY = 100


class HungError(BaseException):
    """An input took too long. It is no `Exception`, so that no parser can take it for its own."""


class Input(NamedTuple):
    """A document, and which of the mappings it is read by."""

    raw: bytes
    mapping: int


@dataclass
class Figures:
    """What was seen of one format."""

    format: str
    executions: int = 0
    seconds: float = 0.0
    steps: set[Step] = field(default_factory=set)
    slowest: float = 0.0
    peak: int = 0
    multiple: float = 0.0
    """Worst peak as a multiple of the document, among those of 4 KB and more."""
    crashers: dict[str, Input] = field(default_factory=dict)
    kept: int = 0

    def unreached(self) -> dict[str, list[int]]:
        """The lines not reached in modules of which any is."""
        lines: dict[str, set[int]] = {}
        for module, _, line in self.steps:
            lines.setdefault(module, set()).add(line)
        return {name: sorted(lines_in_functions(name) - hit) for name, hit in sorted(lines.items())}

    def __str__(self) -> str:
        missing = sum(map(len, self.unreached().values()))
        total = sum(len(lines_in_functions(name)) for name in self.unreached())
        return (
            f"{self.format}: {self.executions} executions in {self.seconds:.0f} s, "
            f"{self.kept} kept, {total - missing} of {total} lines, {len(self.steps)} steps; "
            f"at worst {self.slowest * 1000:.0f} ms, {self.peak / 1e6:.1f} MB, "
            f"{self.multiple:.0f} times an input of 4 KB and more; "
            f"{len(self.crashers)} crashers"
        )


class Fuzzer:
    """Fuzzes one format; the same seed and number of executions give the same inputs."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.figures = Figures(name)
        self._readers = [reader(format_named(name), mapping) for mapping in mappings(name)]
        self._chance = Random(f"{seed} {name}")
        self._corpus: list[Input] = []
        for raw in seeds(name):
            for mapping in range(len(self._readers)):
                self._try(Input(raw, mapping))
        self._words = words_in({module for module, *_ in self.figures.steps})

    def run(self, seconds: float, progress: bool = False, at_least: int = 0) -> Figures:
        """Go on for that long, and for so many documents if the machine is slow."""
        begun = said = time.monotonic()
        wanted = self.figures.executions + at_least
        while (now := time.monotonic()) - begun < seconds or self.figures.executions < wanted:
            if progress and now - said > 10:
                said = now
                print(f"  {self.figures}", file=sys.stderr, flush=True)
            self._try(self._next())
            self.figures.seconds = time.monotonic() - begun
        return self.figures

    def _next(self) -> Input:
        # Half of the time among the newest, which are the farthest from what is known.
        recent = self._corpus[-20:] if self._chance.random() < 0.5 else self._corpus
        chosen, other = self._chance.choice(recent), self._chance.choice(self._corpus)
        raw = mutated(chosen.raw, other.raw, self._words, self._chance)
        mapping = chosen.mapping
        if self._chance.random() < 0.1:
            mapping = self._chance.randrange(len(self._readers))
        return Input(raw, mapping)

    def _try(self, given: Input) -> None:
        figures = self.figures
        figures.executions += 1
        reach = Reach()
        begun = time.process_time()
        try:
            with bounded(_WATCHDOG), reach:
                self._parse(given)
        except (Exception, HungError) as error:  # noqa: BLE001 - that is what is looked for
            self._note(given, error)
        slow = time.process_time() - begun > max(0.2, figures.slowest)
        new = not reach.steps <= figures.steps
        if new:
            figures.steps |= reach.steps
            figures.kept += 1
            self._corpus.append(given)
        if new or slow or figures.executions % _MEASURE_EVERY == 0:
            self._measure(given)

    def _measure(self, given: Input) -> None:
        try:
            seconds, peak = measured(self._parse, given)
        except (Exception, HungError) as error:  # noqa: BLE001 - as above
            self._note(given, error)
            return
        figures = self.figures
        figures.slowest = max(figures.slowest, seconds)
        figures.peak = max(figures.peak, peak)
        if (size := size_of(given.raw)) >= 4096:
            figures.multiple = max(figures.multiple, peak / size)
        if peak > allowed(figures.format, given.raw):
            self._note(given, MemoryError(f"{peak} bytes for {len(given.raw)}"))

    def _parse(self, given: Input) -> None:
        reads_or_refuses(self._readers[given.mapping], given.raw)

    def _note(self, given: Input, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f"{Path(f.filename).stem}:{f.lineno}" for f in frames if "tests" not in f.filename]
        name = f"{type(error).__name__} {'' if isinstance(error, HungError) else ours[-1:]}"
        known = self.figures.crashers.get(name)
        if known is None or len(given.raw) < len(known.raw):
            self.figures.crashers[name] = given


def reader(fmt: Format[Any], mapping: dict[str, Any] | None) -> Format[Any]:
    """The format with that mapping for its default, checked once."""
    checked = None if mapping is None else fmt.read_mapping(mapping)
    return replace(fmt, parse=lambda raw, _, at: fmt.parse(raw, checked, at))


def measured(parse: Any, given: Any) -> tuple[float, int]:
    """Seconds of the processor, and the peak of memory (Python's own) in bytes, of one parse."""
    with bounded(CPU_SECONDS):
        begun = time.process_time()
        parse(given)
        seconds = time.process_time() - begun
    gc.collect()
    tracemalloc.start()
    try:
        parse(given)
        return seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def size_of(raw: bytes) -> int:
    """The size of a document; of a zip file, that of its parts as far as they can be read."""
    if raw.startswith(b"PK"):
        try:
            return max(len(raw), sum(map(len, unpacked(raw).values())))
        except Exception:  # noqa: BLE001 - damaged in any way that zipfile knows
            return len(raw)
    return len(raw)


def allowed(name: str, raw: bytes) -> int:
    """The bytes of memory that reading this document may take."""
    return MULTIPLE * size_of(raw) + SLACK + (SPAN if name == "xlsx" else 0)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise `HungError` after so much time of the processor; in the main thread only."""

    def hung(_signal: int, _frame: FrameType | None) -> None:
        raise HungError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def save(figures: Figures, folder: Path) -> list[Path]:
    """Write the crashers down, each in a file of its own; the mapping's number is in its name."""
    written = []
    for why, given in figures.crashers.items():
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(given.raw).hexdigest()[:12]
        path = folder / f"{figures.format}-{given.mapping}-{digest}"
        path.write_bytes(given.raw)
        path.with_suffix(".txt").write_text(why, "utf-8")
        written.append(path)
    return written
