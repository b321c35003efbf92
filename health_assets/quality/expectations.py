"""The expectations of a table, and whether the table that was written meets them.

dataframely rejects rows before the write; here the written table is evaluated, by Great Expectations in the worker process,
while the next tables are computed. asset_checks.py turns the results into Dagster's asset checks.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from health_assets.contracts.contract import (
    WARN,
    Expectation,
    available_by,
    decides,
    expectations,
    table_rules,
)
from health_assets.contracts.months import end_of_month
from health_assets.quality.anomalies import anomaly_expectations, find_anomalies
from health_assets.quality.broken_rows import broken_rows_by_day, columns_needed
from health_assets.quality.great_expectations import Answer, evaluate
from health_assets.quality.load_comparison import compare_with_last_published
from health_assets.quality.load_expectations import comparison_expectations
from health_assets.quality.load_oddities import find_oddities, oddity_expectations
from health_assets.quality.run_outcome import FOUND
from health_assets.quality.settings_change import with_changed_settings
from health_assets.settings import Settings
from health_assets.sources.profile import UNREADABLE
from health_assets.tables import TABLES, Table
from health_assets.warehouse.quarantined import declared_versions, load_counts
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.unreadable import unreadable_words
from health_assets.worker import shared_worker

ROWS_EVALUATED_WHOLE = 10_000  # beyond, a table is evaluated by the broken rows of each day: pandas is slow
ROWS_READ = 500_000  # at once, to be evaluated

RECONCILES = Expectation(
    "rows__reconcile",
    "rule",
    (),
    description="Rows in the files = rows kept + quarantined + equal duplicates collapsed + left out by `where`",
)
READABLE = Expectation(
    "values__readable",
    "rule",
    (),
    severity=WARN,
    description="No value was set to null because it could not be read or is out of bounds; map the words in `values` of the "
    "source (null = blank), or declare how its dates and numbers are written",
)
IN_HISTORY = Expectation(
    "rows__within_history",
    "rule",
    (),
    severity=WARN,
    description="Every row is dated between history_start and the as-of day; other rows are ignored",
)
OF_ROWS = "_of_rows"
COMPLETE = Expectation("rows__none_quarantined", "rule", (), severity=WARN, description="No row was quarantined")
IN_WORDS = {
    COMPLETE.name: "quarantined (expected none)",
    IN_HISTORY.name: "dated before history_start or after the as-of day (ignored)",
}


def expectations_of(table: Table) -> list[Expectation]:
    """Everything that is checked about a table: contract, identities across tables, and for staged tables the load."""
    found = [*expectations(table.contract), *(identity.expectation for identity in table.identities)]
    if table.is_staged:
        found += [RECONCILES, COMPLETE]
        if any(column.dtype != pl.String and not decides(column) for column in table.contract.columns().values()):
            found.append(READABLE)
        found += [*load_expectations(table), *([IN_HISTORY] if table.monthly else [])]
    return found


def load_expectations(table: Table) -> list[Expectation]:
    """What is expected of a load: volume and units, compared with the last published load, and in itself."""
    return [*anomaly_expectations(table), *comparison_expectations(table), *oddity_expectations(table)]


def _load_faults(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    given = (table, warehouse, as_of, settings)
    found = find_anomalies(*given) | compare_with_last_published(*given)
    return with_changed_settings(found, table, warehouse, settings) | find_oddities(*given)


def waits_for(table: Table, expectation: Expectation) -> list[str]:
    """The other tables that an expectation refers to; they must be written before it can be evaluated."""
    if expectation.kind == "references":
        named = {expectation.arguments["target"].split(".")[0]}
    else:
        named = {
            name
            for identity in table.identities
            if identity.expectation.name == expectation.name
            for name in identity.inputs
        }
    return sorted(named - {table.name})


Result = tuple[Expectation, bool, dict[str, Any]]


@dataclass(frozen=True)
class Submission:
    """Expectations that were submitted to Great Expectations, and the rows that they are evaluated over."""

    rows: pl.DataFrame
    made: list[Expectation]
    tallied: bool
    answers: Future[dict[str, Answer]] | None
    found: dict[str, str]  # what breaks an expectation, in words, where a count would not say it

    def results(self) -> Iterator[Result]:
        """Wait for the answers; an error in Great Expectations is raised, never taken for bad data."""
        if self.answers is None:  # no row, as for a source that is not connected: so none breaks an expectation
            yield from ((expectation, True, {}) for expectation in self.made)
            return
        answers = self.answers.result()
        for expectation in self.made:
            answer = answers[expectation.name]
            if answer.error is not None:
                raise RuntimeError(f"check {expectation.name} could not be evaluated: {answer.error}")
            said = {FOUND: self.found[expectation.name]} if expectation.name in self.found else {}
            yield expectation, answer.success, said or _evidence(answer, self.rows, expectation, self.tallied)


def submit(table: Table, warehouse: Warehouse) -> Submission:
    """Submit everything that can be evaluated from the table just written alone, without waiting."""
    made = [expectation for expectation in expectations(table.contract) if not waits_for(table, expectation)]
    months = sorted(warehouse.written.get(table.name, [])) if table.monthly else []
    spans = list(_spans(table, months, warehouse)) if months else [(None, None)]
    if rows_to_evaluate(table, warehouse) > ROWS_EVALUATED_WHOLE:
        needed = columns_needed(table, made)
        written = (
            warehouse.read(table, since=first, until=last, as_stored=True).select(needed).collect()
            for first, last in spans
        )
        broken = pl.concat(broken_rows_by_day(table, rows, made) for rows in written)
        return _submitted(broken, made, tallied=True)
    first, last = spans[0][0], spans[-1][1]
    rows = warehouse.read(table, since=first, until=last, as_stored=True).collect()
    return _submitted(_with_rules(table, rows, made), made, tallied=False)


def submit_others(table: Table, own: Submission, warehouse: Warehouse, settings: Settings, as_of: date) -> Submission:
    """Submit what `submit` has not: expectations of a load and across tables, which must have been written."""
    others = [expectation for expectation in expectations_of(table) if expectation not in own.made]
    found = _load_faults(table, warehouse, as_of, settings) if table.is_staged else {}
    if table.is_staged and (unreadable := unreadable_words(warehouse, table)):
        found[READABLE.name] = unreadable
    tallies = pl.DataFrame(_tallies(table, others, warehouse, as_of, settings, found))
    return _submitted(tallies, others, tallied=True, found=found)


def evaluated(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> Iterator[Result]:
    """Each expectation of a table with its result and, if it failed, the evidence."""
    submitted = warehouse.submitted.pop(table.name, None) or [submit(table, warehouse)]
    if len(submitted) == 1:
        submitted.append(submit_others(table, submitted[0], warehouse, settings, as_of))
    for submission in submitted:
        yield from submission.results()


def _submitted(
    rows: pl.DataFrame, made: list[Expectation], *, tallied: bool, found: dict[str, str] | None = None
) -> Submission:
    answers = shared_worker().submit(evaluate, rows, made, tallied) if made and not rows.is_empty() else None
    return Submission(rows, made, tallied, answers, found or {})


def _spans(table: Table, months: list[date], warehouse: Warehouse) -> Iterator[tuple[date, date]]:
    """First and last days of what is evaluated at once: months up to ROWS_READ rows."""
    recorded = warehouse.months_of(table.relation)
    first, rows = months[0], 0
    for before, month in zip([None, *months], months, strict=False):
        if before and rows + recorded[month][1] > ROWS_READ:
            yield first, end_of_month(before)
            first, rows = month, 0
        rows += recorded[month][1]
    yield first, end_of_month(months[-1])


def rows_to_evaluate(table: Table, warehouse: Warehouse) -> int:
    """Rows of the table, or of a monthly one in the months that this run wrote."""
    months = warehouse.written.get(table.name, []) if table.monthly else []
    if not warehouse.holds(table.relation):
        return 0
    if not months:
        return warehouse.row_count(table.relation)
    recorded = warehouse.months_of(table.relation)
    return sum(recorded[month][1] for month in months)


def _with_rules(table: Table, rows: pl.DataFrame, made: list[Expectation]) -> pl.DataFrame:
    """The columns that the expectations refer to, and a boolean column for each rule."""
    rules = table_rules(table.contract)
    needed = {name for expectation in made if expectation.kind != "rule" for name in expectation.columns}
    results = {expectation.name: rules[expectation.name] for expectation in made if expectation.kind == "rule"}
    return rows.select(
        *(pl.col(name) for name in rows.columns if name in needed),
        *(holds.fill_null(True).alias(name) for name, holds in results.items()),
    )


def _tallies(
    table: Table,
    made: list[Expectation],
    warehouse: Warehouse,
    as_of: date,
    settings: Settings,
    found: Collection[str],
) -> dict[str, list[int]]:
    """Number of faults for each expectation that spans tables or concerns the load; `found` names the failed ones."""
    tally = {
        identity.expectation.name: identity.function(
            **{name: warehouse.read(TABLES[name], until=as_of) for name in identity.inputs}
        )
        .select(pl.len())
        .collect()
        .item()
        for identity in table.identities
    }
    tally |= {
        expectation.name: _strays(table, expectation, warehouse, as_of)
        for expectation in made
        if expectation.kind == "references"
    }
    if table.is_staged:
        cursor = warehouse.cursor()
        loaded = load_counts(cursor, table)
        tally[RECONCILES.name] = loaded["rows_lost"] + abs(loaded["rows_kept"] - warehouse.row_count(table.relation))
        versions = declared_versions(cursor, table, settings.sources.get(table.name.removeprefix("staged_")))
        tally[COMPLETE.name], tally[READABLE.name] = loaded["rows_quarantined"] - versions, loaded["values_blanked"]
        tally |= {expectation.name: int(expectation.name in found) for expectation in load_expectations(table)}
        if table.monthly:
            tally |= _outside_history(table, warehouse, as_of, settings)
    return {name: [count] for name, count in tally.items()}


def _strays(table: Table, expectation: Expectation, warehouse: Warehouse, as_of: date) -> int:
    """Rows known by the as-of day whose key does not exist in the referenced table."""
    target, key = expectation.arguments["target"].split(".")
    (column,) = expectation.columns
    found = warehouse.cursor().execute(
        f"select count(*) from {table.relation} anti join {TABLES[target].relation} as named "
        f"on {table.relation}.{column} = named.{key} where {column} is not null and {available_by(table.contract, as_of)}"
    )
    return int(found.fetchone()[0])  # type: ignore[index]


def _outside_history(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, int]:
    """Rows of other months, as the profile of the files has them, and rows after the as-of day in its month."""
    profile = warehouse.read(TABLES[table.inputs[0]]).filter(pl.col("month") != UNREADABLE).collect()
    within = pl.col("month").is_between(pl.lit(f"{settings.history_start:%Y-%m}"), pl.lit(f"{as_of:%Y-%m}"))
    other_months = profile.filter(~within)["row_count"].sum()
    days_to_come = warehouse.read(table, since=as_of + timedelta(days=1), until=end_of_month(as_of))
    later = days_to_come.select(pl.len()).collect().item()
    return {IN_HISTORY.name: other_months + later, f"{IN_HISTORY.name}{OF_ROWS}": profile["row_count"].sum()}


def _evidence(answer: Answer, rows: pl.DataFrame, expectation: Expectation, tallied: bool) -> dict[str, Any]:
    if tallied:
        broken = int(rows[expectation.name].sum())
        of_rows = f"{expectation.name}{OF_ROWS}"
        share = {"rows": int(rows[of_rows].sum())} if of_rows in rows.columns else {}
        rows_are = f"{broken:,} {'row' if broken == 1 else 'rows'}"
        said = {FOUND: f"{rows_are} {words}"} if (words := IN_WORDS.get(expectation.name)) else {}
        return {"broken": broken} | share | said if broken else {}
    if not answer.unexpected_count:
        return {}
    return {"broken": answer.unexpected_count, "rows": rows.height, "sample": ", ".join(answer.sample)}
