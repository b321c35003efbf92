"""What `health-assets backtest` prints of its findings."""

import io
from datetime import date

from rich.console import Console

from health_assets.cli.backtest import _print_score
from health_assets.scoring.backtest import (
    BEATS,
    DOES_NOT,
    HEALTH,
    NOT_ENOUGH,
    RISK,
    BandRate,
    Findings,
    Interval,
    ScoreFindings,
)
from health_assets_tests.assets.rows import SETTINGS


def printed(name: str, churned_accounts: int, conclusion: str, gains: dict[str, Interval] | None = None) -> str:
    found = ScoreFindings(
        rows=400,
        days=4,
        churned_accounts=churned_accounts,
        unknown_rows=0,
        auc={name: Interval(0.71, 0.6, 0.8)},
        gains=gains or {},
        top_precision=0.05,
        top_recall=0.25,
        top_lost_value=0.25,
        conclusion=conclusion,
    )
    bands = [BandRate("critical", 50, 12, Interval(0.24, 0.1, 0.4), churned_accounts=5)]
    findings = Findings(
        [date(2025, 1, 1)], is_commerce=False, rows=400, too_late_rows=0, scores={name: found}, bands=bands
    )
    console = Console(file=io.StringIO(), width=600)
    _print_score(name, found, findings, SETTINGS, console)
    return console.file.getvalue()


def test_shares_of_churned_accounts_say_how_many_accounts_they_are_of() -> None:
    assert (
        "the riskiest 10% of the accounts held 25.0% of those that churned and 25.0% of the lost MRR; 5.0% of them churned "
        "(36 churned accounts, 4 observation days)." in printed(RISK, 36, DOES_NOT)
    )


def test_too_few_churned_accounts_have_no_ranking_no_share_and_no_rate() -> None:
    said = printed(HEALTH, 1, NOT_ENOUGH)
    assert "1 account churned, 30 are needed (backtest.min_churned)" in said
    assert [word for word in ("0.71", "AUC", "25.0%", "24.0%", "riskiest") if word in said] == []


def test_bands_count_rows_and_accounts_apart() -> None:
    rows = [" ".join(line.split()) for line in printed(HEALTH, 36, BEATS).splitlines()]
    assert "band rows rows churned accounts churned churn rate 95% interval" in rows
    assert "critical 50 12 5 24.0% 10.0% to 40.0%" in rows


def test_conclusion_says_what_it_means_and_what_to_do() -> None:
    gains = {"recency": Interval(0.02, -0.01, 0.05), "mrr": Interval(0.2, 0.1, 0.3)}
    does_not = printed(RISK, 36, DOES_NOT, gains)
    assert "does not beat its baselines. Ranking by recency alone may find the accounts that leave as well" in does_not
    assert "its order can be relied on" in printed(RISK, 36, BEATS, gains)
    assert "run the backtest again when more accounts have left" in printed(RISK, 1, NOT_ENOUGH, gains)
