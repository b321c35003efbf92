"""Which rows of the shop are orders, which are refunds, and how much of their amount counts.

Shared by the tables of the shop and by dim.account. Expressions over `total_amount`, `refunded_amount` and
`status` of staged.orders.
"""

import polars as pl

CANCELLED, REFUNDED = "cancelled", "refunded"


def is_refund() -> pl.Expr:
    """Money paid back: a row of negative amount."""
    return pl.col("total_amount") < 0


def is_order() -> pl.Expr:
    """Whether a row is an order that was placed: no refund, and not cancelled. An order refunded later was placed."""
    return ~is_refund() & ~_has_status(CANCELLED)


def gross_amount() -> pl.Expr:
    """The amount of an order, whether or not it was refunded later; 0 for other rows."""
    return pl.when(is_order()).then("total_amount").otherwise(0.0)


def net_amount() -> pl.Expr:
    """What a row adds to net spend: the amount of an order less what was paid back of it, a negative one for a refund.

    A cancelled order adds nothing, nor does one of status refunded whose file does not say how much was paid back.
    """
    paid_back = pl.col("refunded_amount").fill_null(0.0)
    counts = is_refund() | ~_has_status(REFUNDED) | (paid_back > 0)
    kept = pl.when(is_refund()).then("total_amount").otherwise(pl.col("total_amount") - paid_back)
    return pl.when(counts & ~_has_status(CANCELLED)).then(kept).otherwise(0.0)


def _has_status(status: str) -> pl.Expr:
    return (pl.col("status") == status).fill_null(False)
