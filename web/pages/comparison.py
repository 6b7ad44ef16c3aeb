"""A comparison in sentences: what it comes to, or every reason why nothing can be said."""

from collections.abc import Callable
from dataclasses import dataclass

from capacity.comparison import Answer, Finding, Reason
from web.words import Words

_COUNTED = frozenset(
    {Reason.TOO_FEW, Reason.GAPS, Reason.UNKNOWN_TIME, Reason.UNSTABLE, Reason.DRAFTS,
     Reason.REBASED}
)  # fmt: skip
"""Reasons of which the number says more."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """`found` is the answer, `why` the reasons against one, `mind` what to bear in mind."""

    found: str
    why: tuple[str, ...]
    mind: tuple[str, ...]


def sentences(
    answer: Answer, words: Words, first: str, second: str, number: Callable[[float], str]
) -> Sentences:
    """An answer in the words of a language.

    `first` and `second` are what the two sides are called; `number` writes a figure with its unit.
    """

    def told(value: float | None) -> str:
        return "–" if value is None else number(value)

    found = words.text(
        f"compare_{answer.finding}",
        first=first,
        second=second,
        a=told(answer.first.mean),
        b=told(answer.second.mean),
        least=told(answer.least),
    )
    concluded = answer.finding is not Finding.REFUSED
    return Sentences(
        found=_begun(found),
        why=tuple(_why(words, reason, n) for reason, n in answer.reasons.items()),
        mind=tuple(words.text(f"compare_mind_{each}") for each in answer.cautions if concluded),
    )


def _why(words: Words, reason: Reason, n: int) -> str:
    key = f"compare_why_{reason}"
    return words.count(key, n) if reason in _COUNTED else words.text(key)


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
