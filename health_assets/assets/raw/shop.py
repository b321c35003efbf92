"""The shop: orders and their payments."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawOrders(RawContract):
    """What was bought, when, and for how much?"""

    order_id = Given("Key of the order", required=True, key=True)
    account_id = Given("Account", required=True)
    order_date = Given("Day of the order", required=True)
    total_amount = Given("Amount of the whole order; negative = refund", required=True)
    currency = Given("Currency of the amount; blank = reporting currency")
    refunded_amount = Given(
        "What was paid back of the order, 0 or more; blank = not said. Only where refunds are no rows of their own"
    )
    status = Given("paid, pending, cancelled or refunded; blank = paid")


class RawPayments(RawContract):
    """What was due when, and was it paid?"""

    payment_id = Given("Key of the payment", required=True, key=True)
    account_id = Given("Account", required=True)
    payment_due_date = Given("Day by which payment is due", required=True)
    payment_date = Given("Day of payment; blank = not paid yet")
    amount_paid = Given("Amount paid")
    currency = Given("Currency of the amount; blank = reporting currency")


raw_orders = source("raw_orders", RawOrders)
raw_payments = source("raw_payments", RawPayments)
