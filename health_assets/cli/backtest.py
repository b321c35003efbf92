"""What `health-assets backtest` prints: how well past scores ranked the accounts that churned later."""

from rich.console import Console
from rich.table import Table

from health_assets.cli.terminal import grid
from health_assets.reporting.backtest import backtest
from health_assets.reporting.formatting import NOT_MEASURED, counted, number, pct
from health_assets.scoring.backtest import HEALTH, PROBABILITY, Findings, Interval, ProbabilityFindings
from health_assets.settings import Settings


def print_backtest(company: Settings, console: Console) -> None:
    """Rankings, the riskiest accounts, churn by band, the conclusion, and the churn probability on its own rows.

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
            "Not enough history: a backtest needs accounts that were paying (or ordering) and at least "
            f"{rules.history_days} days old, {rules.lead_days + rules.horizon_days} days before the last day of the data"
        )
        return
    _print_findings(findings, company, console)
    _print_probability(findings.of_probability, company, console)


def _print_findings(findings: Findings, company: Settings, console: Console) -> None:
    rules = company.backtest
    customers, value = ("ordering", "spend") if findings.is_commerce else ("paying", "MRR")
    console.print(
        f"{counted(len(findings.days), 'observation day')} from {findings.days[0]} to {findings.days[-1]}, "
        f"{counted(findings.rows, 'row')} of {customers} accounts with a score. "
        f"{counted(findings.churned_accounts, 'account')} churned {rules.lead_days} to "
        f"{rules.lead_days + rules.horizon_days} days later. Left out: {counted(findings.too_late_rows, 'row')} that churned "
        f"too soon to act on, {number(findings.unknown_rows)} without a score.",
        highlight=False,
    )
    console.print(_rankings(findings.auc, findings.beats, HEALTH, rules.confidence))
    if findings.top_recall is not None:
        console.print(
            f"Riskiest {100 * rules.top_share:g}% by {HEALTH}: {_pct(findings.top_precision)} of them churned. They are "
            f"{_pct(findings.top_recall)} of all churned accounts and {_pct(findings.top_lost_value)} of the lost {value}.",
            highlight=False,
        )
    bands = grid("band", "rows", "churned", "churn rate", f"{100 * rules.confidence:g}% interval")
    for band in findings.bands:
        rate = _pct(band.rate.estimate), _bounds(band.rate, percent=True)
        bands.add_row(band.band, number(band.rows), number(band.churned), *rate)
    console.print(bands)
    for better, worse in findings.disordered:
        console.print(f"[yellow]not monotone[/]: band {better} churned more often than {worse}")
    why = f": fewer than {rules.min_churned} accounts churned" if findings.churned_accounts < rules.min_churned else ""
    if not findings.rows:  # a scorecard that needs what is known on the load day only, such as `novacrm`
        why = ": no past day has a score; choose a scorecard that can score past days (scorecard: standard)"
    console.print(f"Conclusion: [bold]{findings.conclusion}[/]{why}", highlight=False)


def _print_probability(found: ProbabilityFindings | None, company: Settings, console: Console) -> None:
    if found is None:
        least = company.churn_model.min_churned
        console.print(f"No churn probability: on no past day had the {least} accounts churned that the model needs")
        return
    console.print(
        f"Churn probability, out of fold (each account scored by a model that was not trained on it): "
        f"{counted(found.rows, 'row')} on {counted(found.days, 'day')}, {counted(found.churned_accounts, 'account')} churned.",
        highlight=False,
    )
    console.print(_rankings(found.auc, found.beats, PROBABILITY, company.backtest.confidence))
    console.print(
        f"Brier skill {number(found.brier_skill, 3)} (0 = no better than the churn rate), calibration slope "
        f"{number(found.calibration_slope, 3)} (1 = right, below 1 = overconfident)",
        highlight=False,
    )


def _rankings(areas: dict[str, Interval], beats: dict[str, Interval], subject: str, confidence: float) -> Table:
    interval = f"{100 * confidence:g}% interval"
    shown = grid("ranking", "AUC", interval, f"AUC gain of {subject}", interval)
    for name, area in areas.items():
        gain = beats.get(name, Interval(None))
        shown.add_row(name, number(area.estimate, 3), _bounds(area), _gain(gain), _bounds(gain))
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
