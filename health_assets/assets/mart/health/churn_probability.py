"""The probability that an account churns, by a model trained on this company's own history.

The additive risk score and its reasons are mart/health/churn_risk.py; how well either works is shown by
`health-assets backtest`.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets import load_all
from health_assets.assets.mart.health.churn_model import at_once, with_features
from health_assets.contracts.columns import AccountId, AsOfDate
from health_assets.contracts.contract import Contract, dtypes
from health_assets.scoring.churn_labels import observed
from health_assets.scoring.churn_model import SHAPE, WEIGHTS, scored_by_weights
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.tables import table


class ChurnProbability(Contract):
    """How likely is each account to churn within the horizon, going by what similar accounts did?

    Accounts that pay on the as-of day (shops without contracts: that ordered lately), have been there long enough and
    have not cancelled; the settings' `backtest` says for how long, `churn_model` what is learned from.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    churn_probability = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="Probability of churning after the lead and within the horizon, 0-1, learned from rows whose label was "
        "known before the day; null = the model is not published, for the reason in mart.churn_model",
    )


@table(ChurnProbability)
def mart_churn_probability(
    mart_churn_model: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    fact_orders: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """Probabilities of the accounts observed on the as-of day."""
    rules = settings.backtest
    orders = fact_orders.filter("is_order").with_columns(total_amount="net_amount")
    revenue, *others = (signals[name].filter(pl.col("as_of_date") == as_of) for name in signals)
    accounts = observed(revenue, orders, dim_account, [as_of], rules)
    rows = with_features(accounts, [mart_customer_health_daily, revenue, *others], [as_of], settings.churn_model)
    return at_once(rows.join(mart_churn_model.select(WEIGHTS), how="cross"), scored_by_weights, SHAPE).select(
        ChurnProbability.column_names()
    )


def learnable_columns() -> set[str]:
    """What `churn_model.features` may name: numbers and flags of the account x day tables read here, and the tenure."""
    tables = load_all()
    read = [tables[name].contract for name in tables[mart_churn_probability.__name__].inputs]
    return {"tenure_days"} | {
        column
        for contract in read
        if contract.primary_key() == SIGNAL_KEY
        for column, dtype in dtypes(contract).items()
        if dtype.is_numeric() or dtype == pl.Boolean
    }
