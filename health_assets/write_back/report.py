"""Data alerts about rows that a target rejected."""

from collections.abc import Sequence
from datetime import date

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry
from health_assets.reporting.formatting import counted

ACCOUNTS = 10  # that a line names


def of_rejected_rows(dead: Sequence[Entry], day: date) -> list[DataAlert]:
    """One alert for each target that rejected rows: the accounts by reason."""
    found = []
    for target in sorted({one.channel for one in dead}):
        by_reason: dict[str, list[str]] = {}
        for one in sorted((one for one in dead if one.channel == target), key=lambda one: str(one.account_id)):
            by_reason.setdefault(one.failure or "", []).append(str(one.account_id))
        lines = [f"{_named(accounts)}: {reason}" for reason, accounts in sorted(by_reason.items())]
        found.append(
            DataAlert(
                case=["write_back", target, day.isoformat(), *lines],
                as_of_date=day,
                title=f"{counted(sum(map(len, by_reason.values())), 'account')} not written to {target}",
                lines=lines,
                remedy="Correct that there or in write_back.targets, then run `health-assets write-back --retry`.",
            )
        )
    return found


def _named(accounts: Sequence[str]) -> str:
    others = len(accounts) - ACCOUNTS
    return ", ".join(accounts[:ACCOUNTS]) + (f" and {counted(others, 'other')}" if others > 0 else "")
