from datetime import date, timedelta

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.replay import Replay, Standing, _with_figures

FIRST = date(2025, 1, 1)
WELL, BAD, GONE = Standing(False, False), Standing(False, True), Standing(True, None)


def alert(account_id: str, rule: str, day: int) -> AccountAlert:
    """An alert on a day, counted from the first."""
    good = rule == "recovered"
    about = {
        "kind": "entered",
        "before": None,
        "now": "high",
        "owner": None,
        "segment": None,
        "tier": None,
        "region": None,
    }
    return AccountAlert(
        account_id=account_id,
        rule=rule,
        severity="info" if good else "warning",
        as_of_date=FIRST + timedelta(days=day),
        is_good_news=good,
        name=account_id,
        mrr=None,
        news="",
        reasons=[],
        next_step=None,
        **about,
    )


def figures(
    alerts: list[AccountAlert], days: dict[int, dict[str, Standing]], last: int, outcome_days: int = 10
) -> Replay:
    standing = {FIRST + timedelta(days=day): accounts for day, accounts in days.items()}
    rules = ["churned", "risk_level", "usage_halved", "recovered"]
    return _with_figures(alerts, rules, standing, FIRST, FIRST + timedelta(days=last), outcome_days)


def test_shares_are_of_the_alerts_whose_outcome_is_known() -> None:
    days = {0: {"A": BAD, "B": BAD, "C": BAD}, 5: {"A": BAD}, 10: {"A": GONE, "B": WELL, "C": BAD}}
    given = [
        alert("A", "risk_level", 0),
        alert("B", "risk_level", 0),
        alert("C", "risk_level", 0),
        alert("A", "usage_halved", 5),
    ]
    risk, usage = figures(given, days, last=5).rules
    assert (risk.rule, risk.alerts, risk.observed, risk.churned, risk.recovered) == ("risk_level", 3, 3, 1, 1)
    assert (usage.rule, usage.alerts, usage.observed) == ("usage_halved", 1, 0)


def test_a_churn_was_foreseen_if_bad_news_about_the_account_came_within_the_days_before() -> None:
    days = {0: {"A": BAD}, 6: {"A": GONE}}
    before = [alert("A", "risk_level", 0), alert("A", "churned", 6)]
    assert (figures(before, days, last=6).churned_accounts, figures(before, days, last=6).foreseen) == (1, 1)
    too_early = [alert("A", "risk_level", 0), alert("A", "churned", 11)]
    assert figures(too_early, days, last=11).foreseen == 0
    good = [alert("A", "recovered", 0), alert("A", "churned", 6)]
    assert figures(good, days, last=6).foreseen == 0


def test_the_base_rate_counts_every_account_and_day_whose_outcome_is_known() -> None:
    days = {0: {"A": WELL, "B": WELL}, 1: {"A": WELL}, 10: {"A": GONE, "B": WELL}, 11: {"A": GONE}}
    assert figures([], days, last=1).base_rate == 2 / 3
    assert figures([], {0: {"A": WELL}}, last=0).base_rate is None
