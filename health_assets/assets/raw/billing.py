"""Billing: subscriptions (one row a price period) and invoices."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawSubscriptions(RawContract):
    """What has been agreed on, at which price, from when to when? One row a price period."""

    subscription_id = Given("Key of the price period", required=True, key=True)
    account_id = Given("Account", required=True)
    product_name = Given("Product")
    plan_tier = Given("Plan")
    mrr_amount = Given("Recurring amount a month", required=True)
    start_date = Given("First day, of the trial where there is one", required=True)
    end_date = Given("First unpaid day; blank while it runs")
    status = Given("trial, active, past_due, unpaid, paused, incomplete, cancelled or upgraded")
    trial_end_date = Given("First day after the trial; blank where there was none")
    renewal_date = Given("Day on which it renews")
    seats = Given("Seats paid for")
    currency = Given("Currency of the amount; blank = reporting currency")


class RawInvoices(RawContract):
    """What was invoiced, and was it paid?"""

    invoice_id = Given("Key of the invoice", required=True, key=True)
    account_id = Given("Account", required=True)
    invoice_date = Given("Day of the invoice", required=True)
    due_date = Given("Day by which it is to be paid")
    amount = Given("Amount", required=True)
    currency = Given("Currency of the amount; blank = reporting currency")
    status = Given(
        "draft, open, paid, overdue, failed, uncollectible, void, credited or refunded, as known when the file was written"
    )
    paid_date = Given("Day of payment")
    period_start = Given("First day that it pays for")
    period_end = Given("Last day that it pays for")
    line_items = Given("What it is for")


raw_subscriptions = source("raw_subscriptions", RawSubscriptions)
raw_invoices = source("raw_invoices", RawInvoices)
