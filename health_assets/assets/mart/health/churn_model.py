"""What the churn model learned from, how good it is, and whether its probabilities are published.

The probabilities of accounts are in mart/health/churn_probability.py, how all scores did in the past is what
`health-assets backtest` prints.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AsOfDate, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import on_any_of
from health_assets.scoring.churn_labels import churn_dates, labelled, observation_days, observed
from health_assets.scoring.churn_model import QUALITY, quality
from health_assets.scoring.signals import joined_signals
from health_assets.settings import Settings
from health_assets.tables import table


class ChurnModelQuality(Contract):
    """Is there a churn probability, how good is it, and if there is none, why not?

    The model is tested on accounts that it was not trained on, and on later days where the history is long enough. It is
    published only if it predicts better than
    the churn rate of the day alone.
    """

    as_of_date = AsOfDate()
    rows_learned = Count("Rows to learn from: account x observation day, with the label known before the as-of day")
    churned_accounts = Count("Distinct accounts that churned in these rows")
    feature_count = Count("Features that are measured often enough, of `churn_model.features`")
    tested_rows = Count("Rows predicted by a model that was not trained on the account")
    tested_churned_accounts = Count("Distinct accounts that churned in the tested rows")
    is_tested_on_later_days = dy.Bool(
        nullable=True,
        description="Whether the tested days, the last `churn_model.test_days`, are later than what was learned from; false = "
        "the history is too short for that, so that all days were tested; null = nothing could be tested",
    )
    brier_skill = dy.Float64(
        nullable=True,
        max=1,
        description="1 - squared error / that of each day's own churn rate, mean over the tested days; 0 = no better; null = "
        "nothing could be tested",
    )
    is_published = dy.Bool(description="Whether mart.churn_probability has probabilities")
    reason = dy.String(nullable=True, description="Why it has none; null = it has")

    @dy.rule()
    def reason__unless_published(cls) -> pl.Expr:
        """A model that is not published has a reason, a published one has none."""
        return pl.col("is_published") == pl.col("reason").is_null()


@table(ChurnModelQuality)
def mart_churn_model(
    mart_customer_health_daily: pl.LazyFrame,
    fact_orders: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """The model of the as-of day, in one row."""
    rows = model_rows([mart_customer_health_daily, *signals.values()], fact_orders, dim_account, settings, as_of)
    test = partial(quality, day=as_of, backtest=settings.backtest, model=settings.churn_model)
    return at_once(rows, test, QUALITY).with_columns(as_of_date=pl.lit(as_of)).select(ChurnModelQuality.column_names())


def model_rows(
    signals: Sequence[pl.LazyFrame],
    fact_orders: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """The accounts observed on the past observation days and on the as-of day, with features and labels.

    Args:
        signals: mart_customer_health_daily, fact_account_revenue_daily, and the other account x day tables.
        fact_orders: of shops.
        dim_account: of all accounts.
        settings: what is observed, and what is learned from.
        as_of: the day to predict.
    """
    rules = settings.backtest
    days = [*observation_days(settings.history_start, as_of - timedelta(days=1), rules), as_of]
    revenue = signals[1]
    orders = fact_orders.filter("is_order").with_columns(total_amount="net_amount")
    rows = observed(revenue, orders, dim_account, days, rules)
    churns = churn_dates(revenue, settings.revenue.churn_gap_days)
    of_days = (signal.filter(on_any_of(pl.col("as_of_date"), days)) for signal in signals)
    return joined_signals(labelled(rows, churns, orders, rules), *of_days).select(
        "account_id", "as_of_date", "churned", *settings.churn_model.features
    )


def at_once(
    rows: pl.LazyFrame, function: Callable[[pl.DataFrame], pl.DataFrame], schema: Mapping[str, type[pl.DataType]]
) -> pl.LazyFrame:
    """A function of all rows, as a step of the lazy plan."""
    return rows.map_batches(
        function, schema=dict(schema), predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
    )
