"""The words after ``python -m simulators country``."""

import argparse
from pathlib import Path


def add_country(country: argparse.ArgumentParser) -> None:
    """The words after ``country``."""
    how = country.add_mutually_exclusive_group(required=True)
    how.add_argument("--serve", action="store_true", help="start akutoverblik serve for it")
    how.add_argument("--target", help="base address of a service that runs with the files")
    how.add_argument("--prepare", action="store_true", help="write the files, and no more")
    country.add_argument("--folder", type=Path, help="of files and stores; --serve may do without")
    country.add_argument("--invitation", metavar="LINK", help="--target: an administrator's")
    country.add_argument("--weigh", type=int, action="append", default=[], metavar="PID")
    country.add_argument("--workers", type=int, default=1, help="--serve: web processes")
    country.add_argument("--municipalities", type=int, default=98)
    country.add_argument("--units", type=int, default=500)
    country.add_argument("--boards", type=int, default=5000)
    country.add_argument("--visitators", type=int, default=2, help="in each cluster")
    country.add_argument("--speed", type=float, default=288.0, help="simulated per real time")
    country.add_argument("--minutes", type=float, default=5.0, help="real ones")
    country.add_argument("--seed", type=int, default=1)
    country.add_argument("--no-faults", action="store_true")
    country.add_argument("--json", type=Path, metavar="FILE", help="the report's figures")
