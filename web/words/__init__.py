"""Every word the pages show, Danish first, English by switch, with the plural rule.

Each room of the product has a module of texts here: `SHARED` and `SHARED_COUNTS` are used by its
pages *and* by their scripts (`Words.for_script` hands them over, so that a figure patched in the
browser reads exactly like one rendered here), `PAGE` by its pages only. Texts hold named gaps such
as ``{time}``. A key belongs to one room, so all can be asked for by key alone. Names of units,
municipalities and capabilities come from the catalogue.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from web.words import (
    access,
    account,
    admin,
    alternatives,
    annotations,
    board,
    calls,
    charts,
    comparison,
    imports,
    indicators,
    ledger,
    notify,
    registers,
    replay,
    report,
    statement,
    surge,
    tables,
    unit_page,
    wall,
)
from web.words.board import KINDS, MONTHS
from web.words.texts import DEFAULT, LANGUAGES, Lang, Pair, choose_language, fill

__all__ = ["DEFAULT", "LANGUAGES", "Lang", "Pair", "Words", "choose_language", "fill"]

T = TypeVar("T")


class _Room(Protocol):
    @property
    def SHARED(self) -> Mapping[str, Pair]: ...  # noqa: N802 - a module's constant
    @property
    def SHARED_COUNTS(self) -> Mapping[str, tuple[Pair, Pair]]: ...  # noqa: N802
    @property
    def PAGE(self) -> Mapping[str, Pair]: ...  # noqa: N802


ROOMS: Final[Mapping[str, _Room]] = {
    "board": board,
    "annotations": annotations,
    "surge": surge,
    "tables": tables,
    "alternatives": alternatives,
    "access": access,
    "account": account,
    "admin": admin,
    "calls": calls,
    "charts": charts,
    "comparison": comparison,
    "imports": imports,
    "registers": registers,
    "wall": wall,
    "indicators": indicators,
    "notify": notify,
    "ledger": ledger,
    "replay": replay,
    "report": report,
    "statement": statement,
    "unit_page": unit_page,
}
"""The rooms by the name that `Words.for_script` takes."""


def _joined(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    """All texts by key; a key that two rooms claim is a mistake in this program."""
    found: dict[str, T] = {}
    for part in parts:
        twice = found.keys() & part.keys()
        if twice:
            raise ValueError(f"texts that stand twice: {sorted(twice)}")
        found |= part
    return found


_TEXTS: Final = _joined(each for room in ROOMS.values() for each in (room.SHARED, room.PAGE))
_COUNTS: Final = _joined(room.SHARED_COUNTS for room in ROOMS.values())


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language.

    `places` is the catalogue's word for acute places, one and many; it changes by law and date,
    so it is data and not a text of ours.
    """

    lang: Lang = DEFAULT
    places: Pair | None = None

    def text(self, key: str, /, **values: object) -> str:
        """The text called `key` with its gaps filled; `KeyError` when there is none."""
        pair = _TEXTS[key]
        return fill(pair[self._index], values)

    def count(self, key: str, n: int, /, **values: object) -> str:
        """The text called `key` for a number: one for exactly 1, else many (Danish and English)."""
        one, many = self._forms(key)
        return fill(one if n == 1 else many, {"n": n, **values})

    def kind(self, kind: str) -> str:
        """What a unit kind is called when the catalogue has no term for it."""
        pair = KINDS.get(kind)
        return pair[self._index] if pair else kind

    @property
    def months(self) -> Sequence[str]:
        """The names of the twelve months."""
        return MONTHS[self.lang]

    def for_script(self, *rooms: str) -> dict[str, object]:
        """What a page's script needs: texts, [one, many] pairs, and month names.

        The board's words always; those of further `rooms` (modules here) by name.
        """
        wanted = [ROOMS[room] for room in ("board", *rooms)]
        texts: dict[str, object] = {
            key: pair[self._index] for room in wanted for key, pair in room.SHARED.items()
        }
        counts = {key: list(self._forms(key)) for room in wanted for key in room.SHARED_COUNTS}
        return {"lang": self.lang, "texts": texts, "counts": counts, "months": list(self.months)}

    def _forms(self, key: str) -> Pair:
        if key == "places" and self.places:
            return self.places
        return _COUNTS[key][self._index]

    @property
    def _index(self) -> int:
        return LANGUAGES.index(self.lang)
