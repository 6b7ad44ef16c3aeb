"""The documents say what is: links, settings, commands, metrics, and examples that work."""

import csv
import io
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from capacity.catalogue import load_catalogue
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.model import UnitKind
from capacity.settings import Settings
from feeds.formats import format_named, format_names
from tests.support.installed import ROOT
from web import ops
from web.cli import _parser

PREFIX = "AKUTOVERBLIK_"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SKIPPED_SCHEMES = ("http:", "https:", "mailto:")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of one language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(name), re.MULTILINE | re.DOTALL)


def commands(name: str) -> list[list[str]]:
    """The words of each command in a document's shell examples, without what they set."""
    lines = "\n".join(blocks(name, "sh")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [[word for word in words if not re.match(r"[A-Z_]+=", word)] for words in split]


def anchors(path: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_there_are_documents() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS}
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md", "docs/operations.md"} <= names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(SKIPPED_SCHEMES):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`((?:capacity|feeds|web|simulators|tests|docs)/[\w./-]+)`", text_of(
        document.relative_to(ROOT).as_posix()))  # fmt: skip
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_settings_are_invented(document: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {"AKUTOVERBLIK_TEST_ALL"}
    assert set(re.findall(r"AKUTOVERBLIK_[A-Z_]*[A-Z]", document.read_text("utf-8"))) <= known


def settings_table() -> dict[str, str]:
    """Variable to what the table says of its default."""
    rows = re.findall(r"^\| `(AKUTOVERBLIK_\w+)` \| (.*?) \|", text_of("docs/operations.md"), re.M)
    return dict(rows)


def test_every_setting_is_documented_with_its_default() -> None:
    table = settings_table()
    assert list(table) == [PREFIX + name.upper() for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if default is None:
            continue
        written = re.findall(r"`([^`]+)`", table[PREFIX + name.upper()])[0]
        plain = isinstance(default, str | Path)
        assert written == (str(default) if plain else json.dumps(default)), name


def test_every_metric_is_documented() -> None:
    source = Path(ops.__file__).read_text(encoding="utf-8")
    made = re.findall(r"(?:(_counter|_gauge|\w+MetricFamily)\(\s*)\"(akutoverblik_\w+)\"", source)
    names = {name + "_total" * ("ounter" in kind) for kind, name in made}
    assert len(names) > 8
    told = re.findall(r"^\| `(akutoverblik_\w+)` \|", text_of("docs/operations.md"), re.MULTILINE)
    assert set(told) == names


def test_the_runbook_knows_the_messages_of_the_embedded_server() -> None:
    """Each beginning in the runbook's table is text that the program (or Valkey) says."""
    source = text_of("capacity/board/embedded.py")
    section = text_of("docs/operations.md").partition("## When the store will not start")[2]
    for words in (
        "already runs on",
        "the embedded server did not start",
        "is empty or another's, although it has held data",
        "did not answer within",
        "no embedded server for this platform",
        "takes no writes",
        "the store was cut short and loaded up to the cut",
    ):
        assert words in section, words
        assert words in re.sub(r'"\s*\n?\s*f?"', "", source), words
    assert "'When the store will not start'" in source


def test_commands_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    called = [words[1:] for words in commands("README.md") if words[:1] == ["make"]]
    assert called == [["run"], ["test"]]
    assert {target for words in called for target in words} <= targets


@pytest.mark.parametrize(
    ("name", "expected"),
    [("README.md", {"read"}), ("docs/operations.md", {"account", "key"})],
)
def test_commands_of_ours_exist(name: str, expected: set[str]) -> None:
    """Wherever a command line names our program, what follows is something that it takes."""
    seen = set()
    for words in commands(name):
        ours = ("akutoverblik", ".venv/bin/akutoverblik")
        if "sentinel" in words:  # which knows the store by the name of the program
            continue
        programs = [i for i, word in enumerate(words) if word in ours]
        if programs:
            seen.add(_parser().parse_args(words[programs[0] + 1 :]).command)
    assert seen == expected


def test_inline_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    ours = set(re.findall(r"[a-z]+", _parser().format_usage().partition("{")[2]))
    assert {"serve", "demo", "read", "key"} <= ours
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert set(re.findall(r"`make ([a-z]+)", text)) <= targets, document.name
        assert set(re.findall(r"`akutoverblik ([a-z]+)", text)) <= ours, document.name


def test_the_readme_pushes_to_a_source_of_the_demo() -> None:
    sources = tomllib.loads(text_of("feeds/data/demo-sources.toml"))["source"]
    (source,) = set(re.findall(r"/api/v1/feeds/([\w-]+)", text_of("README.md")))
    (declared,) = [block for block in sources if block["id"] == source]
    assert (declared["transport"], declared["format"]) == ("push", "json")
    (body,) = re.findall(r"<<END\n(.*?)^END$", text_of("README.md"), re.MULTILINE | re.DOTALL)
    body = re.sub(r"\$\(date[^)]*\)", "2026-03-02T07:15:00Z", body)
    batch = format_named("json").parse(body.encode(), None, utc_now())
    assert not batch.rejects
    assert {report.unit for report in batch.reports} <= set(declared["units"])
    assert f".demo/keys/{source}" in text_of("README.md")


def parsed(name: str, example: str, mapping: Any = None) -> int:
    """How many reports an example of docs/formats.md gives; all of it must be usable."""
    batch = format_named(name).parse(example.encode(), mapping, utc_now())
    assert not batch.rejects
    return len(batch.reports)


def test_json_examples_of_the_formats_can_be_read() -> None:
    examples = blocks("docs/formats.md", "json")
    assert examples
    for example in examples:
        document = json.loads(example)
        assert parsed("fhir" if "resourceType" in document else "json", example) >= 1


def test_the_csv_example_is_read_by_the_mapping_beside_it() -> None:
    section = text_of("docs/formats.md").partition("\n## csv\n")[2].partition("\n## ")[0]
    (example,) = re.findall(r"^```(?:csv)?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[:1]
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    values = tomllib.loads(toml)
    mapping = format_named("csv").read_mapping(values)
    rows = list(csv.reader(io.StringIO(example), delimiter=values["separator"]))
    left_out = 1
    batch = format_named("csv").parse(example.encode(values["encoding"]), mapping, utc_now())
    assert not batch.rejects
    assert len(batch.reports) == len(rows) - 1 - left_out
    assert {report.unit for report in batch.reports} == set(values["units"])


def test_every_format_has_its_section() -> None:
    for name in format_names():
        assert re.search(rf"^## {name}$", text_of("docs/formats.md"), re.MULTILINE), name


def test_the_catalogue_example_is_a_catalogue(tmp_path: Path) -> None:
    """As printed it declares again what is shipped, and that is all that is wrong with it."""
    (example,) = blocks("docs/catalogue.md", "toml")
    path = tmp_path / "mine.toml"
    path.write_text(example, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_catalogue([path])
    assert {p.reason.partition(" in ")[0] for p in refused.value.problems} == {
        "is declared already"
    }


def test_every_kind_of_unit_has_a_term() -> None:
    terms = tomllib.loads(text_of("capacity/data/vocabulary.toml"))["term"]
    assert {kind.value for kind in UnitKind} <= terms.keys()


def test_rules_name_every_inconsistency_and_state() -> None:
    from capacity.model import Freshness, Inconsistency, State

    rules = text_of("docs/rules.md")
    for word in (*Inconsistency, *State, *Freshness):
        assert f"`{word.value}`" in rules, word


def test_documents_name_no_machine() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert not re.search(r"/(?:home|root|work|Users)/\w", text), document.name
        assert str(ROOT) not in text
