"""Shop: orders and their payments."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawOrders(RawContract):
    """What was bought, when, and for how much?"""

    order_id = Given("Key of the order", required=True, key=True)
    account_id = Given("Account", required=True)
    order_date = Given("Day of the order", required=True)
    total_amount = Given("Amount of the whole order", required=True)
    currency = Given("Currency of the amount; blank = reporting currency")


class RawPayments(RawContract):
    """What was to be paid until when, and was it?"""

    payment_id = Given("Key of the payment", required=True, key=True)
    account_id = Given("Account", required=True)
    payment_due_date = Given("Day by which it is to be paid", required=True)
    payment_date = Given("Day of payment; blank while it is not paid")
    amount_paid = Given("Amount paid")
    currency = Given("Currency of the amount; blank = reporting currency")


raw_orders = source("raw_orders", RawOrders)
raw_payments = source("raw_payments", RawPayments)
