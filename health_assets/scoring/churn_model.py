"""The probability that an account leaves, learned from what this company's own accounts did.

A logistic regression on standardised features, an unmeasured one counting as average. Who is observed and who left is
churn.py; the additive risk score, which nothing learns, is mart/health/churn_risk.py. The two are never mixed.

scikit-learn takes a second to import, so it is met in the process beside the run, and only where there is enough to learn
from.
"""

import difflib
from datetime import date
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from health_assets.scoring.churn_labels import KEY
from health_assets.scoring.logistic_regression import probabilities
from health_assets.settings import Settings, SettingsError
from health_assets.settings.sections import Backtest, ChurnModel
from health_assets.worker import shared_worker

PROBABILITY = "churn_probability"
DECIMALS = 6  # the last digits of a fit depend on the machine
SHAPE = {"account_id": pl.String, "as_of_date": pl.Date, PROBABILITY: pl.Float64}


def check_features(settings: Settings, known: set[str]) -> None:
    """Refuse features that no table brings.

    Raises:
        SettingsError: one message with every wrong name and a near one.
    """
    wrong = [name for name in settings.churn_model.features if name not in known]
    if wrong:
        near = {name: difflib.get_close_matches(name, sorted(known), n=1) for name in wrong}
        said = [f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else "") for name, close in near.items()]
        raise SettingsError(f"churn_model.features: no table has a number or flag {', '.join(said)}")


def foretold(rows: pl.DataFrame, day: date, backtest: Backtest, model: ChurnModel) -> pl.DataFrame:
    """The probability of each account observed on a day, learned from the rows whose label was known before it.

    Args:
        rows: account_id x as_of_date with the features and `churned` (null = too late, not learned from).
        day: of the accounts that are asked for; their own label is not looked at.
        backtest: when a label is known.
        model: features, and how much there must be to learn from.

    Returns:
        account_id, as_of_date, churn_probability: null where too few accounts left to learn from.
    """
    asked = rows.filter(pl.col("as_of_date") == day).sort(KEY)
    return asked.select(KEY).with_columns(
        pl.Series(PROBABILITY, _probabilities(known_before(rows, day, backtest), asked, model), pl.Float64)
    )


def out_of_fold(rows: pl.DataFrame, backtest: Backtest, model: ChurnModel) -> pl.DataFrame:
    """The probability of every row as it could have been known on its day, by a model that never saw the account.

    Accounts are hashed into groups; each is foretold by what the other groups taught before the day.
    """
    accounts = rows["account_id"].unique().to_list()
    groups = [crc32(account.encode()) % model.groups for account in accounts]
    rows = rows.with_columns(group=pl.col("account_id").replace_strict(accounts, groups, return_dtype=pl.Int64))
    day, is_own = pl.col("as_of_date"), pl.col("group")
    found = [
        foretold(
            rows.filter(pl.when(is_own == group).then(day == asked).otherwise(day < asked)), asked, backtest, model
        )
        for asked in rows["as_of_date"].unique().sort()
        for group in range(model.groups)
    ]
    return pl.concat([pl.DataFrame(schema=SHAPE), *found])


def known_before(rows: pl.DataFrame, day: date, backtest: Backtest) -> pl.DataFrame:
    """The rows whose label window ended before a day, in the order that makes a fit the same again."""
    window = pl.duration(days=backtest.lead_days + backtest.horizon_days)
    return rows.filter(pl.col("as_of_date") + window < day, pl.col("churned").is_not_null()).sort(KEY)


def _probabilities(learned: pl.DataFrame, asked: pl.DataFrame, model: ChurnModel) -> Any:
    """One value per asked row; None throughout where there is too little to learn from."""
    churned = learned["churned"].cast(pl.Boolean)
    left = learned.filter(churned)["account_id"].n_unique()
    features = [name for name in model.features if _is_measured(learned[name], model.min_measured)]
    if left < model.min_churned or churned.all() or not features or asked.is_empty():
        return [None] * asked.height
    given = _matrix(learned, features), churned.to_numpy(), _matrix(asked, features)
    return shared_worker().submit(probabilities, *given, penalty=model.penalty).result().round(DECIMALS)


def _is_measured(feature: pl.Series, min_measured: float) -> bool:
    """Whether a feature is there often enough, and tells rows apart."""
    return feature.count() >= max(1, min_measured * len(feature)) and feature.drop_nulls().n_unique() > 1


def _matrix(rows: pl.DataFrame, features: list[str]) -> np.ndarray:
    """The features as numbers; not a number = not measured."""
    return rows.select(pl.col(features).cast(pl.Float64).fill_null(np.nan)).to_numpy()
