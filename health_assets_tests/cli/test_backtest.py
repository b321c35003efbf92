"""What `health-assets backtest` prints of its findings."""

import io
from datetime import date

from rich.console import Console

from health_assets.cli.backtest import _print_score
from health_assets.scoring.backtest import RISK, Findings, ScoreFindings
from health_assets_tests.assets.rows import SETTINGS


def test_shares_of_churned_accounts_say_how_many_accounts_they_are_of() -> None:
    risk = ScoreFindings(
        rows=40,
        days=4,
        churned_accounts=1,
        unknown_rows=0,
        auc={},
        gains={},
        top_precision=0.05,
        top_recall=0.25,
        top_lost_value=0.25,
        conclusion="not enough evidence",
    )
    findings = Findings([date(2025, 1, 1)], is_commerce=False, rows=40, too_late_rows=0, scores={RISK: risk})
    printed = Console(file=io.StringIO(), width=400)
    _print_score(RISK, risk, findings, SETTINGS, printed)
    assert (
        "5.0% of them churned. They were 25.0% of the accounts that churned and 25.0% of the lost MRR, "
        "of 1 churned account on 4 days." in printed.file.getvalue()
    )
