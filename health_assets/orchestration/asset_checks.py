"""Promises as Dagster asset checks: each is seen in the UI under its own name, and an ERROR stops what is downstream.

What is promised of a table, and how it is evaluated, is in results.py.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from health_assets.contracts.contract import ERROR, Expectation
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.quality.expectations import evaluated, expectations_of, waits_for
from health_assets.quality.run_outcome import EXPECTED
from health_assets.settings import Settings
from health_assets.tables import Table


def checks_of(table: Table, settings: Settings) -> dg.AssetChecksDefinition | None:
    """One multi-check for a table, with a check for each of its expectations_of."""
    specs = {expectation.name: _spec(table, expectation, settings) for expectation in expectations_of(table)}
    if not specs:
        return None

    @dg.multi_asset_check(
        name=f"{table.name}_checks",
        specs=list(specs.values()),
        required_resource_keys={"warehouse", "as_of", "settings"},
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.Output[None] | dg.AssetCheckEvaluation]:
        resources = context.resources
        target = _materialization(context, table)
        partition = context.partition_key if table.monthly and context.has_partition_key else None
        for expectation, passed, evidence in evaluated(table, resources.warehouse, resources.as_of, resources.settings):
            spec = specs[expectation.name]
            yield dg.Output(None, spec.get_python_identifier())
            yield dg.AssetCheckEvaluation(
                asset_key=spec.asset_key,
                check_name=spec.name,
                passed=passed,
                severity=dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN,
                metadata=evidence if passed else _explained(evidence, expectation),
                blocking=spec.blocking,
                partition=partition,
                target_materialization_data=target,
            )

    return checks


def _explained(evidence: dict[str, Any], expectation: Expectation) -> dict[str, Any]:
    """What is broken, and in words what was expected."""
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
    latest = context.instance.fetch_materializations(dg.AssetKey(table.name), limit=1).records
    if not latest:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=latest[0].storage_id, run_id=latest[0].run_id, timestamp=latest[0].timestamp
    )
