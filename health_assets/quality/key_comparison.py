"""The records of a load compared with the last published one, key by key: which are gone, and what changed in them."""

import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import meta
from health_assets.quality.compared_load import SAMPLES, Load
from health_assets.quality.load_expectations import FEWER_KEYS, KEYS, money_of
from health_assets.warehouse.published_load import keys_of

PRICES = {"mrr_amount", "amount", "unit_amount", "discount_amount"}  # of subscriptions


def keys_gone(load: Load) -> dict[str, str]:
    """What is said of missing keys: a warning of a few, a stop beyond plausibility.keys_gone."""
    key, limits = load.table.contract.primary_key(), load.settings.plausibility
    gone = f"from {keys_of(load.table)} anti join {load.table.relation} using ({', '.join(key)})"
    (count,), (of,) = load.one(f"select count(*) {gone}"), load.one(f"select count(*) from {keys_of(load.table)}")
    if not count:
        return {}
    samples = load.cursor.execute(f"select {key[0]} {gone} order by 1 limit {SAMPLES}").fetchall()
    said = f"{count:,} of {of:,} {key[0]}s are gone {load.since}, e.g. {', '.join(str(one) for (one,) in samples)}"
    for name in load.columns_by_key.intersection(money_of(load.table.contract)):
        (amount,), total = load.one(f"select coalesce(sum({name}), 0) {gone}"), load.before[name]["total"] or 0
        said += f", with {amount:,.2f} of {total:,.2f} {name}" if amount else ""
    if count < limits.min_keys_gone or count <= limits.keys_gone * of:
        return {FEWER_KEYS.name: said}
    return {KEYS.name: f"{said}; if that is correct, raise plausibility.keys_gone ({limits.keys_gone:g})"}


def changed_under_key(load: Load) -> str:
    """Amounts, accounts and dates that differ under the same key."""
    changed = [_changed(load, name) for name in _compared_one_by_one(load) if not _takes_changes(load, name)]
    return "; ".join(said for said in changed if said)


def _compared_one_by_one(load: Load) -> list[str]:
    """The columns of which each change is news."""
    contract = load.table.contract
    return [
        name
        for name, column in contract.columns().items()
        if name in load.columns_by_key
        and name in load.given
        and (meta(column, "money") or meta(column, "references") or _is_first_date(column))
        and name not in contract.primary_key()
    ]


def _is_first_date(column: Column) -> bool:
    """Whether a column says when a record began: later dates of it may come and move."""
    return bool(meta(column, "available_from")) or (column.dtype.is_temporal() and not column.nullable)


def _takes_changes(load: Load, name: str) -> bool:
    """Whether the settings say that a changed price is a new one."""
    spelling = load.settings.sources.get(load.source)
    return name in PRICES and getattr(spelling, "changes", None) == "new_period"


def _changed(load: Load, name: str) -> str:
    key, is_money = load.table.contract.primary_key(), meta(load.table.contract.columns()[name], "money")
    differs = f"abs(now.{name} - before.{name}) >= 0.005" if is_money else f"now.{name} <> before.{name}"
    pairs = f"from {keys_of(load.table)} as before join {load.table.relation} as now using ({', '.join(key)}) where {differs}"
    count, *sums = load.one(
        f"select count(*), {f'sum(before.{name}), sum(now.{name})' if is_money else 'null, null'} {pairs}"
    )
    if not count:
        return ""
    samples = load.cursor.execute(
        f"select {key[0]}, before.{name}, now.{name} {pairs} order by 1 limit {SAMPLES}"
    ).fetchall()
    shown = ", ".join(f"{row} {before} -> {now}" for row, before, now in samples)
    summed = f", in total {sums[0]:,.2f} -> {sums[1]:,.2f}" if is_money else ""
    said = f"{name} changed in {count:,} record{'s' if count > 1 else ''} {load.since}{summed} ({shown})"
    if name in PRICES:
        said += f"; if these are new prices, not corrections, set sources.{load.source}.changes: new_period"
    return said


def widely_changed(load: Load) -> str:
    """Columns that say something else of more than plausibility.values_changed of the records that had a value.

    Of a flag, also where so many of the records that had it have it no longer: few ever do.
    """
    others = {*_compared_one_by_one(load), *load.table.contract.primary_key()}
    found = []
    for name in (name for name in load.given if name in load.columns_by_key and name not in others):
        is_flag = load.table.contract.columns()[name].dtype == pl.Boolean
        said = _widely_changed(load, name, "true") or (is_flag and _widely_changed(load, name, f"before.{name}"))
        found += [said] if said else []
    return "; ".join(found)


def _widely_changed(load: Load, name: str, among: str) -> str:
    limits, key = load.settings.plausibility, ", ".join(load.table.contract.primary_key())
    pairs = f"from {keys_of(load.table)} as before join {load.table.relation} as now using ({key})"
    both = f"{pairs} where {among} and before.{name} is not null and now.{name} is not null"
    differs = f"{both} and before.{name} <> now.{name}"
    (records,), (changed,) = load.one(f"select count(*) {both}"), load.one(f"select count(*) {differs}")
    if records < limits.min_rows or changed <= limits.values_changed * records:
        return ""
    most = load.cursor.execute(
        f"select before.{name}, now.{name}, count(*) {differs} group by 1, 2 order by 3 desc, 1, 2 limit {SAMPLES}"
    ).fetchall()
    shown = ", ".join(f"{_word(before)} -> {_word(now)} in {count:,}" for before, now, count in most)
    return f"{name} changed in {changed:,} of {records:,} records {load.since} ({shown})"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
