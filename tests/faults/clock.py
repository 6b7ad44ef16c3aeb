"""A clock that is wrong, for one process: a small library that the loader puts before the system's.

It adds to the wall clock what a file says, or stands where the file says; what counts steadily
stays as it is. Built by the C compiler of the machine; without one, scenarios of the clock cannot
be played.
"""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from capacity.instants import epoch_millis, utc_now
from tests.faults.finding import OptedOutError

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *ahead_ms; /* the second: where it stands, 0 while it goes */

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(0, 16, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) ahead_ms = page;
  close(file);
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int failed = syscall(SYS_clock_gettime, which, now);
  if (failed || !ahead_ms) return failed;
  if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) {
    int64_t stands_ms = ahead_ms[1];
    if (stands_ms) {
      now->tv_sec = stands_ms / 1000;
      now->tv_nsec = stands_ms % 1000 * 1000000;
      return 0;
    }
    int64_t nanos = now->tv_nsec + (*ahead_ms % 1000) * 1000000;
    now->tv_sec += *ahead_ms / 1000 + nanos / 1000000000;
    now->tv_nsec = nanos % 1000000000;
    if (now->tv_nsec < 0) { now->tv_nsec += 1000000000; now->tv_sec--; }
  }
  return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec found;
  if (clock_gettime(CLOCK_REALTIME, &found)) return -1;
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec found;
  clock_gettime(CLOCK_REALTIME, &found);
  if (where) *where = found.tv_sec;
  return found.tv_sec;
}
"""


class WrongClock:
    """The wall clock of whatever is started with its environment."""

    def __init__(self, folder: Path, name: str, library: Path) -> None:
        self._file = folder / f"{name}.clock"
        self._library = library
        self.put(0.0)

    def put(self, seconds: float) -> None:
        """From now on it is so much ahead of the machine's."""
        self.ahead = seconds
        self._write(int(seconds * 1000), 0)

    def stand(self, at: datetime) -> None:
        """From now on it shows this instant (of whole milliseconds), for as long as nobody moves
        it.
        """
        self._write(0, epoch_millis(at))

    def _write(self, ahead_ms: int, stands_ms: int) -> None:
        if not self._file.exists():
            self._file.write_bytes(bytes(16))
        with self._file.open("r+b") as file:
            file.write(struct.pack("=qq", ahead_ms, stands_ms))

    def now(self) -> datetime:
        """What it shows."""
        return utc_now() + timedelta(seconds=self.ahead)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to go by it."""
        return {"LD_PRELOAD": str(self._library), "FAULTS_CLOCK": str(self._file)}

    @contextmanager
    def for_children(self) -> Iterator[None]:
        """Meanwhile whatever this process starts goes by it."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def build(folder: Path) -> Path:
    """The library; `OptedOutError` where there is nothing to build it with."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise OptedOutError("no C compiler (cc) to make a wrong clock with")
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(_SOURCE, encoding="ascii")
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OptedOutError(f"the C compiler cannot make the wrong clock: {done.stderr[:200]}")
    return library
