"""What is odd in the prices of a load by themselves: signs that a column holds something other than what it is read as."""

from datetime import date
from itertools import pairwise

import duckdb
import polars as pl

from health_assets.contracts.contract import WARN, Expectation
from health_assets.settings import Settings
from health_assets.sources.formats import files_of
from health_assets.sources.parsing import FILE
from health_assets.sources.readers import collected, read_source
from health_assets.tables import TABLES
from health_assets.warehouse.storage import Warehouse

SUBSCRIPTIONS = "subscriptions"
SAMPLES = 3

PAID_BEFORE = Expectation(
    "mrr_amount__of_ended_periods_is_what_they_paid",
    "rule",
    (),
    severity=WARN,
    description="Periods that have ended do not all have an mrr_amount of 0 while those that run pay: such a file gives what "
    "is paid now, and shows no churn",
)
ALL_UNITS = Expectation(
    "amount__is_of_all_units",
    "rule",
    (),
    severity=WARN,
    description="The amount of a plan grows with the quantity. Where it stays the same it is the price of one unit",
)
STATES = Expectation(
    "files__are_not_states_of_their_day",
    "rule",
    (),
    severity=WARN,
    description="No running period is in an older file only, where the files repeat each other: what is left out of the newest "
    "of such files has ended, but counts as running",
)


def price_oddities(warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The expectations of subscriptions that are broken, each with samples and the setting that helps."""
    cursor = warehouse.cursor()
    return {
        PAID_BEFORE.name: _nothing_paid_before(cursor, as_of, settings),
        ALL_UNITS.name: _same_for_any_quantity(cursor, settings),
        STATES.name: left_out_of_the_newest_file(settings),
    }


def _nothing_paid_before(cursor: duckdb.DuckDBPyConnection, as_of: date, settings: Settings) -> str:
    has_ended = f"coalesce(end_date <= date '{as_of}', false)"
    ended, unpaid, paying, example = cursor.execute(
        f"select count(*) filter (where {has_ended}), count(*) filter (where {has_ended} and mrr_amount = 0), "
        f"count(*) filter (where not {has_ended} and mrr_amount > 0), min(subscription_id) filter (where {has_ended}) "
        "from staged.subscriptions where first_paid_date < coalesce(end_date, date '9999-12-31')"
    ).fetchone() or (0, 0, 0, None)
    if ended < settings.plausibility.ended_without_price or unpaid < ended or not paying:
        return ""
    theirs = _their_name("mrr_amount", settings)
    return (
        f"all {ended:,} periods that have ended have an MRR of 0 (such as {example}), so their accounts never seem to have paid "
        f"or churned; if {theirs} is what is paid now, map the price instead: sources.subscriptions.columns: {{<the price>: "
        "amount (or unit_amount), <its billing period>: interval}"
    )


def _same_for_any_quantity(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    plan = "coalesce(product_name, '') || ' ' || coalesce(plan_tier, '')"
    by_plan = (
        f"select {plan} as plan, count(distinct amount) as prices, count(distinct quantity) as quantities, min(amount) as amount, "
        "min(quantity) as low, max(quantity) as high from staged.subscriptions "
        f"where amount > 0 and quantity > 0 and trim({plan}) <> '' "
        "group by plan, interval, interval_count, currency having quantities > 1"
    )
    plans, same = cursor.execute(
        f"select count(*), count(*) filter (where prices = 1) from ({by_plan})"
    ).fetchone() or (0, 0)
    if not same or 2 * same < plans:
        return ""
    shown, amount, low, high = cursor.execute(
        f"select trim(plan), amount, low, high from ({by_plan}) where prices = 1 order by 1 limit 1"
    ).fetchone() or ("", 0, 0, 0)
    theirs = _their_name("amount", settings)
    return (
        f"the amount is the same whatever the quantity in {same:,} of {plans:,} plans ({shown}: {amount:,.2f} for {low:g} and for "
        f"{high:g}), but counts as that of all units; if it is the price of one: sources.subscriptions.columns: {{{theirs}: unit_amount}}"
    )


def left_out_of_the_newest_file(settings: Settings) -> str:
    """Periods without an end that the newest file lacks, where most rows of each file are in the next one too."""
    source, rows = settings.sources.get(SUBSCRIPTIONS), TABLES[f"raw_{SUBSCRIPTIONS}"].rows
    if source is None or rows is None or source.is_queried or len(files_of(SUBSCRIPTIONS, source)) == 1:
        return ""
    read = pl.col("account_id", "start_date", "end_date").cast(pl.String).str.strip_chars().replace("", None)
    given = collected(
        SUBSCRIPTIONS,
        settings,
        lambda by_row: read_source(SUBSCRIPTIONS, rows, settings, by_row=by_row).select(FILE, read).collect(),
    )
    files = [file for (_, file) in given.group_by(FILE, maintain_order=True)]
    key, copied = ["account_id", "start_date"], settings.plausibility.copied_rows
    repeats = [
        not this.is_empty() and this.join(after, on=key, how="semi").height >= copied * this.height
        for this, after in pairwise(files)
    ]
    gone = given.filter(pl.col("end_date").is_null()).join(files[-1], on=key, how="anti")["account_id"].unique().sort()
    if not repeats or not all(repeats) or gone.is_empty():
        return ""
    lacks = "accounts without an end are" if len(gone) > 1 else "account without an end is"
    return (
        f"{len(gone):,} {lacks} in older files only, not in {files[-1][FILE][0]}, and counted as paying ({', '.join(gone[:SAMPLES])}); "
        "if each file lists who pays on its day, a missing row is an end: read the files by the query in docs/connect.md, Files that "
        "each list who pays"
    )


def _their_name(ours: str, settings: Settings) -> str:
    """The column of the files that one of ours is read from."""
    source = settings.sources.get(SUBSCRIPTIONS)
    return next((theirs for theirs, mapped in (source.mapped if source else []) if mapped == ours), ours)
