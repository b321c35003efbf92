"""Security operations centre: incidents at the accounts."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawSecurityIncidents(RawContract):
    """Which incidents were detected at which account, and how fast was the response?"""

    incident_id = Given("Key of the incident", required=True, key=True)
    account_id = Given("Account", required=True)
    severity = Given("low, medium, high or critical")
    incident_type = Given("What kind of incident, e.g. malware")
    occurred_at = Given("When it began")
    detected_at = Given("When it was detected", required=True)
    responded_at = Given("When work on it began")
    contained_at = Given("When it could no longer spread")
    is_false_positive = Given("Whether it was a false positive, as known when the file was written")
    sla_minutes = Given("Minutes to respond that were agreed on")
    worked_within_sla = Given("Whether it was responded to in time, where the moment itself is not exported")
    status = Given("Status when the file was written")


raw_security_incidents = source("raw_security_incidents", RawSecurityIncidents)
