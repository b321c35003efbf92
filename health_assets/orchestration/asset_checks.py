"""Expectations as Dagster asset checks: each has its own name in the UI, and an ERROR stops everything downstream.

Which expectations a table has, and how they are evaluated, is in quality/expectations.py.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from health_assets.contracts.contract import ERROR, Expectation
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.quality.expectations import (
    evaluated,
    expectations_of,
    load_expectations,
    rows_to_evaluate,
    waits_for,
)
from health_assets.quality.run_outcome import ACCEPTED_BY, EXPECTED, FOUND, REMEDY
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.storage import Warehouse

ACCEPT = "to publish it anyway, run: health-assets run --accept"


def checks_of(table: Table, settings: Settings) -> dg.AssetChecksDefinition | None:
    """One multi-check for a table, with a check for each of its expectations."""
    may_be_accepted = {expectation.name for expectation in load_expectations(table)} if table.is_staged else set()
    specs = {expectation.name: _spec(table, expectation, settings) for expectation in expectations_of(table)}
    if not specs:
        return None

    @dg.multi_asset_check(
        name=f"{table.name}_checks",
        specs=list(specs.values()),
        can_subset=True,  # so an evaluation needs no output, which would be an event more for each check
        required_resource_keys={"open_warehouse", "as_of", "settings", "accepted_by"},
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckEvaluation]:
        resources = context.resources
        target = _materialization(context, table)
        partition = context.partition_key if table.monthly and context.has_partition_key else None
        rows = rows_to_evaluate(table, resources.open_warehouse)
        for expectation, passed, evidence in evaluated(
            table, resources.open_warehouse, resources.as_of, resources.settings
        ):
            spec = specs[expectation.name]
            if spec.key not in context.selected_asset_check_keys:
                continue
            if not passed and spec.blocking and spec.name in may_be_accepted:
                evidence = _to_be_accepted(table, spec.name, evidence, resources.open_warehouse, resources.accepted_by)
            is_stopped = spec.blocking and ACCEPTED_BY not in evidence
            yield dg.AssetCheckEvaluation(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=passed,
                severity=dg.AssetCheckSeverity.ERROR if is_stopped else dg.AssetCheckSeverity.WARN,
                metadata={"rows": rows} | ({"broken": 0} if passed else _explained(evidence, expectation)),
                blocking=spec.blocking,
                partition=partition,
                target_materialization_data=target,
            )

    return checks


def _to_be_accepted(
    table: Table, check: str, evidence: dict[str, Any], warehouse: Warehouse, user: str | None
) -> dict[str, Any]:
    """The evidence of a stopped load with the way to publish it, or of an accepted load with who accepted it."""
    if user is None:
        return evidence | {REMEDY: ACCEPT}
    warehouse.accepted.append((table.relation, check, str(evidence.get(FOUND, "")), user))
    return evidence | {ACCEPTED_BY: user}


def _explained(evidence: dict[str, Any], expectation: Expectation) -> dict[str, Any]:
    """What failed, and in words what was expected."""
    return evidence | ({EXPECTED: expectation.description} if expectation.description else {})


def _spec(table: Table, expectation: Expectation, settings: Settings) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        expectation.name,
        asset=table.name,
        additional_deps=[dg.AssetKey(name) for name in waits_for(table, expectation)],
        description=expectation.description or None,
        blocking=expectation.severity == ERROR,
        partitions_def=monthly_partitions(settings) if table.monthly else None,
    )


def _materialization(
    context: dg.AssetCheckExecutionContext, table: Table
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The write that is evaluated, looked up once for all checks of the table."""
    found = context.instance.get_asset_records([dg.AssetKey(table.name)])
    latest = found[0].asset_entry.last_materialization_record if found else None
    if latest is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=latest.storage_id, run_id=latest.run_id, timestamp=latest.timestamp
    )
