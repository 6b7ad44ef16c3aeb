"""Every proof that the hazard log names is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOG = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`(tests/test_\w+\.py)(?:::(test_\w+))?`")


def names_in(path: Path) -> set[str]:
    """The tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_named_proof_exists() -> None:
    found = REFERENCE.findall(LOG)
    assert len(found) > 30
    for file, name in found:
        path = ROOT / file
        assert path.exists(), file
        assert not name or name in names_in(path), f"{file}::{name}"


def test_every_hazard_names_a_proof() -> None:
    hazards = [line for line in LOG.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(line.split("|")[1]) for line in hazards] == list(range(1, len(hazards) + 1))
    assert all(REFERENCE.search(line) for line in hazards)
