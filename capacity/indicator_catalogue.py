"""The indicators: from a TOML file to checked `Definitions`, or a `ConfigError`.

builtin_definitions(catalogue)                  those that come with the product
load_definitions(Path("mine.toml"), catalogue)  one's own in their place
"""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from capacity.catalogue_blocks import since_of
from capacity.config_file import ConfigError, Document, Problem, read
from capacity.indicator_schema import IndicatorBlock, IndicatorFile, NeedBlock
from capacity.indicators.definitions import Definitions, ReferenceNeed
from capacity.need import Need
from capacity.units import Catalogue, Dated


def builtin_definitions(catalogue: Catalogue) -> Definitions:
    """The indicators as shipped."""
    return load_definitions(files("capacity") / "data" / "indicators.toml", catalogue)


def definitions_in(path: Path | None, catalogue: Catalogue) -> Definitions:
    """Those of a file of one's own, or without one as shipped; `ConfigError` as below."""
    return builtin_definitions(catalogue) if path is None else load_definitions(path, catalogue)


def load_definitions(path: Path | Traversable, catalogue: Catalogue) -> Definitions:
    """The indicators of a file; raises `ConfigError` with every problem found."""
    document = read(path)
    content = document.validate(IndicatorFile)
    problems = document.cpr_problems()
    problems += _capability_problems(document, content, catalogue)
    problems += _date_problems(document, content)
    if problems:
        raise ConfigError(problems)
    blocks = _by_id(content)
    return Definitions(
        indicators={
            key: Dated(
                tuple(zip(since_of(found), [each.definition() for each in found], strict=True))
            )
            for key, found in blocks.items()
        },
        needs={each.id: _need(each, catalogue) for each in content.need},
    )


def _by_id(content: IndicatorFile) -> dict[str, list[IndicatorBlock]]:
    found: dict[str, list[IndicatorBlock]] = {}
    for block in content.indicator:
        found.setdefault(block.id, []).append(block)
    return found


def _need(block: NeedBlock, catalogue: Catalogue) -> ReferenceNeed:
    """With its capabilities in catalogue order, as everywhere."""
    wanted = tuple(each for each in catalogue.capabilities if each in block.capabilities)
    need = Need(None, wanted, block.within_minutes, block.where)
    return ReferenceNeed(block.id, block.name.text(), need)


def _capability_problems(
    document: Document, content: IndicatorFile, catalogue: Catalogue
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, block in enumerate(content.need):
        if block.id in seen:
            yield document.at(("need", index, "id"), "is declared already")
        seen.add(block.id)
        for place, capability in enumerate(block.capabilities):
            if capability not in catalogue.capabilities:
                yield document.at(
                    ("need", index, "capabilities", place), "is no capability of the catalogue"
                )


def _date_problems(document: Document, content: IndicatorFile) -> Iterator[Problem]:
    """Each later entry of an id must begin on a later day."""
    last: dict[str, IndicatorBlock] = {}
    for index, block in enumerate(content.indicator):
        before = last.get(block.id)
        if before is not None and since_of([block])[0] <= since_of([before])[0]:
            reason = "must be a day later than that of the entry before it under this id"
            yield document.at(("indicator", index, "since"), reason)
        last[block.id] = block
