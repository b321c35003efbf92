"""The outcome of a run, collected from Dagster's events: shown by the command line, reported to Slack if the run failed."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from health_assets.warehouse.disk import FULL

if TYPE_CHECKING:
    import dagster as dg


CONSEQUENCE = "Dependencies for step"  # how Dagster logs each step that did not run because another failed
FOUND = "found"  # in the evidence of a failed check: what was found, in words and totals only
REMEDY = "if_it_is_right"  # in the evidence of a stopped load: how to publish it anyway
ACCEPTED_BY = "accepted_by"  # in the evidence of a load that was published anyway: who accepted it
SAMPLE_CHARACTERS = 80
EXPECTED = "expected"  # in the evidence of a failed check: what was expected, in words


class Check:
    """The result of one check of the run."""

    def __init__(self, evaluation: "dg.AssetCheckEvaluation") -> None:
        import dagster as dg

        self.name = f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
        self.passed = evaluation.passed
        self.is_warning = evaluation.severity == dg.AssetCheckSeverity.WARN
        self.evidence = {name: value.value for name, value in evaluation.metadata.items()}

    def in_words(self) -> str:
        """What was found; for a check that only counts, how many rows break it, samples and what was expected."""
        if FOUND in self.evidence:
            said = str(self.evidence[FOUND])
        else:
            of_rows = f" of {self.evidence['rows']:,}" if self.evidence.get("rows") else ""
            samples = str(self.evidence.get("sample", ""))[:SAMPLE_CHARACTERS]
            said = f"{self.evidence.get('broken', 0):,}{of_rows} broken" + (f" ({samples})" if samples else "")
            if EXPECTED in self.evidence:
                said += f"; expected: {self.evidence[EXPECTED]}"
        return f"{said}; accepted by {self.evidence[ACCEPTED_BY]}" if ACCEPTED_BY in self.evidence else said


class Outcome:
    """What is known about a run so far: tables, rows, checks, warnings, failures."""

    @classmethod
    def read(cls, run_id: str, instance: "dg.DagsterInstance") -> "Outcome":
        """The outcome of a run of the history."""
        outcome = cls()
        for entry in instance.all_logs(run_id):
            outcome.record(entry)
        return outcome

    def __init__(self) -> None:
        self.succeeded = False
        self.tables = 0
        self.rows = 0
        self.published = {"tables": 0, "rows": 0}
        self.checks: list[Check] = []
        self.warnings: list[str] = []
        self.failures: list[str] = []
        self.quarantined: dict[str, str] = {}  # table -> rows, and the most frequent reasons
        self.seen: set[str] = set()

    def record(self, entry: Any) -> str | None:
        """Take an event of the run into account; returns the step that starts, if the event says so."""
        event = entry.dagster_event
        if event is None:
            if entry.level >= 30 and not entry.user_message.startswith(CONSEQUENCE):
                self.warnings.append(entry.user_message)
            return None
        kind = event.event_type_value
        if kind == "ASSET_MATERIALIZATION":
            self._materialized(event.asset_key.to_user_string(), event.materialization.metadata)
        elif kind == "ASSET_CHECK_EVALUATION":
            self.checks.append(Check(event.event_specific_data))
        elif kind in ("STEP_FAILURE", "PIPELINE_FAILURE"):
            self._failed(event)
        elif kind == "STEP_START":
            return str(event.step_key)
        return None

    @property
    def broken(self) -> list[Check]:
        """The checks that stopped the run."""
        return [check for check in self.checks if not check.passed and not check.is_warning]

    def reason(self, published: Path) -> str:
        """Why the run failed, in words."""
        names = ", ".join(
            f"{check.name} ({check.evidence[FOUND]})" if FOUND in check.evidence else check.name
            for check in self.broken
        )
        causes = self.failures or [
            f"blocking checks failed: {names}" if names else "the run was terminated from outside"
        ]
        kept = "; readers keep the previous snapshot" if published.exists() else ""
        causes += sorted(
            {f"If the load is correct, {check.evidence[REMEDY]}" for check in self.broken if REMEDY in check.evidence}
        )
        return "\n".join(causes) + f"\nNothing was published{kept}"

    def _materialized(self, name: str, metadata: dict[str, Any]) -> None:
        if name == "published":
            self.published = {count: int(metadata[count].value) for count in ("tables", "rows")}
        if "dagster/row_count" not in metadata or name in self.seen:
            return  # months of a table come as events of their own
        self.seen.add(name)
        self.tables += 1
        self.rows += int(metadata["dagster/row_count"].value)
        if "quarantined_rows" in metadata and (count := int(metadata["quarantined_rows"].value)):
            reasons = metadata["quarantine_reasons"].value
            self.quarantined[f"quarantine.{name.split('_', 1)[1]}"] = f"{count:,} ({reasons})"

    def _failed(self, event: Any) -> None:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        if error is None or error.cls_name in ("DagsterAssetCheckFailedError", "DagsterExecutionStepExecutionError"):
            return
        message = re.sub(rf"^(\w+\.)*{error.cls_name}: ", "", error.message.strip())
        module_error = error.cls_name in (
            "SettingsError",
            "SourceError",
            "WarehouseError",
            "SnapshotError",
            "PullError",
        )
        if error.cls_name == "DagsterExecutionInterruptedError":
            message, module_error = "interrupted; the next run recomputes what is missing", True
        if re.search(FULL, message.lower()):
            message, module_error = f"the disk is full; free some space and run again ({message.splitlines()[0]})", True
        step = f"{event.step_key}: " if event.step_key else ""
        failure = message if module_error else f"{step}{error.cls_name}: {message}"
        if failure not in self.failures:
            self.failures.append(failure)
