"""Is a load plausible? Its volume and its units, compared with earlier weeks and the last published load.

The contracts check each value by itself; here each value may be valid.
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

from health_assets.connectors.pulling import behind
from health_assets.contracts.contract import WARN, Contract, Expectation, available_from, dtypes
from health_assets.quality.compared_load import profile_of
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.published_load import median_of
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

RECENT_DAYS = 7
ALL_ROWS = ""  # in place of a column
FRESH = Expectation(
    "rows__fresh",
    "rule",
    (),
    severity=WARN,
    description="The last row of the source is not older than its limit in `stale_after_days`; a source that is pulled from "
    "an API could be pulled",
)
VOLUME = Expectation(
    "rows__volume",
    "rule",
    (),
    severity=WARN,
    description="The last day has the usual number of rows, compared with the same weekday of earlier weeks",
)
COLLAPSED = Expectation(
    "rows__not_collapsed",
    "rule",
    (),
    description="Neither the last day nor the whole source has shrunk to `plausibility.volume_stop` of the usual rows; a day "
    "without any row only raises a warning. If it is correct, lower plausibility.volume_stop for one run",
)
SHRUNK = Expectation(
    "rows__not_fewer",
    "rule",
    (),
    severity=WARN,
    description="The whole source has about as many rows as in the last published load: records are corrected, rarely deleted",
)


def anomaly_expectations(table: Table) -> list[Expectation]:
    """What is expected of a staged table's arrivals and amounts."""
    arrivals = [FRESH, VOLUME] if available_from(table.contract) else []
    return [*arrivals, COLLAPSED, SHRUNK, *_units(table.contract).values()]


def find_anomalies(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The failed expectations, each with what was found and what it was compared with."""
    accepted = _accepted(warehouse, table)
    found = _arrivals(table, warehouse, as_of, settings) if available_from(table.contract) else {}
    rows, limits = warehouse.row_count(table.relation), settings.plausibility
    if shrunk := _shrunk(rows, accepted, limits.volume_stop, settings):
        found[COLLAPSED.name] = shrunk
    if shrunk := _shrunk(rows, accepted, limits.rows_kept, settings):
        found[SHRUNK.name] = shrunk
    return found | _unit_changes(table, warehouse, as_of, accepted, settings)


def _units(contract: type[Contract]) -> dict[str, Expectation]:
    """Column of amounts -> the expectation that its unit has not changed."""
    return {
        name: Expectation(
            f"{name}__same_unit",
            "rule",
            (),
            description="The median has not changed by a factor that only another unit explains, such as cents instead "
            "of euros; if it is correct, raise plausibility.unit_change for one run",
        )
        for name, dtype in dtypes(contract).items()
        if dtype.is_float()
    }


def _arrivals(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """No rows for too long; far fewer rows on the last day than usual for its weekday; almost none."""
    known = pl.col(str(available_from(table.contract))).cast(pl.Date)
    days = warehouse.read(table, until=as_of).group_by(known.alias("day")).len().collect()
    plausible, found = settings.plausibility, dict[str, str]()
    limit = settings.stale_after_days.get(table.name.removeprefix("staged_"))
    last: Any = days["day"].max()
    if pulled := behind(table.name.removeprefix("staged_"), settings, as_of):
        found[FRESH.name] = f"pulled up to {pulled[0]}, {_counted((as_of - pulled[0]).days, 'day')} ago: {pulled[1]}"
    elif limit is not None and last is not None and (as_of - last).days > limit:
        found[FRESH.name] = f"the last row is dated {last}, {_counted((as_of - last).days, 'day')} ago"
    age = (as_of - pl.col("day")).dt.total_days()
    usual = days.filter((age % 7 == 0) & age.is_between(7, 7 * plausible.volume_weeks))
    if usual.height < plausible.volume_weeks:
        return found
    today = int(days.filter(pl.col("day") == as_of)["len"].sum())
    median = float(usual["len"].median())  # type: ignore[arg-type]
    seen = f"{_counted(today, 'row')} on {as_of:%A}, {as_of}; usually {median:,.0f}"
    if median >= settings.min_events and today < plausible.volume_drop * median:
        found[VOLUME.name] = seen
    if median >= plausible.min_rows and 0 < today <= plausible.volume_stop * median:
        found[COLLAPSED.name] = seen
    return found


def _shrunk(rows: int, accepted: dict[str, tuple[int, float | None]], share: float, settings: Settings) -> str:
    """The rows of a source that has at most a share of the rows of its last published load."""
    before, _ = accepted.get(ALL_ROWS, (0, None))
    is_shrunk = before >= settings.plausibility.min_rows and rows <= share * before
    return f"{_counted(rows, 'row')}; the last published load had {before:,}" if is_shrunk else ""


def _unit_changes(
    table: Table,
    warehouse: Warehouse,
    as_of: date,
    accepted: dict[str, tuple[int, float | None]],
    settings: Settings,
) -> dict[str, str]:
    """Amounts whose median jumped: against the last published load, or in new rows or the last week against earlier weeks."""
    expected = _units(table.contract)
    if not expected:
        return {}
    columns = list(expected)
    current = {name: (row["amounts"], row["median"]) for name, row in profile_of(table, warehouse, as_of).items()}
    pairs = {"in the last published load": (accepted, current)}
    if available_from(table.contract):
        for days in {RECENT_DAYS, *_days_since_the_last_snapshot(warehouse, as_of)}:
            until = as_of - timedelta(days=days)
            since = until - timedelta(days=7 * settings.plausibility.volume_weeks - 1)
            earlier = _medians(table, warehouse, columns, since, until)
            latest = _medians(table, warehouse, columns, until + timedelta(days=1), as_of)
            pairs[f"in the weeks before the last {_counted(days, 'day')}"] = earlier, latest
    nothing, found = (0, None), dict[str, str]()
    for column, expectation in expected.items():
        for when, (before, now) in pairs.items():
            if jumped := _jumped(before.get(column, nothing), now.get(column, nothing), settings):
                found.setdefault(expectation.name, f"{jumped} {when}")
    return found


def _jumped(before: tuple[int, float | None], now: tuple[int, float | None], settings: Settings) -> str:
    """Both medians, if only another unit explains the difference."""
    (rows_before, median_before), (rows_now, median_now) = before, now
    if not median_before or not median_now or min(rows_before, rows_now) < settings.plausibility.min_rows:
        return ""
    factor = settings.plausibility.unit_change
    is_jump = not 1 / factor < median_now / median_before < factor
    return f"the median is {median_now:,.2f}; it was {median_before:,.2f}" if is_jump else ""


def _medians(
    table: Table, warehouse: Warehouse, columns: list[str], since: date, until: date
) -> dict[str, tuple[int, float | None]]:
    """Column -> number of amounts other than 0, and the median of their absolute values, of some days."""
    inside = f"{available_from(table.contract)}::date between {literal(since)} and {literal(until)}"
    cursor = warehouse.cursor()
    measures = [f"count(*) filter ({name} <> 0), {median_of(cursor, table, name, inside)}" for name in columns]
    found = cursor.execute(f"select {', '.join(measures)} from {table.relation} where {inside}").fetchone() or ()
    return dict(zip(columns, zip(found[::2], found[1::2], strict=True), strict=True))


def _days_since_the_last_snapshot(warehouse: Warehouse, as_of: date) -> list[int]:
    """The number of new days, if there are any."""
    last = warehouse.cursor().execute("select max(as_of_date) from loads.columns").fetchone()
    return [(as_of - last[0]).days] if last and last[0] and last[0] < as_of else []


def _accepted(warehouse: Warehouse, table: Table) -> dict[str, tuple[int, float | None]]:
    rows = warehouse.cursor().execute(
        f"select column_name, row_count, amounts, median from loads.columns where relation = {literal(table.relation)}"
    )
    accepted: dict[str, tuple[int, float | None]] = {}
    for column, row_count, amounts, median in rows.fetchall():
        accepted |= {ALL_ROWS: (row_count, None), column: (amounts, median)}
    return accepted


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
