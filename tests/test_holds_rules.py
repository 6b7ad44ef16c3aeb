"""The rules of holds, without a store: what may follow, what counts, what rows make of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.holds import (
    LIVE,
    NEXT,
    REASONS,
    UNIT_LEFT,
    HoldState,
    counts_in_free,
    is_holdable,
    is_legal_path,
)
from capacity.instants import utc_now
from capacity.model import REPORT_TYPE_OF_KIND, Closure, ReportType, UnitKind
from capacity.row import Row, encode_row, read_row, with_holds, without_holds
from tests.support.holds import encode, row_with, unit_of

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "holds.md"
STATES = st.sampled_from(list(HoldState))


@given(st.lists(STATES, max_size=5))
def test_a_path_is_legal_if_every_step_is(path: list[HoldState]) -> None:
    steps = all(after in NEXT.get(path[n], ()) for n, after in enumerate(path[1:]))
    assert is_legal_path(path) == (bool(path) and path[0] is HoldState.ASKED and steps)


def test_an_end_is_an_end_and_every_state_can_be_reached() -> None:
    assert set(NEXT) == LIVE
    assert {HoldState.ASKED}.union(*NEXT.values()) == set(HoldState)
    assert set(REASONS) <= set(HoldState) - LIVE


@pytest.mark.parametrize("kind", list(UnitKind))
def test_what_counts_something_can_be_held(kind: UnitKind) -> None:
    of_type = REPORT_TYPE_OF_KIND[kind]
    counted = of_type in (ReportType.PLACE, ReportType.TEAM, ReportType.SLOT)
    assert is_holdable(unit_of("u", kind)) == counted


@given(STATES, st.booleans())
def test_a_hold_counts_while_it_lives_and_until_it_is_in_the_figures(
    state: HoldState, taken_over: bool
) -> None:
    counts = counts_in_free(state, taken_over=taken_over)
    assert counts == (state in LIVE or (state is HoldState.FILLED and not taken_over))


HOLDS = st.lists(
    st.builds(
        lambda state, over: {
            "state": state.value,
            "counts": counts_in_free(state, taken_over=over),
        },
        STATES,
        st.booleans(),
    ),
    max_size=6,
)


@given(free=st.none() | st.integers(0, 5), closed=st.booleans(), holds=HOLDS)
def test_holds_lower_free_and_nothing_else(
    free: int | None, closed: bool, holds: list[dict[str, Any]]
) -> None:
    fields: dict[str, Any] = {"closure": Closure("Lukket")} if closed else {}
    bare = row_with("u", free, utc_now(), **fields)

    row = with_holds(bare, holds, {"source": "nurse"})

    counting = sum(hold["counts"] for hold in holds)
    assert row["held"] == sum(hold["state"] in ("asked", "accepted") for hold in holds)
    if closed:
        assert (row["free"], row["state"]) == (0, "closed")
    elif free is None:
        assert (row["free"], row["state"]) == (None, "unknown")
    else:
        assert row["free"] == max(0, free - counting)
        assert row["state"] == ("free" if row["free"] else "occupied")
    changed = {name for name in row if row[name] != bare[name]}  # type: ignore[literal-required]
    assert changed <= {"held", "holds", "disputed", "free", "state"}
    # what a writer hands to the store is the bare row again
    assert without_holds(row) == bare
    assert encode_row(row) == encode(bare)


def test_rows_of_a_program_before_holds_are_read() -> None:
    bare = row_with("u", 2, utc_now())
    old = {name: value for name, value in bare.items() if name not in ("holds", "disputed")}

    read = read_row(encode(Row(**old)))  # type: ignore[typeddict-item]

    assert encode(read) == encode(bare)
    assert read_row(encode(bare)) == bare


def test_the_document_tells_the_same() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    _, *found = re.findall(r"^\| (\w+) \| [^|]+ \| [^|]+ \| ([\w, ]*) ?\|$", text, re.MULTILINE)
    table = {state: set(filter(None, after.strip().split(", "))) for state, after in found}
    assert table == {state.value: set(NEXT.get(state, ())) for state in HoldState}
    for reason in {UNIT_LEFT}.union(*REASONS.values()):
        assert f"`{reason}`" in text
