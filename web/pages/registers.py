"""What stands beside figures that were handed in, and beside changes noted on charts, in words.

Of every figure that somebody has yet to approve it is said; of a corrected one what it was before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from capacity.annotated import Change as Noted
from capacity.annotated import Effect
from capacity.imports import Imported, Signed, State, Version, value
from capacity.registers import RegisterPoint
from web.charts import Change, Step
from web.charts.numbers import number, period, with_unit
from web.indicator_desk import Told
from web.pages import times
from web.words import Words

MOST_CORRECTIONS: Final = 4
"""Corrections told of one point; of the others how many."""
UNKNOWN: Final = "–"


def drafts(told: Told) -> frozenset[int]:
    """The points whose figures nobody has approved yet."""
    return frozenset(index for index, each in enumerate(told.register) if each.is_draft)


def remarks(
    told: Told, unit: str, names: Mapping[str, str], words: Words
) -> dict[int, tuple[str, ...]]:
    """What is told of each point in the table: who vouches for it, what it was before it was
    corrected, what is missing. `names` are those of municipalities.
    """
    found = {
        index: tuple(_about(told, point, unit, names, words))
        for index, point in enumerate(told.register)
    }
    return {index: texts for index, texts in found.items() if texts}


def notes(told: Told, words: Words) -> list[str]:
    """The sentences below a chart: its registers, how far it is validated, where its limits come
    from.
    """
    found = []
    sources = sorted({source for each in told.register for source in each.sources})
    if sources:
        found.append(words.text("register_sources", sources=", ".join(sources)))
        states = [each.state for each in told.register if each.state is not None]
        counted = [
            words.count(f"register_n_{state}", n) for state in State if (n := states.count(state))
        ]
        found.append(words.text("register_states", states=", ".join(counted)))
    if len(signatures := _signatures(told)) == 1:
        found += [f"{_begun(each)}." for each in _who(*signatures.pop(), words)]
    if n := sum(bool(each.corrected) for each in told.register):
        found.append(words.count("register_corrected", n))
    if told.base is not None:
        found.append(_fixed(told.base, words, "annotation_fixed_before"))
    return found


def changes(told: Told, names: Mapping[str, str], words: Words) -> list[Change]:
    """What was noted, as charts show it."""
    return [
        Change(mark.index, _noted(mark.change, names, words), mark.change.effect is Effect.REBASE)
        for mark in told.marks
    ]


def _signatures(told: Told) -> set[tuple[tuple[Signed, ...], tuple[Signed, ...]]]:
    """The different people that vouch for points of a chart, as pairs: checked, approved.

    Where only the second is still lacking it is no other pair.
    """
    found = {
        (_whose(each.checked), _whose(each.approved)) for each in told.register if each.checked
    }
    approving = {checked for checked, approved in found if approved}
    return {each for each in found if each[1] or each[0] not in approving}


def _whose(signed: Sequence[Signed]) -> tuple[Signed, ...]:
    """The same signatures without their times."""
    earliest = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted((replace(each, at=earliest) for each in signed), key=attrgetter("account")))


def _who(checked: Sequence[Signed], approved: Sequence[Signed], words: Words) -> Iterator[str]:
    for key, signed in (("register_checked_by", checked), ("register_approved_by", approved)):
        if signed:
            yield words.text(key, who=", ".join(role(each, words) for each in signed))


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def role(signed: Signed, words: Words) -> str:
    """In what capacity somebody signed, and as which account."""
    return f"{signed.account} ({words.text(f'role_{signed.role}').lower()})"


def _about(
    told: Told, point: RegisterPoint, unit: str, names: Mapping[str, str], words: Words
) -> Iterator[str]:
    if point.parts and point.missing:
        yield words.count("register_missing", point.missing)
    state = point.state
    if state in (State.CHECKED, State.APPROVED):
        yield words.text(f"register_{state}")
    if len(_signatures(told)) > 1 and state in (State.CHECKED, State.APPROVED):
        yield from _who(point.checked, point.approved, words)
    corrections = [
        _correction(told, point, (part, at), unit, names, words)
        for part in point.corrected
        for at in range(len(part.versions) - 1, 0, -1)
    ]
    yield from corrections[:MOST_CORRECTIONS]
    if (left := len(corrections) - MOST_CORRECTIONS) > 0:
        yield words.count("register_more", left)


def _correction(
    told: Told,
    point: RegisterPoint,
    which: tuple[Imported, int],
    unit: str,
    names: Mapping[str, str],
    words: Words,
) -> str:
    """One correction: when, and what the figure was until then."""
    part, at = which
    after, before = part.versions[at], part.versions[at - 1]
    text = words.text(
        "register_was",
        time=times.full(words, after.imported.at),
        value=_value(told, before, unit, words),
        counts=_counts(before, words),
    )
    if len(point.parts) + point.missing == 1:
        return text
    key = part.latest.told.key
    of = names.get(key.municipality, key.municipality)
    if key.step != told.step:
        of = f"{of}, {period(words, key.period, Step(key.step))}"
    return f"{of}: {text}"


def _value(told: Told, version: Version, unit: str, words: Words) -> str:
    found = value(version.told, told.definition)
    return UNKNOWN if found is None else with_unit(words, found, told.definition.decimals, unit)


def _counts(version: Version, words: Words) -> str:
    of = version.told.denominator
    below = UNKNOWN if of is None else number(words, of, 0)
    return f"{number(words, version.told.numerator, 0)} / {below}"


def _noted(change: Noted, names: Mapping[str, str], words: Words) -> str:
    day = period(words, change.day, Step.DAY)
    text = f"{change.text}, {day}"
    if change.municipality is not None:
        text = f"{names.get(change.municipality, change.municipality)}: {text}"
    if change.effect is Effect.BASELINE:
        return f"{text} ({_fixed(change, words, 'annotation_fixed')})"
    return text


def _fixed(change: Noted, words: Words, key: str) -> str:
    days: Sequence[str] = [
        period(words, day, Step.DAY) for day in (change.day, change.until or change.day)
    ]
    return words.text(key, first=days[0], last=days[1], text=change.text)
