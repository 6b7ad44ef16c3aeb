"""What a text is: one in Danish and one in English, and how its named gaps are filled."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Lang = Literal["da", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = get_args(Lang)
DEFAULT: Final[Lang] = "da"

Pair = tuple[str, str]
"""A Danish and an English text."""


def choose_language(*wishes: str | None) -> Lang:
    """The first wish that is a language of ours (query before cookie), else Danish."""
    for wish in wishes:
        for lang in LANGUAGES:
            if wish == lang:
                return lang
    return DEFAULT


def fill(text: str, values: Mapping[str, object]) -> str:
    """Put values into the named gaps, in one pass: a value's own braces stay as they are."""
    out: list[str] = []
    rest = text
    while "{" in rest:
        before, _, tail = rest.partition("{")
        name, _, rest = tail.partition("}")
        out += [before, str(values[name])]
    return "".join((*out, rest))
