"""The semantic layer names columns that the snapshot has, and its metrics give the numbers of the marts."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from health_assets.warehouse.snapshot import snapshot

FOLDER = Path(__file__).parents[1] / "semantic_layer"
LAYER = yaml.safe_load((FOLDER / "models" / "semantic_models.yml").read_text(encoding="utf-8"))
MODELS = {model["name"]: model for model in LAYER["semantic_models"]}
AGGREGATES = {"sum": "sum", "average": "avg", "count": "count"}


@pytest.fixture(scope="module")
def published(whole_company) -> duckdb.DuckDBPyConnection:
    with snapshot(whole_company.settings.published) as connection:
        yield connection


def table_of(model: dict[str, Any]) -> str:
    """The table that a model stands for, as its SQL file says."""
    name = model["model"].removeprefix("ref('").removesuffix("')")
    return (FOLDER / "models" / f"{name}.sql").read_text(encoding="utf-8").split("from ")[1].strip()


def measured(connection: duckdb.DuckDBPyConnection, metric: str, where: str = "true") -> float:
    """A simple metric, computed as MetricFlow does."""
    name = next(one for one in LAYER["metrics"] if one["name"] == metric)["type_params"]["measure"]
    for model in MODELS.values():
        for measure in model.get("measures", []):
            if measure["name"] == name:
                aggregate = f"{AGGREGATES[measure['agg']]}({measure['expr']})"
                return connection.sql(f"select {aggregate}::double from {table_of(model)} where {where}").fetchone()[0]
    raise LookupError(name)


@pytest.mark.parametrize("name", MODELS)
def test_each_column_of_a_model_is_one_of_its_table(published, name: str) -> None:
    model = MODELS[name]
    named = [*model["entities"], *model["dimensions"], *model.get("measures", [])]
    columns = ", ".join(f"({entry.get('expr', entry['name'])})" for entry in named)
    assert published.sql(f"select {columns} from {table_of(model)} limit 0").fetchall() == []


def test_every_metric_is_described_and_made_of_measures_or_metrics_that_exist() -> None:
    measures = {measure["name"] for model in MODELS.values() for measure in model.get("measures", [])}
    metrics = {metric["name"] for metric in LAYER["metrics"]}
    for metric in LAYER["metrics"]:
        given = metric["type_params"]
        assert metric["description"], metric["name"]
        assert given.get("measure", "mean_health_score") in measures
        parts = [given.get("numerator"), given.get("denominator"), *(one["name"] for one in given.get("metrics", []))]
        assert {part for part in parts if part} <= metrics


def test_metrics_are_the_numbers_of_the_marts(published) -> None:
    ((month, starting, new, ending),) = published.sql(
        "select month, starting_mrr, new_mrr, ending_mrr from mart.net_revenue_retention order by month desc limit 1"
    ).fetchall()
    of_month = f"month = date '{month}'"
    assert measured(published, "starting_mrr", of_month) == pytest.approx(starting, abs=0.01)
    assert measured(published, "new_mrr", of_month) == pytest.approx(new, abs=0.01)
    assert measured(published, "ending_mrr", of_month) == pytest.approx(ending, abs=0.01)
    ((met, decided),) = published.sql(
        "select sum(met_count), sum(met_count + breached_count) from mart.sla_adherence where dimension_type = 'priority'"
    ).fetchall()
    assert measured(published, "decided_tickets") >= measured(published, "met_tickets") > 0
    assert (measured(published, "met_tickets"), measured(published, "decided_tickets")) == (met, decided)


def test_levels_are_not_added_up_over_time() -> None:
    levels = {"ending_mrr", "starting_mrr", "scored_accounts_of_day"}
    found = {
        one["name"]: one for model in MODELS.values() for one in model.get("measures", []) if one["name"] in levels
    }
    assert {name for name, measure in found.items() if "non_additive_dimension" in measure} == levels
