"""What the churn model learned from, how good it is, and whether its probabilities are published.

The probabilities of accounts are in mart/health/churn_probability.py, how all scores did in the past is what
`health-assets backtest` prints.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import dataframely as dy
import polars as pl
import polars.selectors as cs

from health_assets.contracts.columns import Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import on_any_of
from health_assets.scoring.churn_labels import churn_dates, labelled, observation_days, observed
from health_assets.scoring.churn_model import QUALITY, quality
from health_assets.scoring.signals import joined_signals
from health_assets.settings import Settings
from health_assets.settings.sections import ChurnModel
from health_assets.tables import table


class ChurnModelQuality(Contract):
    """Is there a churn probability, how good is it, and if there is none, why not?

    The model is tested on accounts that it was not trained on, and on later days where the history is long enough. It is
    published only if it predicts better than
    the churn rate of the day alone. It is trained once a month, so that within a month a probability changes only because
    the account does.
    """

    trained_date = dy.Date(
        primary_key=True,
        description="First day of the as-of month: the model knows what was known before it",
        metadata={"available_from": True},
    )
    rows_learned = Count("Rows to learn from: account x observation day, with the label known before the as-of month")
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
    weights = dy.String(
        nullable=True,
        description="The model as JSON: what each feature, standardised by its mean and scale, adds to the log odds of churn, "
        "and the intercept; null = not published",
    )

    @dy.rule()
    def reason__unless_published(cls) -> pl.Expr:
        """A model that is not published has a reason, a published one has none."""
        return pl.col("is_published") == pl.col("reason").is_null()


def known_before_month(fact_orders: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """What the model learns from besides the tables by month: the accounts and orders known before the as-of month."""
    orders, accounts = _known_before(as_of.replace(day=1), fact_orders, dim_account)
    return pl.concat([orders, accounts], how="diagonal")


@table(
    ChurnModelQuality,
    settings_sections=("backtest", "churn_model", "revenue", "history_start"),
    made_from=known_before_month,
)
def mart_churn_model(
    mart_customer_health_daily: pl.LazyFrame,
    fact_orders: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """The model of the as-of month, in one row."""
    day = as_of.replace(day=1)
    rows = training_rows([mart_customer_health_daily, *signals.values()], fact_orders, dim_account, settings, day)
    test = partial(quality, day=day, backtest=settings.backtest, model=settings.churn_model)
    return at_once(rows, test, QUALITY).with_columns(trained_date=pl.lit(day)).select(ChurnModelQuality.column_names())


def training_rows(
    signals: Sequence[pl.LazyFrame], fact_orders: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings, day: date
) -> pl.LazyFrame:
    """The accounts observed on past days, with features and labels, by what was known before a day.

    Args:
        signals: mart_customer_health_daily, fact_account_revenue_daily, and the other account x day tables.
        fact_orders: of shops.
        dim_account: of all accounts.
        settings: what is observed, and what is learned from.
        day: on which the model is trained.
    """
    rules = settings.backtest
    days = observation_days(settings.history_start, day - timedelta(days=1), rules)
    orders, accounts = _known_before(day, fact_orders, dim_account)
    revenue = signals[1].filter(pl.col("as_of_date") < day)
    churns = churn_dates(revenue, settings.revenue.churn_gap_days)
    rows = labelled(observed(revenue, orders, accounts, days, rules), churns, orders, rules)
    return with_features(rows, signals, days, settings.churn_model)


def with_features(
    rows: pl.LazyFrame, signals: Sequence[pl.LazyFrame], days: Sequence[date], model: ChurnModel
) -> pl.LazyFrame:
    """Accounts observed on some days with their label, if they have one, and the features of the model."""
    of_days = (signal.filter(on_any_of(pl.col("as_of_date"), days)) for signal in signals)
    return joined_signals(rows, *of_days).select(
        "account_id", "as_of_date", cs.by_name("churned", require_all=False), *model.features
    )


def _known_before(day: date, fact_orders: pl.LazyFrame, dim_account: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The orders and accounts before a day, as far as labels and observation depend on them."""
    orders = fact_orders.filter("is_order", pl.col("order_date") < day)
    dates = pl.col("first_paid_date", "cancelled_date")
    return (
        orders.select("account_id", "order_date", total_amount="net_amount"),
        dim_account.filter(pl.col("signup_date") < day).select(
            "account_id", "signup_date", pl.when(dates < day).then(dates)
        ),
    )


def at_once(
    rows: pl.LazyFrame, function: Callable[[pl.DataFrame], pl.DataFrame], schema: Mapping[str, type[pl.DataType]]
) -> pl.LazyFrame:
    """A function of all rows, as a step of the lazy plan."""
    return rows.map_batches(
        function, schema=dict(schema), predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
    )
