"""CRM: the accounts, and what happened to their contracts."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawAccounts(RawContract):
    """Which companies are our customers?"""

    account_id = Given("Key of the account", required=True)
    company_name = Given("Name of the company", required=True)
    signup_date = Given("Day of the first contract or trial", required=True)
    status = Given("active, churned, trial or suspended, as known when the file was written")
    industry = Given("Industry")
    employee_count = Given("Number of employees")
    plan_tier = Given("Plan, e.g. starter, growth, enterprise")
    account_owner = Given("Person responsible for the account")
    region = Given("Sales region")
    age = Given("Age of the person, for consumer businesses")
    licensed_seats = Given("Seats paid for")
    monthly_recurring_revenue = Given("MRR, used where no subscriptions are connected")
    license_utilization = Given("Share of seats in use, 0-1")
    parent_account_id = Given("Parent account")


raw_accounts = source("raw_accounts", RawAccounts)


class RawContractEvents(RawContract):
    """What happened to the contracts of the accounts, and how did it change revenue?"""

    event_id = Given("Key of the event", required=True, key=True)
    account_id = Given("Account", required=True)
    event_date = Given("Day of the event", required=True)
    event_type = Given("signed, renewed, upgraded, downgraded, cancelled or other")
    revenue_impact = Given("Change of revenue by the event")


raw_contract_events = source("raw_contract_events", RawContractEvents)


class RawTouchpoints(RawContract):
    """Who contacted which account, when, and with what result?"""

    touchpoint_id = Given("Key of the touchpoint", required=True, key=True)
    account_id = Given("Account", required=True)
    occurred_at = Given("When it took place", required=True)
    kind = Given("email, call, business_review, training ...")
    owner = Given("Person who contacted the account")
    result = Given("Result, e.g. positive, neutral, negative")
    note = Given("What was said")


raw_touchpoints = source("raw_touchpoints", RawTouchpoints)


class RawHealthOverrides(RawContract):
    """Which scores or bands are set by hand?"""

    account_id = Given("Account", required=True)
    score = Given("Score set by hand, 0-100")
    band = Given("Band set by hand, by its name in the scorecard")
    reason = Given("Reason", required=True)
    author = Given("Person who set it", required=True)
    valid_from = Given("First day on which it applies", required=True)
    expiry_date = Given("Last day on which it applies", required=True)


raw_health_overrides = source("raw_health_overrides", RawHealthOverrides)
