"""What `health-assets backtest` prints: the published history of scores against who churned. What counts is in backtest.py."""

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table

from health_assets import settings
from health_assets.assets.mart.health.churn_risk import with_risk
from health_assets.reporting.formatting import figure
from health_assets.reporting.signals import signals_on
from health_assets.scoring.backtest import HEALTH, PROBABILITY, Findings, Foretelling, Interval, evaluated
from health_assets.scoring.churn_labels import KEY, churn_dates, labelled, observation_days, observed
from health_assets.scoring.churn_model import out_of_fold
from health_assets.scoring.scorecards import TREND_DAYS, bands_in_use, joined_signals
from health_assets.settings.sections import Backtest
from health_assets.warehouse.snapshot import SnapshotError, snapshot

REVENUE = "select account_id, as_of_date, account_status, mrr::double as mrr from fact.account_revenue_daily"
ACCOUNTS = "select account_id, signup_date, first_paid_date, cancelled_date from dim.account"
ORDERS = "select account_id, order_date, total_amount from fact.orders"
EARLIER = """
    select account_id, as_of_date + ?::integer as as_of_date, scorecard_version as earlier_version,
           health_score as earlier_score
    from mart.customer_health_daily where as_of_date + ?::integer in (select unnest(?))
"""


def print_backtest(company: settings.Settings, console: Console) -> None:
    """What the published history says of the scores, or why it says nothing.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    with console.status("Judging past scores, and learning from each fold of the accounts ..."):
        findings = tested(company)
    if findings is None:
        rules = company.backtest
        console.print(
            "Not enough history: a backtest needs accounts that paid, or bought, and had been there for "
            f"{rules.history_days} days on a day {rules.lead_days + rules.horizon_days} days before the last one"
        )
        return
    _print(findings, company, console)


def tested(company: settings.Settings) -> Findings | None:
    """The findings of the snapshot; None where no account was there on a day early enough.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    rules = company.backtest
    with snapshot(company.published) as connection:
        try:
            first, last = connection.sql(
                "select min(as_of_date), max(as_of_date) from fact.account_revenue_daily"
            ).fetchall()[0]
            days = observation_days(first, last, rules) if first else []
            revenue, accounts, orders = (connection.sql(query).pl().lazy() for query in (REVENUE, ACCOUNTS, ORDERS))
            earlier = connection.execute(EARLIER, [TREND_DAYS, TREND_DAYS, days]).pl().lazy()
            signals = signals_on(connection, days)
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise SnapshotError(
                f"{company.published}: was published by another version ({str(error).splitlines()[0]}); run the pipeline anew"
            ) from None
    churns = churn_dates(revenue, company.revenue.churn_gap_days)
    rows = labelled(observed(revenue, orders, accounts, days, rules), churns, orders, rules)
    silence = pl.when("is_commerce").then("days_without_order").otherwise("days_since_last_login")
    judged_rows = (
        joined_signals(rows, *signals)
        .join(earlier, on=KEY, how="left", validate="1:1")
        .with_columns(
            days_silent=silence,
            computed_health_score="health_score",
            trend_30d=pl.when(pl.col("earlier_version") == pl.col("scorecard_version")).then(
                pl.col("health_score") - pl.col("earlier_score")
            ),
        )
        .pipe(with_risk, company.churn_risk)
        .collect()
    )
    if judged_rows.is_empty():
        return None
    foretold = out_of_fold(judged_rows, rules, company.churn_model)
    return evaluated(judged_rows.join(foretold, on=KEY, how="left", validate="1:1"), bands_in_use(company), rules)


def _print(findings: Findings, company: settings.Settings, console: Console) -> None:
    rules = company.backtest
    are, paid = ("ordering", "spend") if findings.is_commerce else ("paying", "MRR")
    console.print(
        f"{len(findings.days)} observation days from {findings.days[0]} to {findings.days[-1]}: {findings.rows:,} rows of "
        f"{are} accounts with a score; {findings.churned_accounts} accounts churned {rules.lead_days} to "
        f"{rules.lead_days + rules.horizon_days} days later. Left out: {findings.too_late_rows} rows that churned too "
        f"soon to act, {findings.unknown_rows} without a score",
        highlight=False,
    )
    console.print(_rankings(findings.auc, findings.beats, HEALTH, rules))
    if findings.top_recall is not None:
        console.print(
            f"The riskiest {100 * rules.top_share:g} % by {HEALTH}: {_pct(findings.top_precision)} churned; they are "
            f"{_pct(findings.top_recall)} of all that churned and {_pct(findings.top_lost_value)} of the {paid} lost",
            highlight=False,
        )
    bands = _table("band", "rows", "churned rows", "rate", "interval")
    for band in findings.bands:
        rate = _pct(band.rate.estimate), _bounds(band.rate, percent=True)
        bands.add_row(band.band, f"{band.rows:,}", f"{band.churned:,}", *rate)
    console.print(bands)
    for better, worse in findings.disordered:
        console.print(f"[yellow]not monotone[/]: {better} churns more than {worse}")
    is_short = findings.churned_accounts < rules.min_churned
    why = f": fewer than {rules.min_churned} accounts churned" if is_short else ""
    if not findings.rows:  # of a scorecard that asks for what is known on the load day only, as `novacrm` does
        why = ": no past day has a score; judge a scorecard that can be scored on past days (scorecard: standard)"
    console.print(f"Verdict: [bold]{findings.verdict}[/]{why}", highlight=False)
    _print_foretelling(findings.foretelling, company, console)


def _print_foretelling(found: Foretelling | None, company: settings.Settings, console: Console) -> None:
    if found is None:
        least = company.churn_model.min_churned
        console.print(f"No churn probability: on no past day had {least} accounts churned that could be learned from")
        return
    console.print(
        f"Churn probability, foretold for accounts that the model had not seen: {found.rows:,} rows of {found.days} days, "
        f"{found.churned_accounts} accounts churned",
        highlight=False,
    )
    console.print(_rankings(found.auc, found.beats, PROBABILITY, company.backtest))
    console.print(
        f"Brier skill {_number(found.brier_skill) or 'not known'} (0 = no better than the churn rate), calibration slope "
        f"{_number(found.calibration_slope) or 'not known'} (1 = right, below 1 = too sure of itself)",
        highlight=False,
    )


def _rankings(areas: dict[str, Interval], beats: dict[str, Interval], judged: str, rules: Backtest) -> Table:
    shown = _table("ranking", "AUC", f"{100 * rules.confidence:g} % interval", f"{judged} gains", "interval")
    for name, area in areas.items():
        gain = beats.get(name, Interval(None))
        shown.add_row(name, _number(area.estimate), _bounds(area), _number(gain.estimate), _bounds(gain))
    return shown


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="dim")


def _number(value: float | None) -> str:
    return "" if value is None else figure(value, 3)


def _pct(value: float | None) -> str:
    return "not known" if value is None else f"{figure(100 * value, 1)} %"


def _bounds(interval: Interval, *, percent: bool = False) -> str:
    if interval.low is None or interval.high is None:
        return ""
    scale, unit, digits = (100, " %", 1) if percent else (1, "", 3)
    return f"{scale * interval.low:.{digits}f} to {scale * interval.high:.{digits}f}{unit}"
