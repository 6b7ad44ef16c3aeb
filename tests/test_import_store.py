"""Imported figures in both databases: every version kept, each document once, two signatures."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.history import History
from capacity.imports import Counts, Document, Imports, Refusal, State, Told, digest_of
from capacity.imports.imports import PUT_TOGETHER
from tests.support.registers import CLUSTER, DEFINITIONS, months, read, told

pytest_plugins = ["tests.support.database_fixtures"]

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


class Ticking:
    """A clock that moves on by a minute whenever it is asked."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


@pytest.fixture
def imports(history: History) -> Imports:
    return Imports(history, Ticking())


def document(*figures: Told, name: str = "a") -> Document:
    return Document(digest_of(name.encode(), repr(figures)), figures, 0)


async def put(imports: Imports, *figures: Told, name: str = "a", by: str = "a_one") -> Counts:
    counts = await imports.bring_in(CLUSTER, document(*figures, name=name), by, "coordinator")
    assert counts is not None
    return counts


async def test_a_correction_keeps_the_earlier_value_and_who_told_it(imports: Imports) -> None:
    assert await put(imports, told(10), name="first") == Counts(new=1)
    assert await put(imports, told(12), name="second", by="a_two") == Counts(corrected=1)
    (figure,) = await imports.figures(CLUSTER)
    assert [each.told.numerator for each in figure.versions] == [10, 12]
    assert [each.number for each in figure.versions] == [1, 2]
    assert [each.imported.account for each in figure.versions] == ["a_one", "a_two"]
    assert figure.earlier[0].imported.at < figure.latest.imported.at
    assert figure.latest.state is State.DRAFT


async def test_the_same_document_comes_in_once(imports: Imports) -> None:
    figures = (told(10), told(11, period=date(2026, 2, 1)))
    assert await put(imports, *figures) == Counts(new=2)
    again = await imports.bring_in(CLUSTER, document(*figures), "a_two", "coordinator")
    assert again is None
    # Nor does an old document take a correction back.
    await put(imports, told(20), name="correction")
    assert await imports.bring_in(CLUSTER, document(*figures), "a_two", "coordinator") is None
    assert [len(each.versions) for each in await imports.figures(CLUSTER)] == [2, 1]


async def test_what_says_the_same_is_no_correction(imports: Imports) -> None:
    await put(imports, told(10), name="first")
    assert await put(imports, told(10), name="second") == Counts(unchanged=1)
    assert await put(imports, told(10, 999), name="third") == Counts(corrected=1)
    assert await put(imports, told(10, 999, source="DST"), name="4th") == Counts(corrected=1)


async def test_two_accounts_sign_and_each_version_for_itself(imports: Imports) -> None:
    await put(imports, told(10))
    (figure,) = await imports.figures(CLUSTER)
    one = figure.latest.id
    assert await imports.approve(CLUSTER, [one], "a_two", "administrator") == {
        one: Refusal.NOT_CHECKED
    }
    assert await imports.check(CLUSTER, [one, one], "a_one", "coordinator") == {one: None}
    assert await imports.check(CLUSTER, [one], "a_two", "coordinator") == {one: Refusal.DONE}
    assert await imports.approve(CLUSTER, [one], "a_one", "coordinator") == {
        one: Refusal.SAME_ACCOUNT
    }
    assert await imports.approve(CLUSTER, [one], "a_two", "administrator") == {one: None}
    assert await imports.approve(CLUSTER, [one], "a_two", "administrator") == {one: Refusal.DONE}
    (figure,) = await imports.figures(CLUSTER)
    assert figure.latest.state is State.APPROVED
    assert figure.latest.checked is not None
    assert figure.latest.approved is not None
    assert (figure.latest.checked.account, figure.latest.approved.role) == (
        "a_one", "administrator"
    )  # fmt: skip
    # A correction is a draft, and what was approved stays there to be seen.
    await put(imports, told(12), name="correction")
    (figure,) = await imports.figures(CLUSTER)
    assert figure.latest.state is State.DRAFT
    assert figure.approved is not None
    assert figure.approved.told.numerator == 10
    assert await imports.check(CLUSTER, [one], "a_two", "x") == {one: Refusal.CORRECTED}


async def test_another_clusters_figures_cannot_be_signed(imports: Imports) -> None:
    await put(imports, told(10))
    (figure,) = await imports.figures(CLUSTER)
    found = await imports.check("horsens", [figure.latest.id, 999], "a_two", "coordinator")
    assert found == {figure.latest.id: Refusal.UNKNOWN, 999: Refusal.UNKNOWN}
    assert await imports.figures("horsens") == []


async def test_figures_are_found_by_indicator_and_period(imports: Imports) -> None:
    await put(imports, *(told(n, period=date(2026, n, 1)) for n in range(1, 7)))
    await put(imports, told(1, indicator="ready_days"), name="other")
    found = await imports.figures(
        CLUSTER, indicator="acute_admissions", first=date(2026, 2, 1), last=date(2026, 4, 1)
    )
    assert [each.latest.told.numerator for each in found] == [2, 3, 4]
    assert len(await imports.figures(CLUSTER)) == 7


async def test_an_interrupted_document_goes_on_and_doubles_nothing(imports: Imports) -> None:
    many = tuple(
        told(n, municipality=code, period=date(2000 + n // 12, n % 12 + 1, 1))
        for n in range(200) for code in ("0706", "0707", "0710", "0730")
    )  # fmt: skip
    assert len(many) > PUT_TOGETHER
    whole = document(*many)

    def stop(_: Counts) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await imports.bring_in(CLUSTER, whole, "a_one", "coordinator", stop)
    counts = await imports.bring_in(CLUSTER, whole, "a_one", "coordinator")
    assert counts == Counts(new=len(many) - PUT_TOGETHER, known=PUT_TOGETHER)
    figures = await imports.figures(CLUSTER)
    assert len(figures) == len(many)
    assert all(len(each.versions) == 1 for each in figures)


async def test_programs_that_import_at_once_give_each_version_its_number(
    database_url: str, history: History
) -> None:
    others = [History(database_url) for _ in range(3)]
    try:
        for each in others:
            await each.start()
        doors = [Imports(each, Ticking()) for each in (history, *others)]
        waiting = [
            put(door, told(100 + n), name=str(n)) for n, door in enumerate(doors)
        ]  # fmt: skip
        await asyncio.gather(*waiting)
        (figure,) = await doors[0].figures(CLUSTER)
        assert [each.number for each in figure.versions] == [1, 2, 3, 4]
        assert {each.told.numerator for each in figure.versions} == {100, 101, 102, 103}
        signed = [door.check(CLUSTER, [figure.latest.id], f"a_{n}", "coordinator")
                  for n, door in enumerate(doors)]  # fmt: skip
        answers = [next(iter(each.values())) for each in await asyncio.gather(*signed)]
        assert sorted(answers, key=str) == [None, Refusal.DONE, Refusal.DONE, Refusal.DONE]
    finally:
        for each in others:
            await each.stop()


_EXAMPLES = count()
_FILES = st.lists(
    st.dictionaries(st.integers(1, 3), st.integers(0, 3), min_size=1), min_size=1, max_size=7
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=_FILES)
async def test_versions_are_what_a_ledger_on_paper_would_hold(
    imports: Imports, files: list[dict[int, int]]
) -> None:
    """Month to count, file after file, each into a cluster of its own for the example."""
    cluster = f"example-{next(_EXAMPLES)}"
    paper: dict[int, list[int]] = {}
    seen: set[str] = set()
    for content in files:
        figures = tuple(told(n, period=date(2026, month, 1)) for month, n in content.items())
        name = digest_of(b"", repr(sorted(content.items())))
        counts = await imports.bring_in(cluster, Document(name, figures, 0), "a", "coordinator")
        assert (counts is None) is (name in seen)
        if counts is None:
            continue
        seen.add(name)
        for month, n in content.items():
            if paper.get(month, [None])[-1] != n:
                paper.setdefault(month, []).append(n)
        assert counts.done == len(content)
    found = {
        each.latest.told.key.period.month: [v.told.numerator for v in each.versions]
        for each in await imports.figures(cluster)
    }
    assert found == paper


async def test_a_registers_file_ends_in_charts(imports: Imports) -> None:
    """The seam: periods of an indicator, as the charts take them."""
    from capacity.imports import value

    parsed = read(months([800 + 10 * (n % 3) for n in range(20)]))
    assert not parsed.rejects
    await put(imports, *parsed.told)
    figures = await imports.figures(CLUSTER, indicator="acute_admissions")
    definition = DEFINITIONS.on(date(2026, 1, 1))["acute_admissions"]
    values = [value(each.latest.told, definition) for each in figures]
    assert values[:3] == [800 * 1000 / 98000, 810 * 1000 / 98000, 820 * 1000 / 98000]
