"""What alerts were about, as the alert run writes it next to the warehouse; no file of the company's."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawAlerts(RawContract):
    """Which alerts were there, and what happened to them?"""

    alert_id = Given("Key of the alert in its channel", required=True, key=True)
    account_id = Given("Account", required=True)
    alert_date = Given("As-of day of the change", required=True)
    rule = Given("Rule of the settings that reported it", required=True)
    severity = Given("critical, warning or info")
    channel = Given("Channel of the settings")
    state = Given("pending, sending, delivered, dead, held or silenced")
    state_reason = Given("Why it is held or silenced")
    news = Given("What changed, in words")
    delivered_at = Given("When the channel accepted it")


raw_alerts = source("raw_alerts", RawAlerts)
