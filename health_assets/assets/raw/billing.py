"""Billing: subscriptions (one row a price period) and invoices."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawSubscriptions(RawContract):
    """Which prices were agreed on, from when to when? One row per price period."""

    subscription_id = Given("Key of the price period", required=True, key=True)
    account_id = Given("Account", required=True)
    product_name = Given("Product")
    plan_tier = Given("Plan")
    mrr_amount = Given(
        "Recurring amount per month, of all units and after discounts",
        required=True,
        alternatives=(("amount", "interval"), ("unit_amount", "interval")),
    )
    amount = Given("Price of all units for one interval, where the file has no amount per month")
    unit_amount = Given("Price of one unit for one interval")
    quantity = Given("Number of units; blank = 1")
    discount_amount = Given("Discount on the price of one interval")
    interval = Given(
        "What the price pays for: day, week, month, quarter or year; also words such as annual or `3 months`"
    )
    interval_count = Given("Number of intervals that the price pays for; blank = 1")
    start_date = Given("First day, of the trial where there is one", required=True)
    end_date = Given("First unpaid day, or the last paid one if `end_date_is` says so; blank while it runs")
    status = Given("trial, active, past_due, unpaid, paused, incomplete, cancelled or upgraded")
    trial_end_date = Given("First day after the trial; blank where there was none")
    paused_at = Given("When a subscription that is paused or incomplete stopped paying")
    renewal_date = Given("Day on which it renews")
    seats = Given("Seats paid for")
    currency = Given("Currency of the amounts; blank = reporting currency")
    updated_at = Given("When the row last changed")


class RawInvoices(RawContract):
    """What was invoiced, and was it paid?"""

    invoice_id = Given("Key of the invoice", required=True, key=True)
    account_id = Given("Account", required=True)
    invoice_date = Given("Day of the invoice", required=True)
    due_date = Given("Day by which it has to be paid")
    amount = Given("Amount; negative = credit note", required=True)
    currency = Given("Currency of the amount; blank = reporting currency")
    status = Given(
        "draft, open, paid, overdue, failed, uncollectible, void, credited or refunded, as known when the file was written"
    )
    paid_date = Given("Day of payment")
    period_start = Given("First day of the period that it pays for")
    period_end = Given("Last day of the period that it pays for")
    line_items = Given("Text of its lines")


raw_subscriptions = source("raw_subscriptions", RawSubscriptions)
raw_invoices = source("raw_invoices", RawInvoices)
