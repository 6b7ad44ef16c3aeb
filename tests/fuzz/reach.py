"""What a parse reaches of our own code: lines, and steps from one line to the next."""

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
WATCHED = (
    *sorted((ROOT / "feeds" / "formats").glob("*.py")),
    *(ROOT / "capacity" / f"{name}.py" for name in ("reading", "instants", "privacy", "rules")),
)
_NAMES = {str(path): path.stem for path in WATCHED}

Step = tuple[str, int, int]
"""Module, the line before (0 at the beginning of a function), and the line."""


class Reach:
    """Notes the steps of whatever runs inside ``with``."""

    def __init__(self) -> None:
        self.steps: set[Step] = set()
        self._before: Any = None

    def __enter__(self) -> "Reach":
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, _event: str, _argument: object) -> Any:
        module = _NAMES.get(frame.f_code.co_filename)
        return None if module is None else self._lines(module)

    def _lines(self, module: str) -> Callable[..., Any]:
        last = 0
        add = self.steps.add

        def line(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal last
            if event == "line":
                add((module, last, last := frame.f_lineno))
            return line

        return line


@lru_cache
def lines_in_functions(module: str) -> frozenset[int]:
    """The lines that can be reached in a module, those that run on import left out."""
    path = next(path for path in WATCHED if path.stem == module)

    def walk(code: CodeType, inside: bool) -> Iterator[int]:
        function = bool(code.co_flags & 0x2)  # CO_NEWLOCALS: a function, no module or class body
        if inside or function:
            yield from (
                line for *_, line in code.co_lines() if line and line != code.co_firstlineno
            )
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from walk(constant, inside or function)

    return frozenset(walk(compile(path.read_bytes(), str(path), "exec"), False))


def words_in(modules: set[str]) -> list[bytes]:
    """The texts that stand in the code of modules: what a parser compares with, it names."""

    def walk(constant: object) -> Iterator[str]:
        if isinstance(constant, CodeType):
            for inner in constant.co_consts:
                yield from walk(inner)
        elif isinstance(constant, tuple | frozenset):
            for inner in constant:
                yield from walk(inner)
        elif isinstance(constant, str) and 0 < len(constant) <= 60 and "\n" not in constant:
            yield constant

    codes = [
        compile(path.read_bytes(), str(path), "exec") for path in WATCHED if path.stem in modules
    ]
    return sorted({word.encode() for code in codes for word in walk(code)})
