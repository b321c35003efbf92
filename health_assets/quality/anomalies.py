"""Is what came in plausible? Its volume against the weeks before and what was published last, its units likewise.

Whether a value keeps its contract is contracts.py's affair; here each value may be right by itself.
"""

from datetime import date
from typing import Any

import polars as pl

from health_assets.contracts.contract import WARN, Contract, Expectation, available_from, dtypes
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

RECENT_DAYS = 7
ALL_ROWS = ""  # in place of a column
FRESH = Expectation(
    "rows__fresh", "rule", (), severity=WARN, description="The source's last row is not older than its stale_after_days"
)
VOLUME = Expectation(
    "rows__volume",
    "rule",
    (),
    severity=WARN,
    description="The last day brought its usual number of rows, against the same weekday of the weeks before",
)
COLLAPSED = Expectation(
    "rows__not_collapsed",
    "rule",
    (),
    description="Neither the last day nor the whole source has shrunk to a tenth of what is usual; a day without any row is "
    "late and only warned of. If it is right, lower plausibility.volume_stop for one run",
)
SHRUNK = Expectation(
    "rows__not_fewer",
    "rule",
    (),
    severity=WARN,
    description="The whole source has about as many rows as when it was last published: records are corrected, rarely deleted",
)


def anomaly_expectations(table: Table) -> list[Expectation]:
    """What is expected of a staged table's arrivals and amounts."""
    arrivals = [FRESH, VOLUME] if available_from(table.contract) else []
    return [*arrivals, COLLAPSED, SHRUNK, *_units(table.contract).values()]


def find_anomalies(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The expectations_of that are broken, each with what was found and what it was measured by."""
    accepted = _accepted(warehouse, table)
    found = _arrivals(table, warehouse, as_of, settings) if available_from(table.contract) else {}
    rows, limits = warehouse.row_count(table.relation), settings.plausibility
    if shrunk := _shrunk(rows, accepted, limits.volume_stop, settings):
        found[COLLAPSED.name] = shrunk
    if shrunk := _shrunk(rows, accepted, limits.rows_kept, settings):
        found[SHRUNK.name] = shrunk
    return found | _unit_changes(table, warehouse, as_of, accepted, settings)


def _units(contract: type[Contract]) -> dict[str, Expectation]:
    """Column of amounts -> the expectation that its unit stays."""
    return {
        name: Expectation(
            f"{name}__same_unit",
            "rule",
            (),
            description="The median has not changed by a factor that only another unit explains, such as cents for "
            "euros; if it is right, raise plausibility.unit_change for one run",
        )
        for name, dtype in dtypes(contract).items()
        if dtype.is_float()
    }


def _arrivals(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """Silent for too long; far fewer rows on the last day than on that weekday before; almost none."""
    known = pl.col(str(available_from(table.contract))).cast(pl.Date)
    days = warehouse.read(table, until=as_of).group_by(known.alias("day")).len().collect()
    plausible, found = settings.plausibility, dict[str, str]()
    limit = settings.stale_after_days.get(table.name.removeprefix("staged_"))
    last: Any = days["day"].max()
    if limit is not None and last is not None and (as_of - last).days > limit:
        found[FRESH.name] = f"the last row is of {last}, {(as_of - last).days} days ago"
    age = (as_of - pl.col("day")).dt.total_days()
    usual = days.filter((age % 7 == 0) & age.is_between(7, 7 * plausible.volume_weeks))
    if usual.height < plausible.volume_weeks:
        return found
    today = days.filter(pl.col("day") == as_of)["len"].sum()
    median = float(usual["len"].median())  # type: ignore[arg-type]
    seen = f"{today:,} rows on {as_of:%A}, {as_of}; usual are {median:,.0f}"
    if today < plausible.volume_drop * median:
        found[VOLUME.name] = seen
    if median >= plausible.min_rows and 0 < today <= plausible.volume_stop * median:
        found[COLLAPSED.name] = seen
    return found


def _shrunk(rows: int, accepted: dict[str, tuple[int, float | None]], share: float, settings: Settings) -> str:
    """What is left of a source that was published with many rows and has no more than a share of them now."""
    before, _ = accepted.get(ALL_ROWS, (0, None))
    is_shrunk = before >= settings.plausibility.min_rows and rows <= share * before
    return f"{rows:,} rows; when last published it had {before:,}" if is_shrunk else ""


def _unit_changes(
    table: Table,
    warehouse: Warehouse,
    as_of: date,
    accepted: dict[str, tuple[int, float | None]],
    settings: Settings,
) -> dict[str, str]:
    """Amounts whose median left that of the last snapshot, or in their new rows or last week that of the weeks before."""
    promised = _units(table.contract)
    if not promised:
        return {}
    columns = list(promised)
    pairs = {"in the last snapshot": (accepted, _medians(warehouse.read(table), columns))}
    if known := available_from(table.contract):
        age = (pl.lit(as_of) - pl.col(known).cast(pl.Date)).dt.total_days()
        rows = warehouse.read(table, until=as_of)
        for days in {RECENT_DAYS, *_days_since_the_last_snapshot(warehouse, as_of)}:
            weeks = age.is_between(days, days + 7 * settings.plausibility.volume_weeks - 1)
            medians = _medians(rows.filter(weeks), columns), _medians(rows.filter(age < days), columns)
            pairs[f"in the weeks before the last {days} day{'s' if days > 1 else ''}"] = medians
    nothing, found = (0, None), dict[str, str]()
    for column, expectation in promised.items():
        for when, (before, now) in pairs.items():
            if jumped := _jumped(before.get(column, nothing), now.get(column, nothing), settings):
                found.setdefault(expectation.name, f"{jumped} {when}")
    return found


def _jumped(before: tuple[int, float | None], now: tuple[int, float | None], settings: Settings) -> str:
    """Both medians, where only another unit explains them."""
    (rows_before, median_before), (rows_now, median_now) = before, now
    if not median_before or not median_now or min(rows_before, rows_now) < settings.plausibility.min_rows:
        return ""
    factor = settings.plausibility.unit_change
    is_jump = not 1 / factor < median_now / median_before < factor
    return f"the median is {median_now:,.2f}; it was {median_before:,.2f}" if is_jump else ""


def _medians(rows: pl.LazyFrame, columns: list[str]) -> dict[str, tuple[int, float | None]]:
    """Column -> how many amounts are not zero, and their median without sign."""
    if not columns:
        return {}
    amounts = {name: pl.col(name).filter(pl.col(name) != 0).abs() for name in columns}
    found = rows.select(
        *(amount.len().alias(f"{name}/count") for name, amount in amounts.items()),
        *(amount.median().alias(f"{name}/median") for name, amount in amounts.items()),
    ).collect()
    return {name: (found[f"{name}/count"].item(), found[f"{name}/median"].item()) for name in columns}


def _days_since_the_last_snapshot(warehouse: Warehouse, as_of: date) -> list[int]:
    """How many days are new, if any are."""
    last = warehouse.connection.cursor().execute("select max(as_of_date) from loads.columns").fetchone()
    return [(as_of - last[0]).days] if last and last[0] and last[0] < as_of else []


def _accepted(warehouse: Warehouse, table: Table) -> dict[str, tuple[int, float | None]]:
    rows = warehouse.connection.cursor().execute(
        f"select column_name, row_count, amounts, median from loads.columns where relation = {literal(table.relation)}"
    )
    accepted: dict[str, tuple[int, float | None]] = {}
    for column, row_count, amounts, median in rows.fetchall():
        accepted |= {ALL_ROWS: (row_count, None), column: (amounts, median)}
    return accepted
