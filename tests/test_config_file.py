"""Configuration files: every error names its file, line and field, and repeats no value."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from capacity.config_file import (
    ConfigError,
    Document,
    Problem,
    _lines_of,
    field_name,
    load,
    parse,
    read,
)

EXAMPLE = '''# first line
title = "a file"
[owner]                       # line 3
name = "x"
contact.post = "y"            # line 5
"odd.key" = 1

[[unit]]                      # line 8
id = "one"
text = """
[[unit]]
id = 3
\\""" ["""""
phone = '\\'                   # line 14
hours = [                     # line 15
  { days = [1, 2], from = 08:00:00 },
  # [comment]
  { days = [                  # line 18
    3,
  ], from = 2026-01-01 08:00:00 },
]
lit = \'\'\'
[no.header]
it's\'\'\'
  [[unit.place]]              # line 25
  name = "p0"
  [unit.place.inner]          # line 27
  n = 1_000
  [[unit.place]]              # line 29
  name = "p1"

[[ unit ]]                    # line 32
id = "two" # [[unit]]
[unit.deep . 'er']            # line 34
k = -1.5e3
[[ 'a b'."c\\u0064" ]]         # line 36
k = []
e = {}
'''

PLACES = {
    ("title",): 2,
    ("owner",): 3,
    ("owner", "name"): 4,
    ("owner", "contact", "post"): 5,
    ("owner", "odd.key"): 6,
    ("unit",): 8,
    ("unit", 0): 8,
    ("unit", 0, "text"): 10,
    ("unit", 0, "phone"): 14,
    ("unit", 0, "hours"): 15,
    ("unit", 0, "hours", 0): 16,
    ("unit", 0, "hours", 0, "from"): 16,
    ("unit", 0, "hours", 0, "days", 1): 16,
    ("unit", 0, "hours", 1): 18,
    ("unit", 0, "hours", 1, "days", 0): 19,
    ("unit", 0, "hours", 1, "from"): 20,
    ("unit", 0, "lit"): 22,
    ("unit", 0, "place", 0): 25,
    ("unit", 0, "place", 0, "inner", "n"): 28,
    ("unit", 0, "place", 1): 29,
    ("unit", 0, "place", 1, "name"): 30,
    ("unit", 1): 32,
    ("unit", 1, "id"): 33,
    ("unit", 1, "deep"): 34,
    ("unit", 1, "deep", "er", "k"): 35,
    ("a b", "cd", 0): 36,
    ("a b", "cd", 0, "e"): 38,
}


@pytest.mark.parametrize(("loc", "line"), PLACES.items(), ids=lambda value: str(value))
def test_a_key_is_found_on_its_line(loc: tuple[str | int, ...], line: int) -> None:
    assert parse(EXAMPLE, "x.toml").line_of(loc) == line


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("unit", 1, "phone"), 32),
        (("unit", 0, "hours", 1, "until"), 18),
        (("unit", 9, "phone"), 8),
        (("absent",), 1),
        ((), 1),
        (("unit", 0, "hours", "function-after", 1, "from"), 20),
    ],
)
def test_a_missing_key_has_the_line_of_its_block(loc: tuple[str | int, ...], line: int) -> None:
    assert parse(EXAMPLE, "x.toml").line_of(loc) == line


def test_an_explicit_header_wins_over_an_earlier_mention() -> None:
    document = parse("[a.b]\nx = 1\n[a]\ny = 1\n", "x.toml")
    assert document.line_of(("a", "missing")) == 3


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\n[b]\r\nc = '''\r\n'''\r\nd = 2\r\n")
    document = read(path)
    assert document.data["b"]["c"] == ""
    assert document.line_of(("b", "d")) == 6


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found: set[tuple[str | int, ...]] = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_of(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= paths_of(inner, (*path, index))
    return found


def leaves(value: object, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], int]:
    if isinstance(value, int):
        return {path: value}
    found: dict[tuple[str | int, ...], int] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= leaves(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= leaves(inner, (*path, index))
    return found


NOISE = st.sampled_from(
    [
        "",
        "# [[a]] = '",
        '{t} = """\n[[a]]\n{t} = \\"""\n"""""',
        "{t} = '''\n[b.c]\n'''''",
        '{t} = "# [x] \\" = {{"',
        "{t} = 'C:\\\\'",
        "{t} = [\n '[[a]]', # ]\n]",
        "{t} = 1979-05-27 07:32:00",
        "{t} = true",
    ]
)
HEADERS = ["", "[[a]]", "[[a.b]]", "[a.c]", "[[ a . b . 'd e' ]]", "[z]", '[z."y"]', "[[q]] # [w]"]
VALUES = [
    "{k} = {n}",
    "{k}.{k} = {n}",
    '"{k} #" = {n}',
    "{k} = [ {n}, {{ x = {n}, y.z = [{n}] }} ]",
    "{k} = [\n  # ], '\n",
]


@settings(deadline=None)
@given(
    blocks=st.lists(
        st.tuples(st.sampled_from(HEADERS), st.lists(st.tuples(st.sampled_from(VALUES), NOISE))),
        max_size=8,
    )
)
def test_every_place_in_any_document_is_found_and_no_other(
    blocks: list[tuple[str, list[tuple[str, str]]]],
) -> None:
    """Each number in the text is the number of its own line."""
    lines: list[str] = []
    serial = 0
    for header, entries in blocks:
        lines.append(header)
        for form, noise in entries:
            serial += 1
            if form.endswith("\n"):
                lines += [f"k{serial} = [", "  # ], '", f"  {len(lines) + 3},", "]"]
            else:
                lines.append(form.format(k=f"k{serial}", n=len(lines) + 1))
            lines += noise.format(t=f"t{serial}").split("\n")
    text = "\n".join(lines)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(ConfigError):
            parse(text, "x.toml")
        return
    document = parse(text, "x.toml")
    assert set(_lines_of(document.text)) == paths_of(data)
    for path, number in leaves(data).items():
        if not isinstance(number, bool):
            assert document.line_of(path) == number


class Hours(BaseModel):
    model_config = ConfigDict(extra="forbid")
    days: list[int]


class UnitModel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    kind: Literal["place", "team"] = "place"
    places: int | None = Field(default=None, ge=0)
    since: date | None = None
    hours: list[Hours] = []

    @field_validator("id")
    @classmethod
    def short(cls, value: str) -> str:
        assert value != "bad"
        if len(value) > 5:
            raise ValueError(f"{value} is longer than five letters")
        return value


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    unit: list[UnitModel]


def test_a_good_file_becomes_its_model(tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text('[[unit]]\nid = "å"\nsince = 2026-01-01\n', encoding="utf-8")
    assert load(path, File).unit[0].since == date(2026, 1, 1)
    assert load(path, File).unit[0].id == "å"


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ('[[unit]]\nid = "a"\n\nplaces = -1\n', 4, "unit[0].places", "greater than or equal"),
        ('[[unit]]\nid = "a"\n[[unit]]\nplaces = 1\n', 3, "unit[1].id", "is missing"),
        ('[[unit]]\nid = "a"\nfone = 1\n', 3, "unit[0].fone", "is not a known key"),
        ("other = 1\nunit = []\n", 1, "other", "is not a known key"),
        ("\n\n", 1, "unit", "is missing"),
        ('[[unit]]\nid = "a"\nkind = "x"\n', 3, "unit[0].kind", "'place' or 'team'"),
        ('[[unit]]\nid = "toolong"\n', 2, "unit[0].id", "toolong is longer than five letters"),
        ('[[unit]]\nid = "bad"\n', 2, "unit[0].id", "assert"),
        (
            'unit = [\n{ id = "a" },\n{ id = "b", hours = [{ days = ["x"] }] },\n]\n',
            3,
            "unit[1].hours[0].days[0]",
            "valid integer",
        ),
    ],
)
def test_a_wrong_value_is_named(
    tmp_path: Path, text: str, line: int, field: str, reason: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, File)
    error = caught.value
    assert (error.file, error.line, error.field) == (str(path), line, field)
    assert reason in error.reason
    assert str(error) == f"{path}:{line}: {field}: {error.reason}"


def test_all_problems_are_told_at_once_in_line_order() -> None:
    document = parse('x = 1\n[[unit]]\nplaces = "many"\n[[unit]]\nid = 1\n', "f.toml")
    with pytest.raises(ConfigError) as caught:
        document.validate(File)
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 5]
    assert str(caught.value).count("\n") == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ("a = 1\n\na = 2\n", 3),
        ("[a]\n[b]\n[a]\n", 3),
        ('a = "x\n', 1),
        ('\n\na = """x\n', 4),
        ("a = 2026-02-30\n", 1),
        ("a = [1,\n", 2),
    ],
)
def test_broken_toml_is_told_by_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match="is not TOML") as caught:
        parse(text, "broken.toml")
    assert (caught.value.file, caught.value.line, caught.value.field) == ("broken.toml", line, "")


@pytest.mark.parametrize("text", ["a = " + "[" * 10_000, "a = " + "9" * 10_000])
def test_toml_beyond_the_reader_is_refused_not_raised(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^deep\.toml: is not TOML that can be read"):
        parse(text, "deep.toml")


def test_a_file_that_is_missing_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        read(tmp_path / "none.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'a = 1\nb = "\xe6"\n')
    with pytest.raises(ConfigError) as caught:
        read(latin)
    assert (caught.value.line, caught.value.reason) == (2, "is not UTF-8 text")


def test_a_problem_found_later_points_into_the_document() -> None:
    document = parse('[[unit]]\nid = "a"\nphone = "1"\n', "f.toml")
    error = document.problem(("unit", 0, "phone"), "is not a Danish number")
    assert str(error) == "f.toml:3: unit[0].phone: is not a Danish number"
    assert error.problems == (Problem("f.toml", 3, "unit[0].phone", "is not a Danish number"),)


CPR = "0101501234"


def test_person_numbers_are_found_anywhere_and_never_repeated() -> None:
    document = parse(
        f'a = "x {CPR[:6]}-{CPR[6:]}"\nb = [1, {{ c = {int(CPR)} }}]\n"{CPR}" = true\n'
        "d = 2026-01-01\n",
        "f.toml",
    )
    problems = document.cpr_problems()
    assert [(p.line, p.field) for p in problems] == [(1, "a"), (2, "b[1].c"), (3, "(withheld)")]
    assert all("CPR" in p.reason for p in problems)
    assert parse(EXAMPLE, "f.toml").cpr_problems() == []


def texts_of(document: Document) -> str:
    with pytest.raises(ConfigError) as caught:
        document.validate(File)
    return str(caught.value)


def test_no_error_repeats_a_person_number() -> None:
    assert CPR not in texts_of(parse(f'"{CPR}" = 1\nunit = []\n', "f.toml"))
    assert CPR not in texts_of(parse(f'[[unit]]\nid = "{CPR}"\n', "f.toml"))
    with pytest.raises(ConfigError) as caught:
        parse(f"[a-{CPR}]\n[a-{CPR}]\n", "f.toml")
    assert CPR not in str(caught.value)
    assert caught.value.line == 2


def test_places_are_written_as_a_reader_would() -> None:
    assert field_name(("unit", 3, "hours", 0, "days")) == "unit[3].hours[0].days"
    assert field_name(()) == ""
