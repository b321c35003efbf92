"""What a period would have reported under the settings, and what became of those accounts.

So that a company sets its limits by numbers: how many alerts a week, how many of the accounts churned or recovered, how
many of the churned ones were reported before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.accounts import Account
from health_assets.alerts.past_days import past_days
from health_assets.alerts.recording import recorded
from health_assets.alerts.rules import CHURNED, Rule, is_score, rules_of
from health_assets.alerts.state_file import in_memory
from health_assets.reporting.reader import published
from health_assets.settings import Settings

OUTCOME_DAYS = 90  # after an alert, for what became of the account
RUN_IN_DAYS = 45  # followed before the period, so that its first day has something to compare with


@dataclass(frozen=True)
class Standing:
    """An account on a past day."""

    is_churned: bool
    is_bad: bool | None  # in an alarming level of health or risk; None = unknown


@dataclass(frozen=True)
class RuleFigures:
    """Alerts of one rule, and the accounts that they are about, in the days after each."""

    rule: str
    alerts: int
    observed: int  # alerts about accounts whose days after them are known
    churned: int
    recovered: int  # neither churned nor at an alarming level of health or risk at the end of these days


@dataclass(frozen=True)
class Replay:
    """The alerts of a period with their figures."""

    first: date
    last: date
    outcome_days: int
    alerts: list[AccountAlert]
    rules: list[RuleFigures]
    account_count: int  # mean number of accounts a day
    churned_accounts: int  # in the period
    foreseen: int  # of these: with bad news in the `outcome_days` before
    base_rate: float | None  # of all accounts and days of the period: share that churned within `outcome_days`

    @property
    def weeks(self) -> float:
        """Length of the period."""
        return ((self.last - self.first).days + 1) / 7


def replay(settings: Settings, first: date, last: date) -> Replay:
    """Run the rules over past days of the published snapshot; nothing is saved or delivered.

    Raises:
        SnapshotError: nothing has been published yet.
        ValueError: the snapshot has no day of the period.
    """
    days = OUTCOME_DAYS
    rules = rules_of(settings)
    alerts: list[AccountAlert] = []
    standing: dict[date, dict[str, Standing]] = {}
    with published(settings) as connection, in_memory() as state:
        ((as_of_date,),) = connection.sql("select as_of_date from about").fetchall()
        until = min(as_of_date, last + timedelta(days=days))
        for day in past_days(connection, settings, first - timedelta(days=RUN_IN_DAYS), until):
            standing[day.as_of_date] = {
                one.account_id: Standing(one.is_churned, _is_bad(one, rules)) for one in day.accounts
            }
            if day.as_of_date > last:
                continue
            alerts += recorded(state, day, rules, settings).alerts
    in_period = [day for day in standing if first <= day <= last]
    if not in_period:
        raise ValueError(f"the snapshot has no day between {first} and {last}")
    reported = [alert for alert in alerts if alert.as_of_date >= first]
    return _with_figures(reported, list(settings.alerts.rules), standing, first, max(in_period), days)


def _is_bad(account: Account, rules: Sequence[Rule]) -> bool | None:
    """Whether health or risk is at an alarming level; None where neither is known."""
    known = [
        account.readings[rule.name].level in rule.alarming
        for rule in rules
        if is_score(rule.name) and rule.name in account.readings and account.readings[rule.name].level in rule.levels
    ]
    return any(known) if known else None


def _with_figures(
    alerts: list[AccountAlert],
    rules: Sequence[str],
    standing: Mapping[date, Mapping[str, Standing]],
    first: date,
    last: date,
    days: int,
) -> Replay:
    reported = {alert.rule for alert in alerts}
    names = [rule for rule in rules if rule in reported]
    churned = {alert.account_id: alert.as_of_date for alert in alerts if alert.rule == CHURNED}
    warned = [alert for alert in alerts if not alert.is_good_news and alert.rule != CHURNED]
    foreseen = {
        alert.account_id
        for alert in warned
        if alert.account_id in churned and 0 < (churned[alert.account_id] - alert.as_of_date).days <= days
    }
    period = [standing[day] for day in standing if first <= day <= last]
    return Replay(
        first=first,
        last=last,
        outcome_days=days,
        alerts=alerts,
        rules=[_of_rule(name, [one for one in alerts if one.rule == name], standing, days) for name in names],
        account_count=round(sum(sum(not one.is_churned for one in day.values()) for day in period) / len(period)),
        churned_accounts=len(churned),
        foreseen=len(foreseen),
        base_rate=_base_rate(standing, first, last, days),
    )


def _base_rate(standing: Mapping[date, Mapping[str, Standing]], first: date, last: date, days: int) -> float | None:
    later = [
        standing[day + timedelta(days=days)][account_id].is_churned
        for day, accounts in standing.items()
        if first <= day <= last and day + timedelta(days=days) in standing
        for account_id, one in accounts.items()
        if not one.is_churned and account_id in standing[day + timedelta(days=days)]
    ]
    return sum(later) / len(later) if later else None


def _of_rule(
    rule: str, alerts: Sequence[AccountAlert], standing: Mapping[date, Mapping[str, Standing]], days: int
) -> RuleFigures:
    later = [standing.get(one.as_of_date + timedelta(days=days), {}).get(one.account_id) for one in alerts]
    known = [one for one in later if one is not None]
    return RuleFigures(
        rule=rule,
        alerts=len(alerts),
        observed=len(known),
        churned=sum(one.is_churned for one in known),
        recovered=sum(not one.is_churned and one.is_bad is False for one in known),
    )
