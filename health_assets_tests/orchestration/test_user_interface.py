"""What the Dagster UI shows of a company after its daily run, asked over GraphQL as the UI does."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget

from health_assets.contracts.contract import dtypes
from health_assets.orchestration.groups import UNCONNECTED
from health_assets.settings import SETTINGS_VARIABLE
from health_assets.tables import TABLES

pytestmark = pytest.mark.slow
ASSETS = """{ assetNodes { assetKey { path } groupName description
  metadataEntries { label }
  assetMaterializations(limit: 1) { metadataEntries { label
    ... on MarkdownMetadataEntry { mdStr } ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue } } }
  assetChecksOrError { ... on AssetChecks { checks { name description
    executionForLatestMaterialization { evaluation { success metadataEntries { label
      ... on IntMetadataEntry { intValue } } } } } } } } }"""
TIMELINE = "{ runsOrError { ... on Runs { results { jobName repositoryOrigin { repositoryLocationName } } } } }"
CELL = re.compile(r"(?<!\\)\|")


@pytest.fixture(scope="module")
def answered(whole_company) -> Iterator[Any]:
    """A function that answers a GraphQL query about the company."""
    from dagster_graphql.schema import create_schema  # takes long, and every worker of pytest imports this file

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SETTINGS_VARIABLE, str(whole_company.folder / "demo" / "settings.yml"))
        patch.setenv("DAGSTER_HOME", str(whole_company.folder / "dagster"))
        with (
            dg.DagsterInstance.get() as instance,
            WorkspaceProcessContext(instance, ModuleTarget("health_assets.definitions", None, None, None)) as workspace,
        ):
            schema = create_schema()

            def ask(query: str) -> Any:
                found = asyncio.run(schema.execute_async(query, context_value=workspace.create_request_context()))
                assert not found.errors, found.errors
                return found.data

            yield ask


@pytest.fixture(scope="module")
def nodes(answered) -> dict[str, dict[str, Any]]:
    """Each asset as the UI gets it."""
    return {node["assetKey"]["path"][-1]: node for node in answered(ASSETS)["assetNodes"]}


def written(node: dict[str, Any]) -> dict[str, Any]:
    """The metadata of the last write of an asset."""
    entries = [entry for one in node["assetMaterializations"] for entry in one["metadataEntries"]]
    return {entry["label"]: next((entry[key] for key in entry if key != "label"), None) for entry in entries}


def cells(line: str) -> list[str]:
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip() for cell in CELL.split(line)[1:-1]]


def test_every_preview_is_a_table_of_at_most_eight_columns(nodes) -> None:
    previews = {name: written(node)["preview"] for name, node in nodes.items() if "preview" in written(node)}
    assert len(previews) > 80
    for name, preview in previews.items():
        if preview == "No rows.":
            continue
        header, ruler, *rows = map(cells, preview.split("\n"))
        assert set(header) <= set(dtypes(TABLES[name].contract)), name
        assert len(header) <= 8, name
        assert set(ruler) == {"---"}, name
        assert {len(row) for row in rows} == {len(header)}, name


def test_every_check_says_in_a_sentence_what_it_expects(nodes) -> None:
    checks = [(name, check) for name, node in nodes.items() for check in node["assetChecksOrError"]["checks"]]
    assert len(checks) > 1000
    assert [(name, check["name"]) for name, check in checks if not check["description"]] == []


def test_passed_checks_say_over_how_many_rows(nodes) -> None:
    for check in nodes["mart_customer_health"]["assetChecksOrError"]["checks"]:
        evaluation = check["executionForLatestMaterialization"]["evaluation"]
        numbers = {entry["label"]: entry.get("intValue") for entry in evaluation["metadataEntries"]}
        assert evaluation["success"]
        assert numbers["broken"] == 0
        assert numbers["rows"] > 0


def test_groups_are_domains_small_enough_to_read(nodes) -> None:
    groups: dict[str, int] = {}
    for node in nodes.values():
        groups[node["groupName"]] = groups.get(node["groupName"], 0) + 1
    assert {"health", "revenue", "support", "engagement", "accounts", "commerce", "operations", "security"} <= set(
        groups
    )
    assert max(count for group, count in groups.items() if group != UNCONNECTED) <= 30


def test_numbers_of_the_published_snapshot_are_those_of_its_marts(nodes, whole_company) -> None:
    numbers = written(nodes["published"])
    ((mrr, at_risk),) = whole_company.rows(
        "select sum(mrr), coalesce(sum(mrr) filter (risk_level in ('high', 'critical')), 0) from mart.churn_risk"
    )
    assert numbers["mrr"] == pytest.approx(float(mrr), abs=0.01)
    assert numbers["mrr_at_risk"] == pytest.approx(float(at_risk), abs=0.01)
    bands = dict(whole_company.rows("select 'accounts_' || health_band, count(*) from mart.customer_health group by 1"))
    assert {name: numbers[name] for name in bands} == bands


def test_code_of_each_table_is_one_click_away(nodes) -> None:
    labels = {name: {entry["label"] for entry in node["metadataEntries"]} for name, node in nodes.items()}
    assert [name for name in TABLES if "dagster/code_references" not in labels[name]] == []


def test_run_of_the_command_line_is_on_the_timeline(answered) -> None:
    runs = answered(TIMELINE)["runsOrError"]["results"]
    assert [run["repositoryOrigin"]["repositoryLocationName"] for run in runs if run["jobName"] == "daily"] == [
        "health_assets.definitions"
    ]
