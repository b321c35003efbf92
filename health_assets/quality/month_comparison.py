"""The rows of a load compared with the last published one by month, where they have no stable key: a hash of the row, a day."""

from health_assets.contracts.contract import available_from
from health_assets.contracts.months import months_after
from health_assets.quality.compared_load import SAMPLES, Load, and_more
from health_assets.quality.load_expectations import FEWER_IN_MONTHS, MONTHS
from health_assets.warehouse.published_load import ROWS_BY_MONTH, counted_by_month
from health_assets.warehouse.sql import literal


def rows_gone_by_month(load: Load) -> dict[str, str]:
    """What is said of months with fewer rows: a warning of a few rows, a stop beyond plausibility.keys_gone.

    It stops where that share of all rows is gone, or of those of the last two months, which the scores of the day are of: in a
    long history a whole month is a small share.
    """
    if available_from(load.table.contract) is None:
        return {}
    limits = load.settings.plausibility
    compared = f"before.relation = {literal(load.table.relation)}"
    if load.before and load.as_of < load.last_day:  # of an earlier day only the months that were over by then
        compared += f" and before.month < date_trunc('month', {literal(load.as_of)})"
    fewer = load.cursor.execute(
        f"select before.month, before.row_count, coalesce(now.row_count, 0) from {ROWS_BY_MONTH} as before "
        f"left join ({counted_by_month(load.table, load.as_of)}) as now using (month) "
        f"where {compared} and before.row_count > coalesce(now.row_count, 0) order by 1"
    ).fetchall()
    if not fewer:
        return {}
    recent = months_after(load.last_day.replace(day=1), -1)
    rows, recent_rows = load.one(
        f"select sum(before.row_count), coalesce(sum(before.row_count) filter (where before.month >= {literal(recent)}), 0) "
        f"from {ROWS_BY_MONTH} as before where {compared}"
    )
    gone = sum(before - now for _, before, now in fewer)
    recently_gone = sum(before - now for month, before, now in fewer if month >= recent)
    shown = ", ".join(f"{now:,} of {before:,} in {month:%Y-%m}" for month, before, now in fewer[:SAMPLES])
    said = (
        f"{gone:,} of {rows:,} rows are gone {load.since}: {shown}{and_more([str(month) for month, *_ in fewer])} "
        "(compared by month, as the rows have no stable key)"
    )
    is_recent_gap = recent_rows >= limits.min_rows and recently_gone > limits.keys_gone * recent_rows
    if gone < limits.min_keys_gone or (gone <= limits.keys_gone * rows and not is_recent_gap):
        return {FEWER_IN_MONTHS.name: said}
    return {MONTHS.name: f"{said}; if that is correct, raise plausibility.keys_gone ({limits.keys_gone:g})"}
