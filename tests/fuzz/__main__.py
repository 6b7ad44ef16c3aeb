"""``python -m tests.fuzz [--seconds N] [--seed N] [--crashers FOLDER] [--unreached] [FORMAT …]``.

Progress goes to standard error, one line a format to standard output. Exit code 0 when every
input was read or refused as promised, 1 when some were not: they lie in the folder of crashers.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from feeds.formats import format_names
from tests.fuzz.loop import Fuzzer, save


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz what was asked for, one format after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the parsers.")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help="all, if none is named")
    parser.add_argument("--seconds", type=float, default=60, help="for each format (60)")
    parser.add_argument("--seed", type=int, default=0, help="another gives other inputs (0)")
    parser.add_argument("--unreached", action="store_true", help="also print lines not reached")
    outside = Path(tempfile.gettempdir()) / "akutoverblik-fuzz"
    parser.add_argument("--crashers", type=Path, default=outside, help=f"folder ({outside})")
    options = parser.parse_args(arguments)
    if unknown := set(options.formats) - set(format_names()):
        parser.error(f"no such format: {', '.join(sorted(unknown))}")
    failed = False
    for name in options.formats or format_names():
        print(f"{name}: {options.seconds:g} s", file=sys.stderr, flush=True)
        figures = Fuzzer(name, options.seed).run(options.seconds, progress=True)
        print(figures, flush=True)
        for path in save(figures, options.crashers):
            failed = True
            why = path.with_suffix(".txt").read_text("utf-8")
            print(f"  {why}: {path}", flush=True)
        if options.unreached:
            for module, lines in figures.unreached().items():
                print(f"  {module}: {lines}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
