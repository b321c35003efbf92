"""The alerts about accounts as a CSV file next to the warehouse, which the next run reads for mart.alert_history."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.entry import Entry
from health_assets.assets.raw.alerts import RawAlerts
from health_assets.sources.columns import given_columns

COLUMNS = given_columns(RawAlerts)


def write_history(entries: Sequence[Entry], path: Path, since: date | None = None) -> None:
    """Bring the file up to date with the entries about accounts; a reader sees the old file or the new one.

    Alerts that are not in the outbox any more stay: it forgets them in time, and its file may have been moved aside. Those of
    days before `since` go.
    """
    rows = {row["alert_id"]: row for row in _written(path)}
    rows |= {entry.id: _row(entry, entry.body) for entry in entries if isinstance(entry.body, AccountAlert)}
    with NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", newline="", delete=False) as opened:
        writer = csv.DictWriter(opened, COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in rows.values() if since is None or row["alert_date"] >= since.isoformat())
    Path(opened.name).replace(path)


def _written(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        return [row for row in csv.DictReader(opened) if row.get("alert_id")]


def _row(entry: Entry, alert: AccountAlert) -> dict[str, str]:
    return {
        "alert_id": entry.id,
        "account_id": alert.account_id,
        "alert_date": alert.as_of_date.isoformat(),
        "rule": alert.rule,
        "severity": alert.severity,
        "channel": entry.channel,
        "state": entry.state.value,
        "state_reason": entry.held_reason or entry.failure or "",
        "news": alert.news,
        "delivered_at": entry.delivered_at.isoformat() if entry.delivered_at else "",
    }
