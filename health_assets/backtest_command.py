"""`health-assets backtest`: the published history of scores against who churned. What counts is in backtest.py."""

import duckdb
from rich.table import Table

from health_assets import settings
from health_assets.backtest import HEALTH, Findings, Interval, evaluated, labelled, observation_days
from health_assets.publish import SnapshotError, snapshot
from health_assets.scorecards import bands_in_use
from health_assets.terminal import SettingsFile, console, expected_errors

ROWS = """
    select account_id, as_of_date, health_score, health_band, revenue.mrr::double as mrr, days_since_last_login,
           date_diff('day', signup_date, as_of_date) as tenure_days
    from mart.customer_health_daily
    join fact.account_revenue_daily as revenue using (account_id, as_of_date)
    join dim.account as account using (account_id)
    left join {recency} as recency using (account_id, as_of_date)
    where as_of_date in (select unnest(?)) and revenue.account_status = 'active'
      and date_diff('day', signup_date, as_of_date) >= ?
"""
CHURNS = """
    with days as (
        select account_id, as_of_date, account_status,
               lag(account_status) over of_account as status_before,
               min(as_of_date) filter (account_status = 'active') over (
                   partition by account_id order by as_of_date rows between 1 following and unbounded following
               ) as paying_again
        from fact.account_revenue_daily
        window of_account as (partition by account_id order by as_of_date)
    )
    select account_id, as_of_date as churn_date from days
    where account_status = 'churned' and status_before = 'active'
      and (paying_again is null or paying_again > as_of_date + ?::integer)
"""


def backtest(settings_file: SettingsFile = None) -> None:
    """Does the score work? Past scores against who churned later, beside baselines, with intervals and a verdict."""
    with expected_errors():
        company = settings.load(settings_file)
        findings = tested(company)
        if findings is None:
            rules = company.backtest
            console.print(
                f"Not enough history: a backtest needs accounts that had paid for {rules.history_days} days on a day "
                f"{rules.lead_days + rules.horizon_days} days before the last one"
            )
            return
        _print(findings, company)


def tested(company: settings.Settings) -> Findings | None:
    """The findings of the snapshot; None where no account was there on a day early enough.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    rules = company.backtest
    with snapshot(company.published) as connection:
        try:
            first, last = connection.sql(
                "select min(as_of_date), max(as_of_date) from mart.customer_health_daily"
            ).fetchall()[0]
            days = observation_days(first, last, rules) if first else []
            query = ROWS.format(recency=_with_column(connection, "days_since_last_login"))
            rows = connection.execute(query, [days, rules.history_days]).pl()
            churns = connection.execute(CHURNS, [company.revenue.churn_gap_days]).pl()
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise SnapshotError(
                f"{company.published}: was published by another version ({str(error).splitlines()[0]}); run the pipeline anew"
            ) from None
    if rows.is_empty():
        return None
    return evaluated(labelled(rows, churns, rules), bands_in_use(company), rules)


def _with_column(connection: duckdb.DuckDBPyConnection, column: str) -> str:
    """The account x day fact that has a column."""
    return connection.execute(
        "select schema_name || '.' || table_name from duckdb_columns() "
        "where schema_name = 'fact' and column_name = ? and table_name like 'account%daily' order by 1 limit 1",
        [column],
    ).fetchall()[0][0]


def _print(findings: Findings, company: settings.Settings) -> None:
    rules = company.backtest
    console.print(
        f"{len(findings.days)} observation days from {findings.days[0]} to {findings.days[-1]}: {findings.rows:,} rows of "
        f"paying accounts with a score; {findings.churned_accounts} accounts churned {rules.lead_days} to "
        f"{rules.lead_days + rules.horizon_days} days later. Left out: {findings.too_late_rows} rows that churned too "
        f"soon to act, {findings.unknown_rows} without a score",
        highlight=False,
    )
    shown = _table("ranking", "AUC", f"{100 * rules.confidence:g} % interval", "health gains", "interval")
    for name, area in findings.auc.items():
        gain = findings.beats.get(name, Interval(None))
        shown.add_row(name, _number(area.estimate), _bounds(area), _number(gain.estimate), _bounds(gain))
    console.print(shown)
    if findings.top_recall is not None:
        console.print(
            f"The riskiest {100 * rules.top_share:g} % by {HEALTH}: {_pct(findings.top_precision)} churned; they are "
            f"{_pct(findings.top_recall)} of all that churned and {_pct(findings.top_lost_mrr)} of the MRR lost",
            highlight=False,
        )
    bands = _table("band", "rows", "churned", "rate", "interval")
    for band in findings.bands:
        rate = _pct(band.rate.estimate), _bounds(band.rate, percent=True)
        bands.add_row(band.band, f"{band.rows:,}", f"{band.churned:,}", *rate)
    console.print(bands)
    for better, worse in findings.disordered:
        console.print(f"[yellow]not monotone[/]: {better} churns more than {worse}")
    is_short = findings.churned_accounts < rules.min_churned
    why = f": fewer than {rules.min_churned} accounts churned" if is_short else ""
    console.print(f"Verdict: [bold]{findings.verdict}[/]{why}", highlight=False)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="dim")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _pct(value: float | None) -> str:
    return "not known" if value is None else f"{100 * value:.1f} %"


def _bounds(interval: Interval, *, percent: bool = False) -> str:
    if interval.low is None or interval.high is None:
        return ""
    scale, unit, digits = (100, " %", 1) if percent else (1, "", 3)
    return f"{scale * interval.low:.{digits}f} to {scale * interval.high:.{digits}f}{unit}"
