"""Help desk: tickets."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawSupportTickets(RawContract):
    """Who contacted support, when, and with what outcome?"""

    ticket_id = Given("Key of the ticket", required=True, key=True)
    account_id = Given("Account", required=True)
    created_at = Given("When it was opened", required=True)
    first_response_at = Given("When it was first answered")
    first_response_time_hours = Given("Hours to the first answer, where the moment itself is not exported")
    resolved_at = Given("When it was resolved; blank while it is open")
    resolution_time_hours = Given("Hours to resolution, where the moment itself is not exported")
    priority = Given("p1 (most urgent) to p4")
    category = Given("What it is about")
    status = Given(
        "new, open, in_progress, pending, on_hold, resolved, closed or escalated, as known when the file was written"
    )
    is_escalated = Given("Whether it was escalated, as known when the file was written")
    escalated_at = Given("When it was escalated")
    ticket_type = Given("Who raised it")
    satisfaction_score = Given("Rating after resolution, 1-5")
    related_incident_id = Given("Security incident behind it")


raw_support_tickets = source("raw_support_tickets", RawSupportTickets)
