"""What `health-assets backtest` prints: how well past scores ranked the accounts that churned later."""

from rich.console import Console
from rich.table import Table

from health_assets.cli.terminal import grid
from health_assets.reporting.backtest import backtest, meaning
from health_assets.reporting.formatting import NOT_MEASURED, counted, number, pct
from health_assets.reporting.labels import worded
from health_assets.scoring.backtest import HEALTH, NOT_ENOUGH, PROBABILITY, RISK, Findings, Interval, ScoreFindings
from health_assets.settings import Settings

NO_ROW = {  # why a score may have no row
    HEALTH: "no past day has a score; choose a scorecard that can score past days (scorecard: standard)",
    RISK: "on no past day were enough factors measured (churn_risk.min_coverage)",
    PROBABILITY: "on no past day had enough accounts churned to learn from (churn_model.min_churned)",
}


def print_backtest(company: Settings, console: Console) -> None:
    """How each score ranks on the rows that it scores, churn by band, and how well the probability is calibrated.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    with console.status(
        "Comparing past scores with later churn; training the churn model on each group of accounts ..."
    ):
        findings = backtest(company)
    rules = company.backtest
    if findings is None:
        console.print(
            f"Not enough history: a backtest needs accounts that paid, or had ordered within {rules.order_days} days, and "
            f"were at least {rules.history_days} days old, on a day {rules.lead_days + rules.horizon_days} days before the "
            "last day of the data"
        )
        return
    kind, left = ("ordering", "did not order") if findings.is_commerce else ("paying", "churned")
    console.print(
        f"{counted(len(findings.days), 'observation day')} from {findings.days[0]} to {findings.days[-1]}, "
        f"{counted(findings.rows, 'row')} of {kind} accounts. Churned = {left} {rules.lead_days} to "
        f"{rules.lead_days + rules.horizon_days} days later. Left out: {counted(findings.too_late_rows, 'row')} that churned "
        "too soon to act on.",
        highlight=False,
    )
    for name in (HEALTH, RISK, PROBABILITY):
        console.print("")
        found = findings.scores.get(name)
        if found is None:
            console.print(f"[bold]{name.capitalize()}[/]: {NO_ROW[name]}", highlight=False)
        else:
            _print_score(name, found, findings, company, console)


def _print_score(name: str, found: ScoreFindings, findings: Findings, company: Settings, console: Console) -> None:
    rules, value = company.backtest, "spend" if findings.is_commerce else "MRR"
    console.print(
        f"[bold]{name.capitalize()}[/]: {counted(found.rows, 'row')} on {counted(found.days, 'day')}, "
        f"{counted(found.churned_accounts, 'account')} churned. Not scored: {counted(found.unknown_rows, 'row')}.",
        highlight=False,
    )
    if found.conclusion == NOT_ENOUGH:
        left = counted(found.churned_accounts, "account")
        console.print(
            f"Conclusion: [bold]{found.conclusion}[/]: {left} churned, {rules.min_churned} are needed "
            f"(backtest.min_churned). {meaning(found)}",
            highlight=False,
        )
        return
    console.print(_rankings(found, name, rules.confidence))
    if found.top_recall is not None:
        console.print(
            f"On an average day the riskiest {100 * rules.top_share:g}% of the accounts held {_pct(found.top_recall)} of those "
            f"that churned and {_pct(found.top_lost_value)} of the lost {value}; {_pct(found.top_precision)} of them churned "
            f"({counted(found.churned_accounts, 'churned account')}, {counted(found.days, 'observation day')}).",
            highlight=False,
        )
    if name == HEALTH:
        _print_bands(findings, rules.confidence, console)
    if name == PROBABILITY:
        console.print(
            f"Brier skill {number(findings.brier_skill, 3)} (0 = no better than the churn rate), calibration slope "
            f"{number(findings.calibration_slope, 3)} (1 = right, below 1 = overconfident)",
            highlight=False,
        )
    console.print(f"Conclusion: [bold]{found.conclusion}[/]. {meaning(found)}", highlight=False)


def _print_bands(findings: Findings, confidence: float, console: Console) -> None:
    console.print("By band; an account has a row on each observation day, and may have been in several bands:")
    bands = grid("band", "rows", "rows churned", "accounts churned", "churn rate", f"{100 * confidence:g}% interval")
    for band in findings.bands:
        rate = _pct(band.rate.estimate), _bounds(band.rate, percent=True)
        bands.add_row(band.band, number(band.rows), number(band.churned), number(band.churned_accounts), *rate)
    console.print(bands)
    for better, worse in findings.disordered:
        console.print(f"[yellow]not monotone[/]: band {better} churned more often than {worse}")


def _rankings(found: ScoreFindings, subject: str, confidence: float) -> Table:
    interval = f"{100 * confidence:g}% interval"
    shown = grid("ranking", "AUC", interval, f"AUC gain of {subject}", interval)
    for name, area in found.auc.items():
        gain = found.gains.get(name, Interval(None))
        shown.add_row(worded(name), number(area.estimate, 3), _bounds(area), _gain(gain), _bounds(gain))
    return shown


def _gain(gain: Interval) -> str:
    return "" if gain.estimate is None else number(gain.estimate, 3, "+")


def _pct(share: float | None) -> str:
    return NOT_MEASURED if share is None else pct(100 * share)


def _bounds(interval: Interval, *, percent: bool = False) -> str:
    if interval.low is None or interval.high is None:
        return ""
    if percent:
        return f"{pct(100 * interval.low)} to {pct(100 * interval.high)}"
    return f"{number(interval.low, 3)} to {number(interval.high, 3)}"
