"""What `health-assets alerts replay` prints: the alerts of a past period, and what became of the accounts."""

from datetime import date

from rich.console import Console
from rich.markup import escape

from health_assets.alerts.replay import Replay, RuleFigures, replay
from health_assets.alerts.rules import CHURNED
from health_assets.cli.terminal import CommandError, grid
from health_assets.reporting.formatting import counted, number, pct
from health_assets.settings import Settings


def print_replay(company: Settings, first: date, last: date, shown_on: Console, *, is_listed: bool) -> None:
    """Figures by rule, with each alert before them if they are to be listed.

    Raises:
        CommandError: the period is empty, or the snapshot has no day of it.
        SnapshotError: nothing is published.
    """
    if last < first:
        raise CommandError("--to: must not be before --from")
    with shown_on.status("Replaying past days ..."):
        try:
            found = replay(company, first, last)
        except ValueError as error:
            raise CommandError(str(error)) from None
    if is_listed:
        for alert in found.alerts:
            about = f"{alert.as_of_date} {alert.rule}, {alert.name}: {alert.news}"
            shown_on.print(escape("; ".join([about, *alert.reasons])), highlight=False, soft_wrap=True)
        shown_on.print()
    shown = grid("rule", "alerts", "a week", f"churned in {found.outcome_days} days", "recovered")
    for rule in found.rules:
        counts = (number(rule.alerts), number(rule.alerts / found.weeks, 1))
        shown.add_row(rule.rule, *counts, _share(rule.churned, rule), _share(rule.recovered, rule))
    shown_on.print(shown, highlight=False)
    shown_on.print(f"\n{_summary(found)}", highlight=False)


def _share(count: int, rule: RuleFigures) -> str:
    if rule.rule == CHURNED:
        return ""
    return f"{pct(100 * count / rule.observed, 0)} of {rule.observed}" if rule.observed else "too early"


def _summary(found: Replay) -> str:
    base = "" if found.base_rate is None else f", against {pct(100 * found.base_rate)} of all accounts"
    return (
        f"{found.first} to {found.last}: {counted(len(found.alerts), 'alert')}, "
        f"{number(len(found.alerts) / found.weeks, 1)} a week for {counted(found.account_count, 'account')}. Shares are of the "
        f"alerts whose {found.outcome_days} days have passed{base}; recovered = neither churned nor at an alarming level then.\n"
        f"{counted(found.churned_accounts, 'account')} churned; {number(found.foreseen)} of them had been reported before, within "
        f"{found.outcome_days} days."
    )
