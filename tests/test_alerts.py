"""The alert rules in docs/operations.md, held against what `/metrics` really says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_model import until
from tests.support.installed import ROOT
from tests.support.live import SOURCE, UNIT, source_file
from tests.support.service import running, settings_for
from web.key_kinds import KeyKind

_TEXT = (ROOT / "docs/operations.md").read_text("utf-8")
_BLOCK = re.findall(r"^### Alerts$.*?^```yaml\n(.*?)^```$", _TEXT, re.DOTALL | re.MULTILINE)
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(_BLOCK[0])["groups"] for rule in group["rules"]
]
_METRIC = re.compile(r"\b(akutoverblik_\w+)")


def test_there_are_rules_for_what_people_depend_on() -> None:
    watched = {name for rule in RULES for name in _METRIC.findall(rule["expr"])}
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 10
    assert {
        "akutoverblik_hub_live",
        "akutoverblik_feeds_held",
        "akutoverblik_feed_alarm",
        "akutoverblik_history_failing",
    } <= watched


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_is_whole(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(rule["annotations"]["summary"]) > 20
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    expression = rule["expr"]
    assert expression.count("(") == expression.count(")")
    assert re.search(r"(==|>|<) [\d.]+$", expression)
    for name in _METRIC.findall(expression):
        # A counter means nothing by itself, and the change of a gauge is not its increase.
        called = re.search(rf"(\w+)\({name}(?:{{[^}}]+}})?\[\d+[mh]\]\)", expression)
        counts = name.endswith(("_total", "_bucket"))
        assert counts is (called is not None and called[1] in ("rate", "increase"))


async def test_every_metric_and_label_of_the_rules_exists(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path / "data", valkey_server.url, source_file(tmp_path))
    async with running(settings) as service:
        key = service.services.access.keys.make(KeyKind.METRICS, "all", utc_now())
        headers = {"Authorization": f"Bearer {key}"}
        at = utc_now().isoformat().encode()
        document = b'[{"unit":"%s","observed_at":"%s","total":2},{"unit":"?"}]'
        feed = service.key_for(SOURCE)
        await service.push(SOURCE, document % (UNIT.encode(), at), key=feed)

        async def held() -> bool:
            holders = await service.services.leases.holders(["randers"])
            return bool(holders["randers"].name)

        await until(held)
        text = (await service.client.get("/metrics", headers=headers)).text
    labels: dict[str, set[str]] = {}
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            values[sample.name] = max(values.get(sample.name, 0), sample.value)
    for rule in RULES:
        (name,) = set(_METRIC.findall(rule["expr"]))
        assert name in labels, f"{rule['alert']} watches {name}, which nobody tells"
        wanted = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        for grouped in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            wanted |= set(grouped.replace(" ", "").split(","))
        assert wanted <= labels[name], rule["alert"]
    assert values["akutoverblik_feeds_held"] == values["akutoverblik_feeds_fence"] == 1
    assert values["akutoverblik_hub_live"] == 1
