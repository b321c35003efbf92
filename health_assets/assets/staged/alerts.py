"""Alerts and what happened to them, parsed. What became of their accounts is in mart/health/alert_history.py."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Moment
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class Alerts(Contract):
    """Which alerts were there, and what happened to them?"""

    alert_id = dy.String(primary_key=True, description="Alert in its channel")
    account_id = AccountId(of="staged_accounts")
    alert_date = Day("As-of day of the change", nullable=False, metadata={"available_from": True})
    rule = dy.String(description="Rule of the settings that reported it")
    severity = dy.String(nullable=True, description="critical, warning or info")
    channel = dy.String(nullable=True, description="Channel of the settings")
    state = dy.String(nullable=True, description="pending, sending, delivered, dead, held or silenced")
    state_reason = dy.String(nullable=True, description="Why it is held or silenced; null = it is not")
    news = dy.String(nullable=True, description="What changed, in words")
    delivered_at = Moment("When the channel accepted it; null = not delivered")


@staged(Alerts)
def staged_alerts(raw_alerts: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed alerts."""
    return raw_alerts.pipe(parsed, Alerts, settings, "alerts")
